"""Envelopes sealed ahead, between the process that seals them and the transaction that uses them up.

Implements `EnvelopeStore`. An envelope belongs to an epoch, and only those of the present one are handed out. An epoch
ends whenever the database could have been put back to an earlier state, so that no restored backup brings back an
envelope that was used since: with SQLite when the process ends, with PostgreSQL when the server starts or the table is
made or filled anew. docs/decisions/0012-envelopes-are-used-once.md has the reasons.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import Connection, func, select, text

from notifier.push.envelope import Envelope
from notifier.storage.database import Database, Store
from notifier.storage.schema import envelope

_SERVER_EPOCH = text(
    "SELECT md5(pg_postmaster_start_time()::text || ' ' || oid || ' ' || relfilenode)"
    " FROM pg_class WHERE oid = 'envelope'::regclass"
)

# Fetched past SQLAlchemy, whose rows were two thirds of what a look cost.
_WITHOUT = text(
    "SELECT s.id, s.p256dh, s.auth FROM subscription s"
    " LEFT JOIN envelope e ON e.subscription_id = s.id AND e.epoch = :epoch"
    " WHERE s.id > :after AND e.subscription_id IS NULL ORDER BY s.id LIMIT :limit"
)

# One statement a row for SQLite and one for all on PostgreSQL, both past SQLAlchemy, whose part was 20 us an envelope.
# The keys are compared where they are, so that what a browser changed in the meantime is not overwritten.
_PUT_SQLITE = (
    "INSERT INTO envelope (subscription_id, epoch, sealed)"
    " SELECT id, ?, ? FROM subscription WHERE id = ? AND p256dh = ? AND auth = ?"
    " ON CONFLICT (subscription_id) DO UPDATE SET epoch = excluded.epoch, sealed = excluded.sealed"
)
_PUT_POSTGRES = (
    "INSERT INTO envelope (subscription_id, epoch, sealed)"
    " SELECT s.id, %(epoch)s, n.sealed FROM subscription s JOIN unnest("
    "%(numbers)b::bigint[], %(points)b::bytea[], %(secrets)b::bytea[], %(envelopes)b::bytea[]"
    ") AS n (id, p256dh, auth, sealed) ON s.id = n.id AND s.p256dh = n.p256dh AND s.auth = n.auth"
    " ON CONFLICT (subscription_id) DO UPDATE SET epoch = excluded.epoch, sealed = excluded.sealed"
)

# One parameter for all: SQLAlchemy's one for each id took as long as to delete them.
_TAKE = "DELETE FROM envelope WHERE epoch = :epoch AND subscription_id {} RETURNING subscription_id, sealed"
_TAKE_SQLITE = text(_TAKE.format("IN (SELECT value FROM json_each(:ids))"))
_TAKE_POSTGRES = text(_TAKE.format("= ANY(CAST(:ids AS bigint[]))"))

# A subscription's id, its public key, its auth secret.
Wanted = tuple[int, bytes, bytes]


class SqlEnvelopeStore(Store):
    """EnvelopeStore on SQLite or PostgreSQL."""

    def without(self, after: int, limit: int) -> Sequence[Wanted]:
        """The next subscriptions by id, after the id `after`, that have no envelope of this epoch."""
        with self._database.reading() as connection:
            named = {"epoch": epoch(connection, self._database), "after": after, "limit": limit}
            return cast("Sequence[Wanted]", connection.execute(_WITHOUT, named).cursor.fetchall())

    def put(self, sealed: Sequence[tuple[int, bytes, bytes, Envelope]]) -> int:
        """Keep what was sealed, except for browsers whose keys are others by now; returns how many were kept."""
        if not sealed:
            return 0
        with self._database.writing() as connection:
            current = epoch(connection, self._database)
            if self._database.is_sqlite:
                rows = [(current, one, number, p256dh, auth) for number, p256dh, auth, one in sealed]
                return connection.exec_driver_sql(_PUT_SQLITE, rows).rowcount
            numbers, points, secrets, envelopes = map(list, zip(*sealed, strict=True))
            columns = {"numbers": numbers, "points": points, "secrets": secrets, "envelopes": envelopes}
            return connection.exec_driver_sql(_PUT_POSTGRES, {"epoch": current, **columns}).rowcount

    def ready(self) -> int:
        """How many subscriptions have an envelope."""
        with self._database.reading() as connection:
            usable = envelope.c.epoch == epoch(connection, self._database)
            return int(connection.scalar(select(func.count()).select_from(envelope).where(usable)) or 0)


def take_envelopes(connection: Connection, database: Database, ids: Sequence[int]) -> Mapping[int, bytes]:
    """{subscription id: envelope} of those that have one: deleted in the caller's transaction, so used up.

    The caller commits before it sends a byte. Of two transactions at once, one gets an envelope.
    """
    statement, listed = (_TAKE_SQLITE, json.dumps(ids)) if database.is_sqlite else (_TAKE_POSTGRES, ids)
    taken = connection.execute(statement, {"epoch": epoch(connection, database), "ids": listed})
    return dict(taken.cursor.fetchall())


def epoch(connection: Connection, database: Database) -> str:
    """The name of the present epoch."""
    return database.opening if database.is_sqlite else str(connection.scalar(_SERVER_EPOCH))
