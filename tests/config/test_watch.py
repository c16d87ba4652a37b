"""A changed file is taken if it is whole; a broken one never replaces a working one."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifier.config.files import load_topics
from notifier.config.watch import WatchedFile
from notifier.errors import ConfigError
from notifier.telemetry import Metrics
from notifier.topics.topic import Topic

GOOD = "topics:\n  - {slug: nato, title: NATO, match: nato}\n"
BETTER = "topics:\n  - {slug: nato, title: The alliance, match: nato}\n"
BROKEN = "topics:\n  - {slug: nato, title: NATO, match: nato AND}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "topics.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def watched(path: Path) -> WatchedFile[tuple[Topic, ...]]:
    return WatchedFile(path, load_topics, Metrics())


def test_nothing_happens_while_the_file_stays(watched: WatchedFile[tuple[Topic, ...]]) -> None:
    assert not watched.refresh()


def test_a_good_change_is_taken(watched: WatchedFile[tuple[Topic, ...]], path: Path) -> None:
    path.write_text(BETTER)
    assert watched.refresh()
    assert watched.content[0].title == "The alliance"


def test_a_broken_change_leaves_the_last_good_one_in_force(watched: WatchedFile[tuple[Topic, ...]], path: Path) -> None:
    path.write_text(BROKEN)
    assert not watched.refresh()
    assert watched.content[0].title == "NATO"
    assert watched.error is not None
    assert watched.error.line == 2


def test_a_mended_file_is_in_force_again(watched: WatchedFile[tuple[Topic, ...]], path: Path) -> None:
    path.write_text(BROKEN)
    watched.refresh()
    path.write_text(BETTER)
    assert watched.refresh()
    assert watched.error is None


def test_a_file_that_goes_away_is_a_broken_one(watched: WatchedFile[tuple[Topic, ...]], path: Path) -> None:
    path.unlink()
    assert not watched.refresh()
    assert watched.content[0].title == "NATO"
    assert watched.error is not None


def test_a_file_that_is_only_saved_again_changes_nothing(watched: WatchedFile[tuple[Topic, ...]], path: Path) -> None:
    path.write_text(GOOD + "\n")
    assert not watched.refresh()


def test_at_the_start_there_is_nothing_to_fall_back_to(path: Path) -> None:
    path.write_text(BROKEN)
    with pytest.raises(ConfigError):
        WatchedFile(path, load_topics, Metrics())


def test_a_defect_of_ours_in_reading_leaves_the_last_good_one_in_force_too(path: Path) -> None:
    versions: list[str] = []

    def load(_path: Path) -> str:
        versions.append("read")
        if len(versions) > 1:
            raise RuntimeError("on purpose")
        return "good"

    watched = WatchedFile(path, load, Metrics())
    path.write_text(BETTER)
    assert not watched.refresh()
    assert (watched.content, watched.error is not None) == ("good", True)
