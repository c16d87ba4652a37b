"""Lets go of what is older than the operator wants to keep, a little at a time so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, select

from notifier.storage.database import Store
from notifier.storage.schema import alert, chunk, delivery_retry, item, story, subscription, subscription_end

BATCH = 2_000


class Horizon:
    """What is older than this may go: said only of what was as old at the look before as well.

    A clock that is a year ahead for a moment, at a start too, would otherwise take everything away for good, and all
    that is still in the feeds would be new and alerted once more.
    """

    def __init__(self, keep: timedelta, steady: Callable[[], float] = monotonic) -> None:
        """`steady` gives seconds from any beginning, whatever is done to the clock."""
        self._keep, self._steady = keep, steady
        self._before: tuple[datetime, float] | None = None

    def at(self, now: datetime) -> datetime | None:
        """The time before which things may be deleted, now; None at the first look."""
        steady, last = self._steady(), self._before
        self._before = now, steady
        if last is None:
            return None
        then, at = last
        return min(now, then + timedelta(seconds=steady - at)) - self._keep


class Retention(Store):
    """Deletes by age. A story goes when its last item has gone; an alert only when it is done."""

    def prune(self, before: datetime) -> int:
        """Delete up to BATCH rows of each kind that are older; returns how many, so that a caller can go on."""
        with self._database.writing() as connection:
            childless = ~exists().where(item.c.story_id == story.c.id)
            return (
                _delete_oldest(connection, item, item.c.seen_at < before)
                + _delete_oldest(connection, story, and_(story.c.updated_at < before, childless))
                + _delete_oldest(connection, alert, and_(alert.c.decided_at < before, alert.c.done_at.is_not(None)))
                + _delete_oldest(connection, subscription_end, subscription_end.c.at < before)
            )

    def open_work(self) -> tuple[int, int, int]:
        """(subscriptions, chunks not done, retries waiting): what the gauges show."""
        with self._database.reading() as connection:
            return (
                int(connection.scalar(select(func.count()).select_from(subscription)) or 0),
                int(connection.scalar(select(func.count()).select_from(chunk).where(chunk.c.state != "done")) or 0),
                int(connection.scalar(select(func.count()).select_from(delivery_retry)) or 0),
            )


def _delete_oldest(connection: Connection, table: Table, old: ColumnElement[bool]) -> int:
    chosen = select(table.c.id).where(old).order_by(table.c.id).limit(BATCH)
    return int(connection.execute(delete(table).where(table.c.id.in_(chosen.scalar_subquery()))).rowcount)
