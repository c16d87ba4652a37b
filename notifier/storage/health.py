"""Tells the list of troubles how the database does, by how transactions end; each kind once, and once when it is over.

Implements `DatabaseHealth`, and looks after the room on the disk before it is used up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from types import MappingProxyType

from notifier.storage.fault import DatabaseFault
from notifier.troubles import Code, Trouble, Troubles

LEAST_FREE = 256 << 20
"""Bytes: a fan-out to a million writes some hundred MiB before its log can begin again."""
LAST_FREE = 32 << 20
ENOUGH = 1.25
"""Of LEAST_FREE, before a low disk is over: what comes and goes at the line is one trouble and not fifty."""

DISK = "the disk"

TOLD: Mapping[DatabaseFault, Trouble] = MappingProxyType(
    {
        DatabaseFault.AWAY: Trouble(
            Code.DATABASE_AWAY,
            "The database does not answer: nothing is read, decided or sent until it does",
            "Look whether it runs and can be reached, and at NOTIFIER_DATABASE_URL; the service goes on by itself then",
            grave=True,
        ),
        DatabaseFault.READONLY: Trouble(
            Code.DATABASE_AWAY,
            "The database can be read but takes no writes",
            "Look at who may write its files and their folder; on PostgreSQL, whether this server is a standby",
            grave=True,
        ),
        DatabaseFault.BUSY: Trouble(
            Code.DATABASE_AWAY,
            "The database is held up: somebody else keeps it locked, or it takes no more connections",
            "Look for another program that has it open; on PostgreSQL, at max_connections and the pooler's limits",
        ),
        DatabaseFault.FULL: Trouble(
            Code.DISK_FULL,
            "The database's disk is full: nothing new is stored",
            "Make room on it; the service goes on by itself then",
            grave=True,
        ),
        DatabaseFault.CORRUPT: Trouble(
            Code.DATABASE_CORRUPT,
            "The database is damaged: what it reads is not what it wrote",
            "Stop the service, keep a copy of the files, and restore the last good backup",
            grave=True,
        ),
    }
)


class TroubleHealth:
    """DatabaseHealth for one process."""

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._open: set[DatabaseFault] = set()
        self._lock = Lock()

    def failed(self, fault: DatabaseFault) -> None:
        """Report it; the newest kind's words count where two share a code."""
        with self._lock:
            self._open.add(fault)
            self._troubles.report(TOLD[fault])

    def worked(self, *, wrote: bool) -> None:
        """Clear what cannot be so any more. Damage stays told: another page may well be read."""
        if not self._open:
            return  # every transaction comes by here
        over = (
            {DatabaseFault.AWAY, DatabaseFault.BUSY, DatabaseFault.FULL, DatabaseFault.READONLY}
            if wrote
            else {DatabaseFault.AWAY, DatabaseFault.BUSY}
        )
        with self._lock:
            cleared, self._open = self._open & over, self._open - over
            still = {TOLD[fault].code for fault in self._open}
            for code in {TOLD[fault].code for fault in cleared} - still:
                self._troubles.clear(code)


class DiskLook:
    """Looks at the room where the database and the keys are, and whether the database's file is still the same."""

    def __init__(
        self, folder: Path, file: Path | None, troubles: Troubles, free: Callable[[Path], int] | None = None
    ) -> None:
        """`file` is SQLite's; `free` gives the bytes that are left where a path is."""
        self._folder, self._file, self._troubles = folder, file, troubles
        self._free = free or free_bytes
        self._first = None if file is None else _identity(file)
        self._low = False

    def look(self) -> None:
        """Report, or clear."""
        self._look_at_room()
        if self._file is not None:
            self._look_at_file(self._file)

    def _look_at_room(self) -> None:
        try:
            left = self._free(self._folder)
        except OSError:
            return  # the folder is gone, which the file tells
        self._low = left < LEAST_FREE * (ENOUGH if self._low else 1.0)
        if not self._low:
            self._troubles.clear(Code.DISK_FULL, DISK)
            return
        what = f"Only {left >> 20} MiB are left on the disk of the data folder"
        do = f"Make room before it is full: {LEAST_FREE >> 20} MiB or more"
        self._troubles.report(Trouble(Code.DISK_FULL, what, do, DISK, grave=left < LAST_FREE))

    def _look_at_file(self, file: Path) -> None:
        if self._first is None:
            self._first = _identity(file)
        # SQLite goes on with a file that has no name any more, and all of it is gone at the next start.
        if _identity(file) == self._first:
            self._troubles.clear(Code.DATABASE_AWAY, file.name)
            return
        what = "The database's file was moved, replaced or deleted under the running service: what is written is lost"
        do = "Stop the service, put the file back (or restore the backup), and start it again"
        self._troubles.report(replace(TOLD[DatabaseFault.AWAY], what=what, do=do, subject=file.name))


def free_bytes(folder: Path) -> int:
    """What an ordinary user may still write there. Raises OSError."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
