"""What came of an alert, in figures: how they are written, and when the alert is over.

Enters: pushes by alert, push service and outcome, and subscriptions that are about to go. Leaves: rows of
`delivery_count`, and `alert.done_at`. A subscription that goes takes its retries along; they become "left" here, so
that no alert waits for somebody who is not there any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, exists, select, update

from notifier.storage.database import adding_to
from notifier.storage.schema import alert, chunk, delivery_count, delivery_retry

_OPEN = and_(alert.c.id.in_(bindparam("ids", expanding=True)), alert.c.done_at.is_(None))
_HOLD_OPEN = select(alert.c.id).where(_OPEN).order_by(alert.c.id).with_for_update()
_OPEN_CHUNK = exists().where(chunk.c.alert_id == alert.c.id, chunk.c.state != "done")
_OPEN_RETRY = exists().where(delivery_retry.c.alert_id == alert.c.id)
_END_OPEN = update(alert).where(_OPEN, ~_OPEN_CHUNK, ~_OPEN_RETRY).values(done_at=bindparam("at"))


class OutcomeCounts(Counter[tuple[int, str, str]]):
    """{(alert id, push service, outcome): pushes to add}, negative where there are fewer now."""

    def give_up(self, alert_id: int, service: str, why: str = "left") -> None:
        """A push that was to be tried again will not be: its subscriber left, or the alert was withdrawn."""
        self[alert_id, service, "retrying"] -= 1
        self[alert_id, service, why] += 1

    @property
    def alerts(self) -> set[int]:
        """The ids of the alerts that are counted here."""
        return {alert_id for alert_id, _, _ in self}


def end_retries(connection: Connection, services: Mapping[int, str]) -> OutcomeCounts:
    """Delete the retries of {subscription id: push service}; returns what that does to the counts.

    The caller holds these subscriptions' rows, so that no retry is added meanwhile.
    """
    ended = OutcomeCounts()
    of_theirs = delete(delivery_retry).where(delivery_retry.c.subscription_id.in_(list(services)))
    for row in connection.execute(of_theirs.returning(delivery_retry.c.alert_id, delivery_retry.c.subscription_id)):
        ended.give_up(row.alert_id, services[row.subscription_id])
    return ended


def add_counts(connection: Connection, tally: OutcomeCounts) -> None:
    """Add to what is counted for the alerts."""
    # One order for everybody, so that two workers cannot lock each other out.
    rows = [
        {"alert_id": alert_id, "push_service": service, "outcome": outcome, "count": count}
        for (alert_id, service, outcome), count in sorted(tally.items())
        if count
    ]
    if rows:
        connection.execute(adding_to(connection.dialect.name, delivery_count), rows)


def finish_if_done(connection: Connection, alerts: Iterable[int], now: datetime) -> None:
    """Mark those alerts done of which no chunk and no retry is left."""
    ids = list(alerts)
    if not ids:
        return
    # Held first: of two transactions that end the last two pushes, the second has to see what the first did.
    if connection.scalars(_HOLD_OPEN, {"ids": ids}).all():
        connection.execute(_END_OPEN, {"ids": ids, "at": now})
