"""What is wrong with a database, told from what its driver raises (pure): one kind for each thing a person would do.

Enters: an exception of SQLAlchemy's. Leaves: a `DatabaseFault`, or None for what is no matter of the database's health
(a constraint, a statement that is wrong). SQLite's result codes: https://sqlite.org/rescode.html; PostgreSQL's
SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class DatabaseFault(StrEnum):
    """Kinds of trouble with a database."""

    AWAY = "away"
    """It does not answer, or its files are gone."""
    FULL = "full"
    """Its disk has no room left."""
    CORRUPT = "corrupt"
    """What it reads is not what it wrote."""
    READONLY = "readonly"
    """It can be read and not written."""
    BUSY = "busy"
    """Others hold it for longer than anybody waits, or had to be preferred."""


# By the primary result code, which is the last byte of an extended one.
_SQLITE = {
    sqlite3.SQLITE_BUSY: DatabaseFault.BUSY,
    sqlite3.SQLITE_LOCKED: DatabaseFault.BUSY,
    sqlite3.SQLITE_READONLY: DatabaseFault.READONLY,
    sqlite3.SQLITE_IOERR: DatabaseFault.AWAY,
    sqlite3.SQLITE_CORRUPT: DatabaseFault.CORRUPT,
    sqlite3.SQLITE_NOTADB: DatabaseFault.CORRUPT,
    sqlite3.SQLITE_FULL: DatabaseFault.FULL,
    sqlite3.SQLITE_CANTOPEN: DatabaseFault.AWAY,
    sqlite3.SQLITE_NOLFS: DatabaseFault.FULL,
}
# Extended codes that mean another thing than their primary one.
_SQLITE_EXTENDED = {
    sqlite3.SQLITE_IOERR_CORRUPTFS: DatabaseFault.CORRUPT,
    sqlite3.SQLITE_READONLY_DBMOVED: DatabaseFault.AWAY,
    sqlite3.SQLITE_READONLY_DIRECTORY: DatabaseFault.READONLY,
}
# A whole SQLSTATE before its class, the first two characters.
_POSTGRES = {
    "08": DatabaseFault.AWAY,  # connection exception; PgBouncer says 08P01 for all that it refuses
    "25006": DatabaseFault.READONLY,  # a standby, or one that was told to take no writes
    "40001": DatabaseFault.BUSY,  # serialization failure
    "40P01": DatabaseFault.BUSY,  # deadlock
    "53100": DatabaseFault.FULL,  # disk full
    "53": DatabaseFault.BUSY,  # other resources: too many connections, out of memory
    "55P03": DatabaseFault.BUSY,  # lock not available
    "57P": DatabaseFault.AWAY,  # shut down by an administrator, crashed, or still starting
    "58": DatabaseFault.AWAY,  # of the operating system: I/O error
    "58P01": DatabaseFault.CORRUPT,  # a file of the database is missing
    "XX001": DatabaseFault.CORRUPT,  # data corrupted
    "XX002": DatabaseFault.CORRUPT,  # index corrupted
}


def fault_of(problem: BaseException) -> DatabaseFault | None:
    """The kind of trouble that `problem` tells of; None where the database is well."""
    if isinstance(problem, PoolTimeout):
        return DatabaseFault.BUSY  # of the pool: every connection is held by somebody who waits
    if not isinstance(problem, DBAPIError):
        return None
    cause = problem.orig
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause)
    state = getattr(cause, "sqlstate", None)
    if state:
        return next((_POSTGRES[state[:n]] for n in (5, 3, 2) if state[:n] in _POSTGRES), None)
    # Without a state it never came to an answer: refused, cut off, or not resolved.
    lost = problem.connection_invalidated or type(cause).__name__ in {"OperationalError", "ConnectionTimeout"}
    return DatabaseFault.AWAY if lost else None


def _of_sqlite(cause: sqlite3.Error) -> DatabaseFault | None:
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return None
    return _SQLITE_EXTENDED.get(code) or _SQLITE.get(code & 0xFF)
