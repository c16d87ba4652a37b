"""Lets go of what is older than the operator wants to keep, a little at a time so that nobody waits for it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, select

from notifier.storage.database import Database
from notifier.storage.schema import alert, chunk, delivery_retry, item, story, subscription, subscription_end

BATCH = 2_000


class Retention:
    """Deletes by age. A story goes when its last item has gone; an alert only when it is done."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
