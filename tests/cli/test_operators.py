"""`notifier operators`: who may sign in, where they are signed in, which programs act for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from notifier.cli import app
from notifier.clock import system_clock
from notifier.operators.audit import ON_THE_SERVER, Act
from notifier.operators.operator import Role
from notifier.operators.password import fits
from notifier.operators.token import MARK, TokenScope, digest_of
from notifier.storage.access import SqlTokenStore
from notifier.storage.audit import SqlAuditLog
from notifier.storage.database import Database
from notifier.storage.operators import SqlOperatorStore
from tests.databases import sqlite_database

Run = Callable[..., Result]
PASSWORD = "four words will do"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(sqlite_database(tmp_path / "notifier.db")) as database:
        yield database


@pytest.fixture
def run(tmp_path: Path, database: Database) -> Run:
    environment = {"NOTIFIER_DATA_DIR": str(tmp_path), "COLUMNS": "200"}

    def invoke(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, ["operators", *arguments], env=environment, input=typed)

    return invoke


def test_a_password_is_asked_for_twice_and_fits(run: Run, database: Database) -> None:
    added = run("add", "Ada", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert added.exit_code == 0
    assert PASSWORD not in added.output
    known = SqlOperatorStore(database).credentials("Ada")
    assert known is not None
    assert (known[0].role, fits(PASSWORD, known[1])) == (Role.ADMIN, True)


def test_an_operator_by_provider_has_no_password(run: Run, database: Database) -> None:
    assert run("add", "bea@news.example", "--by-provider").exit_code == 0

    known = SqlOperatorStore(database).credentials("bea@news.example")
    assert known is not None
    assert not fits("", known[1])
    assert not fits(known[1], known[1])


def test_a_token_is_printed_once_alone_on_its_line(run: Run, database: Database) -> None:
    run("add", "Ada", "--password", PASSWORD)

    made = run("token", "add", "Ada", "dashboard", "--scope", "read", "--scope", "topics:write", "--days", "0")

    secret = made.stdout.strip()
    assert secret.startswith(MARK)
    grant = SqlTokenStore(database).use(digest_of(secret) or b"", system_clock())
    assert grant is not None
    assert (grant.token.scopes, grant.token.until) == (frozenset({TokenScope.READ, TokenScope.TOPICS}), None)
    listed = run("token", "list").output
    assert "dashboard" in listed
    assert secret not in listed
    assert run("token", "revoke", "1").exit_code == 0
    assert "No program has access" in run("token", "list").output
    assert run("token", "revoke", "1").exit_code == 2


def test_nobody_gives_more_than_their_role_allows(run: Run) -> None:
    run("add", "Ada", "--password", PASSWORD, "--role", "viewer")

    refused = run("token", "add", "Ada", "sly", "--scope", "read", "--scope", "alerts:write")

    assert refused.exit_code == 2
    assert "cannot give alerts:write" in refused.output


def test_sessions_are_listed_and_ended(run: Run, database: Database) -> None:
    run("add", "Ada", "--password", PASSWORD)
    store, now = SqlOperatorStore(database), system_clock()
    assert "Nobody is signed in" in run("sessions").output
    store.open_session(1, b"digest", now, now.replace(year=now.year + 1), "firefox")

    assert "firefox" in run("sessions", "Ada").output
    assert "signed out of 1 browser." in run("sign-out", "Ada").output
    assert store.session(b"digest", now) is None


def test_a_new_role_and_a_new_password(run: Run, database: Database) -> None:
    run("add", "Ada", "--password", PASSWORD)

    assert run("role", "Ada", "viewer").exit_code == 0
    assert run("password", "Ada", "--password", "five other words will do").exit_code == 0

    known = SqlOperatorStore(database).credentials("Ada")
    assert known is not None
    assert (known[0].role, fits("five other words will do", known[1])) == (Role.VIEWER, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("role", "Eve", "admin"),
        ("password", "Eve", "--password", PASSWORD),
        ("sign-out", "Eve"),
        ("remove", "Eve"),
        ("token", "add", "Eve", "x", "--scope", "read"),
    ],
)
def test_nobody_of_this_name_is_said_in_a_sentence(run: Run, arguments: tuple[str, ...]) -> None:
    refused = run(*arguments)

    assert refused.exit_code == 2
    assert "there is no operator named Eve" in refused.output


@pytest.mark.parametrize("file", ["topics", "feeds"])
def test_check_prints_a_schema_whatever_the_settings_are(file: str) -> None:
    printed = CliRunner().invoke(app, ["check", "--schema", file], env={"NOTIFIER_PORT": "no port"})

    assert printed.exit_code == 0
    assert json.loads(printed.output)["required"] == [file]


def test_what_is_done_on_the_server_is_in_the_audit_log_without_any_secret(run: Run, database: Database) -> None:
    run("add", "Ada", "--role", "admin", "--password", PASSWORD)
    run("role", "Ada", "editor")
    token = run("token", "add", "Ada", "desk bot", "--scope", "read").stdout.strip()
    run("sign-out", "Ada")
    run("remove", "Ada")
    run("role", "Nobody", "editor")

    kept = SqlAuditLog(database).recent(10)

    assert [entry.act for entry in kept[::-1]] == [
        Act.OPERATOR_ADDED,
        Act.ROLE_CHANGED,
        Act.TOKEN_MADE,
        Act.SESSIONS_ENDED,
        Act.OPERATOR_REMOVED,
    ]
    assert {(entry.who, entry.by) for entry in kept} == {("Ada", ON_THE_SERVER)}
    assert token.splitlines()[-1] not in repr(kept)
    assert PASSWORD not in repr(kept)
