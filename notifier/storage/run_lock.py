"""One service on one SQLite database: a lock of the operating system's, held for as long as the process lives.

SQLite would let two services in; both would poll, decide and push, and neither would know. The lock is on a file of its
own beside the database: closing any descriptor of the database's file drops the locks that SQLite holds on it (POSIX,
https://sqlite.org/howtocorrupt.html section 2.2). It ends with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notifier.errors import ConfigError

SUFFIX = ".lock"


@contextmanager
def sole_service(database: Path) -> Iterator[None]:
    """Be the one service on this database. Raises ConfigError where another is, with its process id."""
    path = Path(f"{database.resolve()}{SUFFIX}")
    # Not inherited by children (PEP 446): what outlives a killed service must not keep the next one out.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            who = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            fix = (
                f"Stop that one first (kill {who or 'its process'}), or give this one a NOTIFIER_DATA_DIR of its own. "
                "Several processes need PostgreSQL: docs/scaling.md"
            )
            raise ConfigError(f"a service runs on this database already, as process {who or '?'}", fix=fix) from taken
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)  # and with it the lock; the file stays, since another may wait for that very one
