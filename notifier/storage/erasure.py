"""What was deleted is gone from the files too, within minutes. SQLite only; docs/subscribers.md states the bounds.

`secure_delete` overwrites what a transaction deletes, but the write-ahead log keeps what the pages held before until it
is begun anew, which SQLite does when it likes; and a page that was split may keep a copy of a moved row in the room
between rows (https://sqlite.org/pragma.html#pragma_secure_delete). So the log is cut off every minute, and the file is
rewritten after deletions: a small one soon, a larger one once a day, and a very large one by hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic

import structlog
from sqlalchemy import Connection

from notifier.clock import Clock, system_clock
from notifier.storage.database import SQLITE_BUSY_MS, Database

log = structlog.get_logger()

EVERY_S = 60.0
"""How often `work` is to be called."""
SMALL_BYTES = 64 << 20
"""Rewritten in about a second."""
SMALL_EVERY_S = 120.0
LARGE_BYTES = 512 << 20
"""Beyond it a rewrite would hold up writers, and with them the news, for longer than they wait."""
DAY_S = 86_400
WAIT_MS = 1_000
"""How long a cut waits for readers; writers wait behind it, and news among them."""


class Erasure:
    """Works in one thread at a time. Nothing to do on PostgreSQL, whose own vacuum decides."""

    def __init__(
        self,
        database: Database,
        busy: Callable[[], bool] = lambda: False,
        clock: Clock = system_clock,
        steady: Callable[[], float] = monotonic,
    ) -> None:
        """`busy`: something is being sent, so the file is not rewritten now."""
        self._database, self._busy, self._clock, self._steady = database, busy, clock, steady
        self._file = database.url.database or ""
        self._rewritten_at: float | None = None
        # Whether the process before this one had deleted something is not known.
        database.erased.set()

    def work(self) -> None:
        """Cut the log off where it holds anything, and rewrite the file where that is due. Raises DatabaseUnwell."""
        if not self._database.is_sqlite or not self._file:
            return
        with self._database.outside() as connection:
            if self._is_due(connection):
                self._rewrite(connection)
            if _size(f"{self._file}-wal"):
                self._cut(connection)

    def _is_due(self, connection: Connection) -> bool:
        if not self._database.erased.is_set() or self._busy():
            return False
        size = _size(self._file)
        if size > LARGE_BYTES:
            return False
        if size > SMALL_BYTES:
            # The day of the last time is kept in the file's header, which is ours to use (user_version).
            return self._today() > int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        return self._rewritten_at is None or self._steady() - self._rewritten_at >= SMALL_EVERY_S

    def _rewrite(self, connection: Connection) -> None:
        self._database.erased.clear()  # first: what is deleted meanwhile is for the next time
        began = self._steady()
        try:
            connection.exec_driver_sql(f"PRAGMA user_version={self._today()}")
            connection.exec_driver_sql("VACUUM")
        except BaseException:
            self._database.erased.set()
            raise
        self._rewritten_at = self._steady()
        log.info("database.rewritten", took_s=round(self._rewritten_at - began, 2))

    def _cut(self, connection: Connection) -> None:
        """The log into the database, and its file to nothing; tried again at the next turn where a reader is long."""
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")  # most of the work, and nobody waits for it
        connection.exec_driver_sql(f"PRAGMA busy_timeout={WAIT_MS}")
        try:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")

    def _today(self) -> int:
        return int(self._clock().timestamp()) // DAY_S


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - the name may be one that only SQLite understands
    except OSError:
        return 0
