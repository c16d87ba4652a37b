"""An operator's override on stories, as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from notifier.cli import app
from tests.contracts.test_rulings import DAM, Harness
from tests.databases import sqlite_database

Run = Callable[..., Result]


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    database = sqlite_database(tmp_path / "data" / "notifier.db")
    harness = Harness(database)
    harness.publish(1, DAM, 1)
    harness.publish(2, DAM, 2)
    harness.publish(3, "Bakery of Lind opens at night", 3)
    harness.loop.work()
    yield harness
    database.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    environment = {
        "NOTIFIER_DATA_DIR": str(tmp_path / "data"),
        "NOTIFIER_DATABASE_URL": f"sqlite:///{tmp_path / 'data' / 'notifier.db'}",
        "COLUMNS": "80",
    }
    return lambda *arguments: CliRunner().invoke(app, list(arguments), env=environment)


def test_a_story_is_split_shown_merged_and_undone(harness: Harness, run: Run) -> None:
    first, third = str(harness.story(1)), str(harness.story(3))
    shown = run("stories", "show", first).stdout
    assert "by headline" in shown
    assert "https://2.example/2" in shown

    assert run("stories", "split", "https://2.example/2").stdout.startswith("Ruling 1: it tells another event.")
    harness.loop.work()
    assert harness.story(2) != harness.story(1)

    assert run("stories", "merge", first, third).exit_code == 0
    assert run("stories", "undo", "1").exit_code == 0
    harness.loop.work()
    assert harness.story(1) == harness.story(2) == harness.story(3)
    listed = run("stories", "rulings").stdout
    assert "merged:" in listed
    assert "undone by" in listed
    labels = [json.loads(line) for line in run("stories", "labels").stdout.splitlines()]
    assert [label["same"] for label in labels] == [True, True]


def test_two_items_are_explained_within_80_columns_and_as_json(harness: Harness, run: Run) -> None:
    told = run("stories", "explain", "2", "3").stdout
    assert "Two stories, numbers" in told
    assert all(len(line) <= 80 for line in told.splitlines())
    figures = json.loads(run("stories", "explain", "1", "https://2.example/2", "--json").stdout)
    assert figures["together"]
    assert figures["layers"]["headline"]["counts"]


def test_what_does_not_exist_is_said_in_a_sentence(harness: Harness, run: Run) -> None:
    for arguments in (("show", "99"), ("split", "99"), ("explain", "1", "99"), ("undo", "9")):
        answer = run("stories", *arguments)
        assert answer.exit_code == 2
        assert "there is no" in " ".join(answer.stderr.split())


def test_without_a_ruling_the_list_says_how_to_make_one(harness: Harness, run: Run) -> None:
    assert "notifier stories split ITEM" in " ".join(run("stories", "rulings").stdout.split())
