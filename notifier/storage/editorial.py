"""What an operator does to alerts by hand, and what came of each; what is said of stories is in `rulings`.

Every action is one transaction, and says False where it came too late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import and_, delete, select, update

from notifier.alerts.alert import Alert
from notifier.alerts.evidence_json import evidence_from_json, evidence_to_json
from notifier.errors import NotFound
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.counts import OutcomeCounts, add_counts
from notifier.storage.schema import (
    alert,
    chunk,
    delivery_count,
    delivery_retry,
    subscription,
)


class SqlEditorialStore(SqlAlertStore):
    """EditorialAlerts on SQLite or PostgreSQL."""

    def alert(self, alert_id: int) -> Alert:
        """One alert. Raises NotFound."""
        found = self.find(alert_id)
        if found is None:
            raise NotFound(f"there is no alert {alert_id}")
        return found

    def approve(self, alert_id: int, now: datetime) -> bool:
        """Let a held alert go now; False if it went already, or was dropped."""
        waiting = and_(alert.c.id == alert_id, alert.c.hold_until > now, alert.c.done_at.is_(None))
        with self._database.writing() as connection:
            stored = connection.scalar(select(alert.c.why).where(waiting).with_for_update())
            if stored is None:
                return False
            known = evidence_from_json(stored)
            why = evidence_to_json(replace(known, hold=replace(known.hold, let_go=True)))
            let_go = update(alert).where(waiting).values(hold_until=now, why=why)
            if connection.execute(let_go).rowcount != 1:
                return False
            left = and_(chunk.c.alert_id == alert_id, chunk.c.state != "done")
            connection.execute(update(chunk).where(left).values(state="ready", not_before=now))
            return True

    def withdraw(self, alert_id: int, now: datetime) -> bool:
        """Stop an alert where it stands: nobody gets it from now on. False if it was sent to the end already.

        A worker in the middle of a sub-batch finds its lease gone when it settles, and ends.
        """
        under_way = and_(alert.c.id == alert_id, alert.c.done_at.is_(None))
        with self._database.writing() as connection:
            if connection.execute(update(alert).where(under_way).values(done_at=now, withdrawn_at=now)).rowcount != 1:
                return False
            left = and_(chunk.c.alert_id == alert_id, chunk.c.state != "done")
            connection.execute(update(chunk).where(left).values(state="done", lease_until=None, lease_token=None))
            given_up = OutcomeCounts()
            waiting = delivery_retry.c.alert_id == alert_id
            services = select(subscription.c.push_service).join(delivery_retry).where(waiting)
            for service in connection.scalars(services):
                given_up.give_up(alert_id, service, "withdrawn")
            connection.execute(delete(delivery_retry).where(waiting))
            add_counts(connection, given_up)
            return True

    def outcomes(self, alert_id: int) -> Mapping[str, Mapping[str, int]]:
        """{push service: {outcome: pushes}} of an alert."""
        found: dict[str, dict[str, int]] = {}
        with self._database.reading() as connection:
            columns = (delivery_count.c.push_service, delivery_count.c.outcome, delivery_count.c.count)
            for service, outcome, pushes in connection.execute(
                select(*columns).where(delivery_count.c.alert_id == alert_id)
            ):
                found.setdefault(service, {})[outcome] = pushes
        return found
