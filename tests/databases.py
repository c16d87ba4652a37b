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
from tests.postgres import PostgresServer

_numbers = count()


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
    """One server for the run, with a template that has the schema."""
    server = PostgresServer(require("postgres"))
    server.psql("CREATE DATABASE template_notifier")
    template = Database(server.url("template_notifier"))
    template.create()
    template.close()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database with the schema of today, on each kind."""
    yield from _fresh(request, tmp_path, "template_notifier")


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table, on each kind."""
    yield from _fresh(request, tmp_path, None)


def _fresh(request: pytest.FixtureRequest, folder: Path, template: str | None) -> Iterator[Database]:
    if request.param == "sqlite":
        file = folder / "notifier.db"
        fresh = sqlite_database(file) if template else Database(f"sqlite:///{file}")
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = f"test_{next(_numbers)}"
        server.psql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        fresh = Database(server.url(name))
    yield fresh
    fresh.close()
    if request.param == "postgres":
        server.psql(f"DROP DATABASE {name} WITH (FORCE)")
