"""Envelopes sealed ahead, between the process that seals them and the transaction that uses them up.

Implements `EnvelopeStore`. An envelope belongs to an epoch, and only those of the present one are handed out. An epoch
ends whenever the database could have been put back to an earlier state, so that no restored backup brings back an
envelope that was used since: with SQLite when the process ends, with PostgreSQL when the server starts or the table is
made or filled anew. docs/decisions/0012-envelopes-are-used-once.md has the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, delete, func, select, text

from notifier.push.envelope import Envelope
from notifier.storage.database import Database, upsert_into
from notifier.storage.schema import envelope, subscription
from notifier.subscribers.subscriber import PushKeys

_SERVER_EPOCH = text(
    "SELECT md5(pg_postmaster_start_time()::text || ' ' || oid || ' ' || relfilenode)"
    " FROM pg_class WHERE oid = 'envelope'::regclass"
)


class SqlEnvelopeStore:
    """EnvelopeStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def without(self, after: int, limit: int) -> Sequence[tuple[int, PushKeys]]:
        """The next subscriptions by id, after the id `after`, that have no envelope of this epoch."""
        with self._database.reading() as connection:
            present = and_(
                envelope.c.subscription_id == subscription.c.id,
                envelope.c.epoch == epoch(connection, self._database),
            )
            rows = connection.execute(
                select(subscription.c.id, subscription.c.endpoint, subscription.c.p256dh, subscription.c.auth)
                .outerjoin(envelope, present)
                .where(subscription.c.id > after, envelope.c.subscription_id.is_(None))
                .order_by(subscription.c.id)
                .limit(limit)
            )
            return [(number, PushKeys(endpoint, p256dh, auth)) for number, endpoint, p256dh, auth in rows]

    def put(self, sealed: Sequence[tuple[int, PushKeys, Envelope]]) -> int:
        """Keep what was sealed, except for browsers whose keys are others by now; returns how many were kept."""
        with self._database.writing() as connection:
            ids = [number for number, _, _ in sealed]
            keys = select(subscription.c.id, subscription.c.p256dh, subscription.c.auth)
            now = {row.id: (row.p256dh, row.auth) for row in connection.execute(keys.where(subscription.c.id.in_(ids)))}
            current = epoch(connection, self._database)
            rows = [
                {"subscription_id": number, "epoch": current, "sealed": one}
                for number, sealed_for, one in sealed
                if now.get(number) == (sealed_for.p256dh, sealed_for.auth)
            ]
            if rows:
                statement = upsert_into(connection, envelope)
                renewed = {"epoch": statement.excluded.epoch, "sealed": statement.excluded.sealed}
                connection.execute(
                    statement.on_conflict_do_update(index_elements=[envelope.c.subscription_id], set_=renewed), rows
                )
            return len(rows)

    def ready(self) -> int:
        """How many subscriptions have an envelope."""
        with self._database.reading() as connection:
            usable = envelope.c.epoch == epoch(connection, self._database)
            return int(connection.scalar(select(func.count()).select_from(envelope).where(usable)) or 0)


def take_envelopes(connection: Connection, database: Database, ids: Sequence[int]) -> Mapping[int, bytes]:
    """{subscription id: envelope} of those that have one: deleted in the caller's transaction, so used up.

    The caller commits before it sends a byte. Of two transactions at once, one gets an envelope.
    """
    chosen = and_(envelope.c.subscription_id.in_(ids), envelope.c.epoch == epoch(connection, database))
    rows = connection.execute(delete(envelope).where(chosen).returning(envelope.c.subscription_id, envelope.c.sealed))
    return {number: sealed for number, sealed in rows.all()}  # noqa: C416 - dict() of rows has no type


def epoch(connection: Connection, database: Database) -> str:
    """The name of the present epoch."""
    return database.opening if database.is_sqlite else str(connection.scalar(_SERVER_EPOCH))
