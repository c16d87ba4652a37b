"""Opens the database: SQLite for one machine, PostgreSQL for many. Stores get a `Database` and nothing else.

Synchronous on purpose: a small transaction runs ten times as fast from a worker thread as through an async driver
(docs/decisions). Reads use `reading()`, writes `writing()`; on SQLite a write transaction starts with BEGIN IMMEDIATE,
so that two writers wait for each other instead of failing half-way.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite

from notifier.storage.schema import metadata

SQLITE_BUSY_MS = 15_000


class Database:
    """One engine, and the two kinds of transaction. `url` is an SQLAlchemy URL."""

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.opening = secrets.token_hex(16)
        """Unlike that of any other process, or of this one before it was restarted."""
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url, pool_size)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view, never blocked by a writer."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or leaves no trace."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, sqlite_begin: str) -> Iterator[Connection]:
        with self.engine.connect() as connection, connection.begin():
            if self.is_sqlite:
                connection.exec_driver_sql(sqlite_begin)
            yield connection

    def create(self) -> None:
        """Make the tables that are missing (tests; a service runs the migrations)."""
        metadata.create_all(self.engine)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _sqlite_engine(url: str) -> Engine:
    database = make_url(url).database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_MS / 1000}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing: we do
        # FULL, not NORMAL: what was accepted, or used up, stays so even when the power goes.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={SQLITE_BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgres_engine(url: str, pool_size: int) -> Engine:
    return create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, hide_parameters=True)


@cache
def adding_to(dialect: str, table: Table) -> Any:
    """An INSERT that adds each row's `count` to what is there. Made once: that costs more than to run it."""
    statement = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={"count": table.c["count"] + statement.excluded["count"]}
    )


def upsert_into(connection: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`, which both databases spell alike."""
    return (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table)
