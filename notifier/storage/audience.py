"""The audience by day: counts of subscriptions, and of those that ended. Implements `AudienceStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, delete, func, select, type_coerce

from notifier.storage.database import Store, upsert_into
from notifier.storage.schema import (
    EPOCH,
    MICROSECOND,
    audience_day,
    subscription,
    subscription_end,
    subscription_topic,
    topic,
)
from notifier.subscribers.audience import AudienceKind, DayCount, DayEnds, day_of

DAY = timedelta(days=1)
KEPT = timedelta(days=800)
"""Two years, and some weeks to compare with."""


class SqlAudienceStore(Store):
    """AudienceStore on SQLite or PostgreSQL."""

    def snapshot(self, now: datetime) -> None:
        """Keep today's counts in the place of what was counted earlier today; let go of what is years old."""
        counts = self.today(now)  # without a writer's turn: among a million it takes a second
        day = _midnight(now)
        rows = [{"day": day, "kind": c.kind.value, "name": c.name, "count": c.count} for c in counts]
        with self._database.writing() as connection:
            connection.execute(delete(audience_day).where(audience_day.c.day == day))
            # Another process may count at this very moment.
            statement = upsert_into(connection, audience_day)
            newer = {"count": statement.excluded["count"]}
            connection.execute(
                statement.on_conflict_do_update(index_elements=list(audience_day.primary_key), set_=newer), rows
            )
            connection.execute(delete(audience_day).where(audience_day.c.day < day - KEPT))

    def today(self, now: datetime) -> Sequence[DayCount]:
        """The counts as they are now; nothing is kept."""
        day = day_of(now)
        with self._database.reading() as connection:
            total = connection.scalar(select(func.count()).select_from(subscription)) or 0
            counted = [DayCount(day, AudienceKind.ALL, AudienceKind.ALL.value, int(total))]
            for kind, query in _QUERIES.items():
                found = sorted(connection.execute(query).all(), key=lambda row: (-row[1], row[0]))
                counted += [DayCount(day, kind, name, int(count)) for name, count in found]
            return counted

    def days(self, since: datetime) -> Sequence[DayCount]:
        """What was kept since then, the oldest first."""
        columns = (audience_day.c.day, audience_day.c.kind, audience_day.c.name, audience_day.c["count"])
        query = select(*columns).where(audience_day.c.day >= _midnight(since))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(audience_day.c.day, audience_day.c["count"].desc())).all()
            return [DayCount(day_of(day), AudienceKind(kind), name, int(count)) for day, kind, name, count in rows]

    def ends(self, since: datetime) -> Sequence[DayEnds]:
        """Where and why subscriptions ended since then, the oldest first."""
        with self._database.reading() as connection:
            return [
                DayEnds(day_of(EPOCH + number * DAY), reason, service, int(count))
                for number, reason, service, count in _ends(connection, since)
            ]


def _ends(connection: Connection, since: datetime) -> Sequence[Any]:
    # Counted by the database: at a large site a row is written every few seconds.
    number = (type_coerce(subscription_end.c.at, BigInteger) // (DAY // MICROSECOND)).label("number")
    columns = (number, subscription_end.c.reason, subscription_end.c.push_service)
    query = select(*columns, func.sum(subscription_end.c.count)).where(subscription_end.c.at >= _midnight(since))
    return connection.execute(query.group_by(*columns).order_by(*columns)).all()


def _midnight(at: datetime) -> datetime:
    return EPOCH + (at - EPOCH) // DAY * DAY


_QUERIES: dict[AudienceKind, Select[Any]] = {
    AudienceKind.TOPIC: select(topic.c.slug, func.count())
    .join(subscription_topic, subscription_topic.c.topic_id == topic.c.id)
    .group_by(topic.c.slug),
    AudienceKind.BROWSER: select(subscription.c.browser, func.count()).group_by(subscription.c.browser),
    AudienceKind.PUSH_SERVICE: select(subscription.c.push_service, func.count()).group_by(subscription.c.push_service),
}
