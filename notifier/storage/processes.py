"""Which processes of the service live, and what becomes of the leases of one that does not any more.

Implements `ProcessStore`. Every lease names its holder: a chunk's, a retry's and a feed's in the first characters of
the token, the decider's in a column. Whoever lost a lease finds its token gone when it settles, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, delete, func, insert, literal_column, select, update

from notifier.storage.database import HOLDER_LENGTH, Database
from notifier.storage.schema import chunk, delivery_retry, feed, lease, process

# The database's own clock, in microseconds as times are stored: hosts disagree about the time.
_NOW_SQLITE = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
_NOW_POSTGRES = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"


class SqlProcessStore:
    """ProcessStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._now = literal_column(_NOW_SQLITE if database.is_sqlite else _NOW_POSTGRES, BigInteger)

    def join(self, role: str, host: str, pid: int) -> None:
        """Be one of the processes from now on."""
        named = {"id": self._database.holder, "role": role, "host": host[:255], "pid": pid}
        with self._database.writing() as connection:
            connection.execute(delete(process).where(process.c.id == self._database.holder))
            connection.execute(insert(process).values(**named, started_at=self._now, seen_at=self._now, beats=0))

    def beat(self) -> bool:
        """Say that this process lives; False where the others took it for dead, and its leases from it."""
        ours = update(process).where(process.c.id == self._database.holder)
        with self._database.writing() as connection:
            return connection.execute(ours.values(seen_at=self._now, beats=process.c.beats + 1)).rowcount == 1

    def others(self) -> Mapping[str, int]:
        """{process: its beats} of all but this one."""
        with self._database.reading() as connection:
            query = select(process.c.id, process.c.beats).where(process.c.id != self._database.holder)
            return {row.id: row.beats for row in connection.execute(query)}

    def bury(self, silent: Mapping[str, int]) -> Collection[str]:
        """Take the leases of processes that have not beaten since these beats; returns which ones were dead."""
        with self._database.writing() as connection:
            dead = [
                name
                for name, beats in sorted(silent.items())
                if connection.execute(delete(process).where(process.c.id == name, process.c.beats == beats)).rowcount
            ]
            if dead:
                _free(connection, dead)
        return dead

    def leave(self) -> None:
        """End in good order: what this process still holds is for the others."""
        with self._database.writing() as connection:
            connection.execute(delete(process).where(process.c.id == self._database.holder))
            _free(connection, [self._database.holder])

    def succeed(self) -> None:
        """Take every lease there is: for a process that knows that no other lives (SQLite: storage/run_lock.py)."""
        with self._database.writing() as connection:
            connection.execute(delete(process))
            _free(connection, None)


def _free(connection: Connection, holders: Collection[str] | None) -> None:
    """End the leases of these holders, or of everybody: each kind of lease there is."""

    def held(token: ColumnElement[str]) -> ColumnElement[bool]:
        return token.is_not(None) if holders is None else func.substr(token, 1, HOLDER_LENGTH).in_(holders)

    nobody = {"lease_until": None, "lease_token": None}
    sending = and_(chunk.c.state == "leased", held(chunk.c.lease_token))
    connection.execute(update(chunk).where(sending).values(state="ready", **nobody))
    for table in (delivery_retry, feed):
        waits = and_(table.c.lease_until.is_not(None), held(table.c.lease_token))
        connection.execute(update(table).where(waits).values(nobody))
    connection.execute(delete(lease) if holders is None else delete(lease).where(lease.c.holder.in_(holders)))
