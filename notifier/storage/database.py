"""Opens the database: SQLite for one machine, PostgreSQL for many. Stores get a `Database` and nothing else.

Synchronous on purpose: a small transaction runs ten times as fast from a worker thread as through an async driver
(docs/decisions). Reads use `reading()`, writes `writing()`; on SQLite a write transaction starts with BEGIN IMMEDIATE,
so that two writers wait for each other instead of failing half-way; those of this process stand in a queue.

What goes wrong with the database itself leaves as `DatabaseUnwell`, whose kind says what a person has to do, and is
told to whoever watches (`DatabaseHealth`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from notifier.errors import DatabaseUnwell
from notifier.storage.fault import DatabaseFault, fault_of
from notifier.storage.schema import metadata
from notifier.storage.write_queue import WriteQueue

SQLITE_BUSY_MS = 15_000
HOLDER_LENGTH = 12
"""Characters of a lease's token that name the process which holds it."""
POOL_WAIT_S = 10.0
# A server that vanished without a word (power, cable) is noticed by these, and not after the two hours of TCP's own.
_POSTGRES_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# psycopg prepares what it has run five times. Only on a connection of which we know that nobody stands between.
PREPARE_AFTER = 5


class DatabaseHealth(Protocol):
    """Is told how transactions end. Any thread may call."""

    def failed(self, fault: DatabaseFault) -> None:
        """One failed because of the database itself."""

    def worked(self, *, wrote: bool) -> None:
        """One went well."""


class Unwatched:
    """The DatabaseHealth of tests and of single commands: nobody has to be told."""

    def failed(self, fault: DatabaseFault) -> None:
        """Told to nobody."""

    def worked(self, *, wrote: bool) -> None:
        """Told to nobody."""


class Database:
    """One engine, and the two kinds of transaction. `url` is an SQLAlchemy URL."""

    def __init__(self, url: str, pool_size: int = 8, *, pooler: bool = False) -> None:
        """`pooler`: PgBouncer or the like stands before PostgreSQL (also where it does not show itself)."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.opening = secrets.token_hex(16)
        """Unlike that of any other process, or of this one before it was restarted."""
        self.health: DatabaseHealth = Unwatched()
        self.erased = Event()
        """Set by whoever deletes or replaces a subscriber's secrets: storage/erasure.py makes it true of the files."""
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url, pool_size, pooler=pooler)
        self.engine.update_execution_options(erased=self.erased)
        self._writers = WriteQueue()

    @property
    def holder(self) -> str:
        """The name under which this process holds leases."""
        return self.opening[:HOLDER_LENGTH]

    def lease_token(self) -> str:
        """A token for a new lease: unlike any other, and naming this process (storage/processes.py)."""
        return self.holder + secrets.token_hex(10)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view, never blocked by a writer."""
        with self._transaction("BEGIN", wrote=False) as connection:
            yield connection

    @contextmanager
    def writing(self, *, may_be_repeated: bool = False) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or leaves no trace.

        `may_be_repeated`: when the power goes it may be gone, with all that came after it, and nobody is harmed. On
        SQLite it then does not wait for the disk; the next one that does takes it along.
        """
        with self._turn(), self._transaction("BEGIN IMMEDIATE", wrote=True, durable=not may_be_repeated) as connection:
            yield connection

    def _turn(self) -> AbstractContextManager[None]:
        """Waited for before a connection is taken, so that readers find some."""
        return self._writers.turn(SQLITE_BUSY_MS / 1000) if self.is_sqlite else nullcontext()

    @contextmanager
    def _transaction(self, sqlite_begin: str, *, wrote: bool, durable: bool = True) -> Iterator[Connection]:
        with self._told(wrote=wrote), self.engine.connect() as connection, connection.begin():
            if self.is_sqlite:
                if wrote and connection.info.get("durable", True) != durable:
                    connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                    connection.info["durable"] = durable
                connection.exec_driver_sql(sqlite_begin)
            yield connection

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """A connection without a transaction: for what SQLite does in none (VACUUM, checkpoints)."""
        with self._told(wrote=False), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _told(self, *, wrote: bool) -> Iterator[None]:
        """What goes wrong with the database itself is told, and leaves as DatabaseUnwell."""
        try:
            yield
        except SQLAlchemyError as problem:
            fault = fault_of(problem)
            if fault is None:
                raise
            self.health.failed(fault)
            raise DatabaseUnwell(fault.value, cause_of(problem)) from problem
        self.health.worked(wrote=wrote)

    def create(self) -> None:
        """Make the tables that are missing (tests; a service runs the migrations)."""
        metadata.create_all(self.engine)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


class Store:
    """What each store of this room is: some tables of one database. Synchronous."""

    def __init__(self, database: Database) -> None:
        self._database = database


# FULL, not NORMAL: what was accepted, or used up, stays so even when the power goes. What is deleted is overwritten.
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    f"busy_timeout={SQLITE_BUSY_MS}",
)


def _sqlite_engine(url: str) -> Engine:
    database = make_url(url).database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_MS / 1000}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing: we do
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgres_engine(url: str, pool_size: int, *, pooler: bool) -> Engine:
    patience = {name: value for name, value in _POSTGRES_PATIENCE.items() if name not in make_url(url).query}
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=POOL_WAIT_S,
        hide_parameters=True,
        connect_args={"prepare_threshold": None, **patience},
    )

    @event.listens_for(engine, "connect")
    def prepare_where_direct(connection: Any, _record: Any) -> None:
        if not pooler and _is_direct(connection):
            connection.prepare_threshold = PREPARE_AFTER

    return engine


def _is_direct(connection: Any) -> bool:
    """Whether the server that we greeted is the one that answers.

    Behind a pooler in transaction mode a statement that was prepared on one server connection meets the names of others
    on the next (https://www.pgbouncer.org/features.html). A pooler gives each client a number of its own in place of
    the backend's (BackendKeyData in the protocol), which is how it shows itself.
    """
    with connection.cursor() as cursor:
        answered = cursor.execute("SELECT pg_backend_pid()").fetchone()
    connection.rollback()
    return bool(answered) and answered[0] == connection.info.backend_pid


def cause_of(problem: SQLAlchemyError) -> str:
    """The driver's own first line: neither a statement nor its parameters."""
    cause = getattr(problem, "orig", None) or problem
    return next(iter(str(cause).splitlines()), type(cause).__name__)[:200]


def note_erased(connection: Connection) -> None:
    """A subscriber's secrets were deleted or replaced in this transaction."""
    connection.get_execution_options()["erased"].set()


@cache
def adding_to(dialect: str, table: Table) -> Any:
    """An INSERT that adds each row's `count` to what is there. Made once: that costs more than to run it."""
    statement = insert_for(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={"count": table.c["count"] + statement.excluded["count"]}
    )


def upsert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`, which both databases spell alike."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: Table) -> Any:
    """`upsert_into` for statements that are made once."""
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
