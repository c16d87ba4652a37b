"""What drivers raise, told as kinds: from real failures of a real SQLite, and from PostgreSQL's own codes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from notifier.errors import DatabaseUnwell
from notifier.storage.database import Database
from notifier.storage.fault import DatabaseFault, fault_of
from notifier.storage.schema import topic
from tests.databases import sqlite_database


def fresh(folder: Path) -> Database:
    return sqlite_database(folder / "notifier.db")


def fill(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(topic), [{"slug": f"{n}-{'x' * 40}"} for n in range(2_000)])


def fault_when_writing(database: Database) -> str:
    with pytest.raises(DatabaseUnwell) as unwell:
        fill(database)
    return unwell.value.fault


def test_a_full_disk_is_full(tmp_path: Path) -> None:
    with closing(fresh(tmp_path)) as database:
        with database.reading() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count={connection.scalar(text('PRAGMA page_count'))}")
        assert fault_when_writing(database) == DatabaseFault.FULL


def test_a_file_that_was_overwritten_is_corrupt(tmp_path: Path) -> None:
    with closing(fresh(tmp_path)) as database:
        fill(database)
    file = tmp_path / "notifier.db"
    file.write_bytes(file.read_bytes()[:4096] + b"\xa5" * (file.stat().st_size - 4096))
    with closing(Database(f"sqlite:///{file}")) as database, pytest.raises(DatabaseUnwell) as unwell:  # noqa: SIM117
        with database.reading() as connection:
            connection.execute(select(topic)).all()
    assert unwell.value.fault == DatabaseFault.CORRUPT


def test_a_file_that_is_something_else_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "notifier.db").write_bytes(b"The ferry reached the harbour. " * 400)
    with closing(Database(f"sqlite:///{tmp_path / 'notifier.db'}")) as database:
        assert fault_when_writing(database) == DatabaseFault.CORRUPT


def test_a_folder_that_vanished_is_away(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    database = Database(f"sqlite:///{folder / 'notifier.db'}")
    folder.rmdir()
    with closing(database):
        assert fault_when_writing(database) == DatabaseFault.AWAY


def test_a_database_that_may_only_be_read_is_readonly(tmp_path: Path) -> None:
    with closing(fresh(tmp_path)) as database:
        with database.reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint")
        url = f"sqlite:///file:{tmp_path / 'notifier.db'}?mode=ro&uri=true"
        with closing(Database(url)) as reader:
            assert fault_when_writing(reader) == DatabaseFault.READONLY


def test_what_another_program_keeps_locked_is_busy(tmp_path: Path) -> None:
    with closing(fresh(tmp_path)) as database, database.outside() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=1")
        with closing(sqlite3.connect(tmp_path / "notifier.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DBAPIError) as locked:
                connection.execute(insert(topic).values(slug="seas"))
    assert fault_of(locked.value) is DatabaseFault.BUSY


def test_a_constraint_is_no_matter_of_health(tmp_path: Path) -> None:
    with closing(fresh(tmp_path)) as database:
        fill(database)
        with pytest.raises(IntegrityError):
            fill(database)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", DatabaseFault.AWAY),
        ("08P01", DatabaseFault.AWAY),
        ("57P01", DatabaseFault.AWAY),
        ("57P03", DatabaseFault.AWAY),
        ("58030", DatabaseFault.AWAY),
        ("53100", DatabaseFault.FULL),
        ("53300", DatabaseFault.BUSY),
        ("40P01", DatabaseFault.BUSY),
        ("55P03", DatabaseFault.BUSY),
        ("25006", DatabaseFault.READONLY),
        ("XX001", DatabaseFault.CORRUPT),
        ("58P01", DatabaseFault.CORRUPT),
        ("23505", None),
        ("42P01", None),
        ("57014", None),
    ],
)
def test_postgresqls_codes_are_told_as_kinds(state: str, kind: DatabaseFault | None) -> None:
    cause = psycopg.errors.lookup(state)("told by the server")
    assert fault_of(DBAPIError("SELECT 1", None, cause)) is kind


def test_a_server_that_was_never_reached_is_away() -> None:
    assert fault_of(DBAPIError(None, None, psycopg.OperationalError("connection refused"))) is DatabaseFault.AWAY


def test_a_pool_whose_connections_all_wait_is_busy() -> None:
    assert fault_of(PoolTimeout()) is DatabaseFault.BUSY


def test_a_defect_is_none_of_it() -> None:
    assert fault_of(ValueError("of ours")) is None
