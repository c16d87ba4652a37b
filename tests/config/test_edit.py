"""The console's edits of topics.yaml: comments and order stay, nobody is overwritten, nothing broken is written."""

from __future__ import annotations

import fcntl
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from notifier.config.edit import TopicsFile
from notifier.config.files import load_topics
from notifier.config.rewrite import RewrittenFile
from notifier.errors import ConfigError, Conflict, NotFound
from notifier.operators.change import difference
from notifier.topics.topic import Fallback, Then, Topic, TopicMode

SHIPPED = Path(__file__).parents[2] / "config" / "topics.yaml"
TEXT = """\
# What people follow.
topics:
  - slug: ships   # for good
    title: "Ships"
    # Ferries too.
    match: >-
      ship OR ferry
      OR harbour
    daily_budget: 5

  - slug: storms
    title: Storms
    match: storm OR flood
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "topics.yaml"
    path.write_text(TEXT)
    return path


def test_every_shipped_topic_put_back_as_it_is_changes_no_byte() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    file = TopicsFile(SHIPPED)

    for topic in load_topics(SHIPPED):
        assert file.with_topic(text, topic) == text, topic.slug


def test_a_browsers_line_breaks_are_no_change(path: Path) -> None:
    ships, _ = load_topics(path)

    assert TopicsFile(path).with_topic(TEXT, replace(ships, match=ships.match + "\r\n")) == TEXT


def test_only_what_was_changed_is_rewritten(path: Path) -> None:
    ships, _ = load_topics(path)

    after = TopicsFile(path).with_topic(TEXT, replace(ships, title="Ships and boats", daily_budget=None))

    changed = [line for line in difference(TEXT, after) if line[0] in "+-"]
    assert changed == ['-    title: "Ships"', '+    title: "Ships and boats"', "-    daily_budget: 5"]


def test_a_long_rule_becomes_a_block(path: Path) -> None:
    _, storms = load_topics(path)
    rule = "storm OR flood\nOR (wind NEAR/5 damage)"

    file = TopicsFile(path)
    file.replace(file.with_topic(TEXT, replace(storms, match=rule)), file.read().version)

    assert "    match: |-\n      storm OR flood\n      OR (wind NEAR/5 damage)\n" in path.read_text()
    assert load_topics(path)[1].match == rule


def test_a_new_topic_is_added_at_the_end_with_what_it_needs(path: Path) -> None:
    file = TopicsFile(path)
    nato = Topic("nato", "Nato", "", "Nato", TopicMode.HELD)

    file.replace(file.with_topic(TEXT, nato), file.read().version)

    assert path.read_text().endswith("  - slug: nato\n    title: Nato\n    match: Nato\n    mode: held\n")
    assert load_topics(path)[-1] == nato


def test_a_topic_is_taken_out_and_the_rest_stays(path: Path) -> None:
    after = TopicsFile(path).without_topic(TEXT, "storms")

    assert "storms" not in after
    assert "# Ferries too." in after
    with pytest.raises(NotFound):
        TopicsFile(path).without_topic(TEXT, "floods")


def test_the_second_of_two_savers_is_told_and_nothing_is_overwritten(path: Path) -> None:
    file = TopicsFile(path)
    started_from = file.read().version
    ships, storms = load_topics(path)
    file.replace(file.with_topic(TEXT, replace(ships, title="Boats")), started_from)

    with pytest.raises(Conflict):
        file.replace(file.with_topic(TEXT, replace(storms, title="Weather")), started_from)

    assert [topic.title for topic in load_topics(path)] == ["Boats", "Storms"]


def test_a_text_that_would_break_the_file_is_not_written(path: Path) -> None:
    file = TopicsFile(path)

    with pytest.raises(ConfigError) as refused:
        file.replace(TEXT.replace("storm OR flood", "storm OR"), file.read().version)

    assert refused.value.path == path
    assert path.read_text() == TEXT
    assert sorted(p.name for p in path.parent.iterdir()) == [".topics.yaml.lock", "topics.yaml"]


HELD = """topics:
  - slug: courts
    title: Courts
    match: court
    mode: held  # the lawyers want to see them
    held: {for: 900s, then: send}  # not longer
"""


def test_a_held_topic_s_fallback_is_kept_as_it_is_written(path: Path) -> None:
    path.write_text(HELD)
    (courts,) = load_topics(path)
    assert courts.held == Fallback(900, Then.SEND)
    file = TopicsFile(path)

    assert file.with_topic(HELD, courts) == HELD
    after = file.with_topic(HELD, replace(courts, held=Fallback(7200, Then.DROP)))
    assert "    held: {for: 2h, then: drop}" in after
    assert "# the lawyers want to see them" in after
    without = file.with_topic(HELD, replace(courts, held=None))
    assert "then:" not in without
    assert "mode: held" in without


def test_a_topic_with_a_fallback_need_not_say_that_it_is_held(path: Path) -> None:
    text = HELD.replace("    mode: held  # the lawyers want to see them\n", "")
    path.write_text(text)
    (courts,) = load_topics(path)
    assert courts.mode is TopicMode.HELD
    assert TopicsFile(path).with_topic(text, courts) == text
    changed = TopicsFile(path).with_topic(text, replace(courts, mode=TopicMode.EVERY, held=None))
    path.write_text(changed)
    assert load_topics(path)[0].mode is TopicMode.EVERY


def test_a_saved_file_can_be_read_by_those_who_could_read_it_before(path: Path) -> None:
    path.chmod(0o640)
    file = TopicsFile(path)
    file.replace(TEXT.replace("Storms", "Weather"), file.read().version)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_nobody_else_saves_between_the_look_at_the_version_and_the_end(path: Path) -> None:
    others: list[bool] = []

    def try_to_save(_fresh: Path) -> None:
        with path.with_name(".topics.yaml.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                others.append(False)
            else:
                others.append(True)

    file = RewrittenFile(path, try_to_save)
    file.replace(TEXT.replace("Storms", "Weather"), file.read().version)
    assert others == [False]
