"""A move brings every row to the other kind of database, goes on where it was killed, and notices what changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
from sqlalchemy import Connection, Table, delete, func, inspect, select, text, update
from sqlalchemy.exc import OperationalError

from notifier.errors import ConfigError
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.counters import keep_counters
from notifier.storage.database import Database
from notifier.storage.move import BATCH, TABLES, DatabaseMove, Step, place
from notifier.storage.schema import alert, envelope, item, metadata, process, subscription, topic
from notifier.storage.stories import SqlStoryStore
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.storage.transfer import SqlTransfer
from notifier.subscribers.subscriber import NewSubscription
from tests.contracts.samples import NOON, a_subscription, an_alert, token
from tests.storage.rows import fill

ENOUGH_S = 60.0
LATER = NOON + timedelta(days=1)


@pytest.fixture
def source(database: Database) -> Database:
    """With a few rows in every table there is."""
    with database.writing() as connection:
        fill(connection)
        keep_counters(connection, connection)  # as if the rows had been given their ids one by one
    return database


@pytest.fixture
def target(source: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database of the other kind."""
    if source.is_sqlite:
        server = request.getfixturevalue("postgres_server")
        name = f"move_{abs(hash(tmp_path))}"
        server.psql(f"CREATE DATABASE {name}")
        made = Database(server.url(name))
    else:
        made = Database(f"sqlite:///{tmp_path / 'target.db'}")
    yield made
    made.close()


def rows(database: Database, table: Table) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)


def subscribe(database: Database, count: int, first: int = 0) -> None:
    new: list[NewSubscription] = [a_subscription(str(number), "world") for number in range(first, first + count)]
    SqlTransfer(database).add(new, NOON)


class Interrupted(BaseException):
    """As a signal would."""


def interrupt_at(table: str, done: int) -> object:
    def tell(step: Step) -> None:
        if (step.table, step.doing) == (table, "copied") and step.done >= done:
            raise Interrupted

    return tell


def test_every_row_of_every_table_is_there_and_the_same(source: Database, target: Database) -> None:
    told: list[Step] = []
    moved = DatabaseMove(source, target, told.append).run(LATER)
    assert set(moved) == {table.name for table in TABLES}
    for table in TABLES:
        assert rows(source, table) == rows(target, table), table.name
        assert moved[table.name] == len(rows(source, table)) > 0, table.name
    assert {(step.table, step.doing) for step in told} >= {(t.name, d) for t in TABLES for d in ("copied", "compared")}
    with target.reading() as connection:
        assert not inspect(connection).has_table(place.name)


def test_envelopes_stay_behind(source: Database, target: Database) -> None:
    assert rows(source, envelope) != []
    DatabaseMove(source, target).run(LATER)
    assert rows(target, envelope) == []
    assert {table.name for table in metadata.sorted_tables} - {table.name for table in TABLES} == {
        "envelope",
        "process",
        "process_report",
    }


def test_a_process_that_beats_is_seen_though_it_holds_nothing(source: Database, target: Database) -> None:
    with source.writing() as connection:
        connection.execute(update(process).values(seen_at=LATER - timedelta(seconds=2)))
    with pytest.raises(ConfigError, match="beats"):
        DatabaseMove(source, target).run(LATER)


def test_what_was_moved_goes_on_with_ids_that_nobody_had(source: Database, target: Database) -> None:
    store = SqlSubscriptionStore(source)
    last = store.subscribe(a_subscription("gone", "world"), NOON)
    store.delete(token("gone"), NOON)
    DatabaseMove(source, target).run(LATER)
    assert SqlSubscriptionStore(target).subscribe(a_subscription("new", "world"), LATER) == last + 1
    before = max(row[0] for row in rows(source, alert))  # type: ignore[type-var]
    made = SqlAlertStore(target).accept(an_alert("world"), LATER)
    assert made.id == before + 1  # type: ignore[operator]
    assert SqlStoryStore(target).lease_decisions("other", LATER + timedelta(hours=1), 15)


def test_a_move_that_was_interrupted_goes_on_where_it_was(source: Database, target: Database) -> None:
    subscribe(source, 2 * BATCH + 10)
    with pytest.raises(Interrupted):
        DatabaseMove(source, target, interrupt_at("subscription", BATCH + 1)).run(LATER)  # type: ignore[arg-type]
    again: list[Step] = []
    DatabaseMove(source, target, again.append).run(LATER)
    first = next(step for step in again if step.table == "subscription")
    assert first.done == 2 * BATCH
    assert rows(source, subscription) == rows(target, subscription)


def test_a_source_that_changed_between_two_runs_is_noticed_and_can_be_moved_anew(
    source: Database, target: Database
) -> None:
    subscribe(source, BATCH + 10)
    with pytest.raises(Interrupted):
        DatabaseMove(source, target, interrupt_at("subscription", BATCH)).run(LATER)  # type: ignore[arg-type]
    with source.writing() as connection:
        connection.execute(update(subscription).where(subscription.c.id == 2).values(browser="other-by-now"))
    with pytest.raises(ConfigError, match=r"not alike.*subscription \(\d+ rows there.*--anew"):
        DatabaseMove(source, target).run(LATER)
    DatabaseMove(source, target).run(LATER, anew=True)
    assert rows(source, subscription) == rows(target, subscription)


def test_whoever_writes_to_the_source_meanwhile_is_told_instead_of_losing_it(
    source: Database, target: Database
) -> None:
    impatient = Database(source.url.render_as_string(hide_password=False))

    def write(_step: Step) -> None:
        with impatient.engine.connect() as connection:
            if impatient.is_sqlite:
                connection.exec_driver_sql("PRAGMA busy_timeout = 1")
            else:
                connection.execute(text("SET lock_timeout = '10ms'"))
            with pytest.raises(OperationalError):
                connection.execute(delete(topic))

    DatabaseMove(source, target, write).run(LATER)
    impatient.close()


def test_a_target_that_holds_anything_is_left_alone(source: Database, target: Database) -> None:
    with target.writing() as connection:
        connection.execute(text("CREATE TABLE other (id INTEGER)"))
        connection.execute(text("INSERT INTO other VALUES (1)"))
    with pytest.raises(ConfigError, match="holds data already, in other"):
        DatabaseMove(source, target).run(LATER)
    with target.reading() as connection:
        assert inspect(connection).get_table_names() == ["other"]


def test_a_second_move_over_the_first_is_refused(source: Database, target: Database) -> None:
    DatabaseMove(source, target).run(LATER)
    with pytest.raises(ConfigError, match="holds data already"):
        DatabaseMove(source, target).run(LATER)
    with pytest.raises(ConfigError, match="no unfinished move"):
        DatabaseMove(source, target).run(LATER, anew=True)


def test_a_target_of_a_newer_version_is_refused(source: Database, target: Database) -> None:
    with target.writing() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
    with pytest.raises(ConfigError, match="newer version"):
        DatabaseMove(source, target).run(LATER)


def test_another_sources_unfinished_move_is_not_gone_on_with(
    source: Database, target: Database, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        DatabaseMove(source, target, interrupt_at("topic", 0)).run(LATER)  # type: ignore[arg-type]
    with closing(Database(f"sqlite:///{tmp_path / 'third.db'}")) as third:
        third.create()
        with pytest.raises(ConfigError, match="unfinished move from"):
            DatabaseMove(third, target).run(LATER)


def test_a_service_that_runs_is_seen_by_its_leases(source: Database, target: Database) -> None:
    SqlStoryStore(source).lease_decisions("me", LATER, 15)
    with pytest.raises(ConfigError, match=r"seems to be running.*desk"):
        DatabaseMove(source, target).run(LATER)
    DatabaseMove(source, target).run(LATER + timedelta(seconds=16))


def test_a_database_is_not_moved_to_itself(source: Database) -> None:
    with pytest.raises(ConfigError, match="the same database"):
        DatabaseMove(source, source).run(LATER)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_text_that_postgresql_cannot_store_is_stored_without_its_nul(source: Database, target: Database) -> None:
    with source.writing() as connection:
        connection.execute(update(item).values(title="a\0b"))
    DatabaseMove(source, target).run(LATER)
    with target.reading() as connection:
        assert set(connection.scalars(select(item.c.title))) == {"ab"}


def command(source: Database, target: Database, folder: Path) -> tuple[list[str], dict[str, str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
    environment["NOTIFIER_DATABASE_URL"] = source.url.render_as_string(hide_password=False)
    environment["NOTIFIER_DATA_DIR"] = str(folder)
    program = str(Path(sys.executable).with_name("notifier"))
    return [program, "db", "move", "--to", target.url.render_as_string(hide_password=False)], environment


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("kills", [2])
def test_a_move_that_is_killed_again_and_again_ends_with_everything(
    source: Database, target: Database, tmp_path: Path, kills: int
) -> None:
    subscribe(source, 5 * BATCH)
    line, environment = command(source, target, tmp_path)
    for kill in range(kills):
        with subprocess.Popen(line, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL) as victim:
            wait_for(target, (kill + 1) * BATCH)
            victim.kill()
    ended = subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Moved and compared" in ended.stdout
    assert "push.example" not in ended.stdout + ended.stderr
    assert rows(source, subscription) == rows(target, subscription)


def wait_for(database: Database, count: int) -> None:
    """Until so many subscriptions are there."""
    until = monotonic() + ENOUGH_S
    while monotonic() < until:
        with database.reading() as connection:
            if _there(connection) >= count:
                return
        Event().wait(0.01)
    raise TimeoutError(f"{count} subscriptions did not come")


def _there(connection: Connection) -> int:
    if not inspect(connection).has_table(subscription.name):
        return 0
    return int(connection.scalar(select(func.count()).select_from(subscription)) or 0)


def test_nothing_to_move_is_said(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'none.db'}")) as source:
        line, environment = command(source, source, tmp_path)
    ended = subprocess.run(line, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "no database to move" in ended.stderr
