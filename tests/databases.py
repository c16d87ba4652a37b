"""Fixtures that give a test a database of each kind; conftest.py imports them for every folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from notifier.storage.database import Database
from notifier.storage.migrate import upgrade
from notifier.storage.schema import metadata
from tests.postgres import PostgresServer

_numbers = count()
# Nobody is in it, no row is left, and numbers begin at 1: a twentieth of the work that a new database is.
EMPTIED = f"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
{";".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))};
SELECT setval(seqrelid::regclass, 1, false) FROM pg_sequence
"""  # noqa: S608 - the names are our own


def sqlite_database(file: Path) -> Database:
    """A fresh SQLite database with the schema of today; its folder is made where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_sqlite_template())
    return Database(f"sqlite:///{file}")


@cache
def _sqlite_template() -> bytes:
    """The file that the migrations make. Made once a process: hundreds of tests want one, and to make it takes long."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "template.db"
        with closing(Database(f"sqlite:///{file}")) as template:
            upgrade(template)
        return file.read_bytes()


@pytest.fixture(scope="session")
def postgres_server(require: Callable[[str], str]) -> Iterator[PostgresServer]:
    """One server for the run, with a template that has the schema, and a database for one test after the other."""
    server = PostgresServer(require("postgres"))
    server.psql("CREATE DATABASE template_notifier")
    with closing(Database(server.url("template_notifier"))) as template:
        upgrade(template)
    server.psql("CREATE DATABASE in_turn TEMPLATE template_notifier")
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with the schema of today and nothing in it, on each kind. Who changes the schema puts it back."""
    with closing(_fresh(request, tmp_path)) as fresh:
        yield fresh


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def database_or_double(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database | None]:
    """As `database`, and None where a double in memory has to keep the same promises."""
    if request.param == "memory":
        yield None
        return
    with closing(_fresh(request, tmp_path)) as fresh:
        yield fresh


def _fresh(request: pytest.FixtureRequest, folder: Path) -> Database:
    if request.param == "sqlite":
        return sqlite_database(folder / "notifier.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    server.psql(EMPTIED, "in_turn")
    return Database(server.url("in_turn"))


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table, on each kind."""
    if request.param == "sqlite":
        fresh = Database(f"sqlite:///{tmp_path / 'notifier.db'}")
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = f"test_{next(_numbers)}"
        server.psql(f"CREATE DATABASE {name}")
        fresh = Database(server.url(name))
    yield fresh
    fresh.close()
    if request.param == "postgres":
        server.psql(f"DROP DATABASE {name} WITH (FORCE)")
