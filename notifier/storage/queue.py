"""What waits to be sent, and what holds it, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from notifier.alerts.queue import QueueState, Retries
from notifier.storage.database import Store
from notifier.storage.schema import chunk, delivery_retry, lease, subscription
from notifier.storage.stories import DECIDER


class SqlQueueStore(Store):
    """The work there is, on SQLite or PostgreSQL."""

    def state(self, now: datetime) -> QueueState:
        """All of it, in one view."""
        ready = and_(chunk.c.state == "ready", chunk.c.not_before <= now)
        leased = chunk.c.state == "leased"
        waits = or_(chunk.c.state == "held", and_(chunk.c.state == "ready", chunk.c.not_before > now))
        with self._database.reading() as connection:

            def counted(condition: object) -> dict[bool, int]:
                query = select(chunk.c.breaking, func.count()).where(condition).group_by(chunk.c.breaking)  # type: ignore[arg-type]
                return {bool(breaking): int(count) for breaking, count in connection.execute(query).all()}

            by_key = select(subscription.c.vapid_key_id, func.count()).group_by(subscription.c.vapid_key_id)
            keys = {name: int(count) for name, count in connection.execute(by_key).all()}
            return QueueState(
                ready=counted(ready),
                leased=counted(leased),
                held=sum(counted(waits).values()),
                overdue=sum(counted(and_(leased, chunk.c.lease_until < now)).values()),
                oldest_ready_at=connection.scalar(select(func.min(chunk.c.not_before)).where(ready)),
                retries=_retries(connection),
                subscriptions=sum(keys.values()),
                by_key=keys,
                decider_until=connection.scalar(select(lease.c.until).where(lease.c.name == DECIDER)),
            )


def _retries(connection: Connection) -> Mapping[str, Retries]:
    """{push service: what is to be tried again}, the largest first."""
    columns = (subscription.c.push_service, delivery_retry.c.reason)
    query = (
        select(*columns, func.count().label("pushes"), func.min(delivery_retry.c.next_attempt_at).label("next_at"))
        .join(subscription, subscription.c.id == delivery_retry.c.subscription_id)
        .group_by(*columns)
        .order_by(func.count().desc())
    )
    found: dict[str, Retries] = {}
    for row in connection.execute(query):
        before = found.get(row.push_service)
        found[row.push_service] = Retries(
            count=row.pushes + (before.count if before else 0),
            next_at=min(row.next_at, before.next_at) if before else row.next_at,
            reasons={**(before.reasons if before else {}), row.reason: row.pushes},
        )
    return found
