"""Topics by whichever surface, and what was changed taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from notifier.errors import (
    EntryInvalid,
    FileBroken,
    NotFound,
    NotifierError,
    PreviewsBusy,
    QueryError,
    RoleTooLow,
    ScopeMissing,
)
from notifier.operations.files import Overtaken, Verb
from notifier.operators.change import Written
from notifier.operators.token import TokenScope
from notifier.topics.topic import Fallback, Then, Topic, TopicMode
from tests.operations.conftest import ADA, TOPICS, VIC, Desk

STORMS = Topic("storms", "Storms", "", "storm OR flood")


def text(desk: Desk) -> str:
    return desk.settings.topics_path.read_text(encoding="utf-8")


def test_a_topic_is_added_changed_and_removed_and_each_is_kept(desk: Desk) -> None:
    added = desk.topics.save(ADA, STORMS)
    changed = desk.topics.save(ADA, replace(STORMS, title="Storm"), added.after.version)
    removed = desk.topics.remove(ADA, "storms", changed.after.version)

    assert [edit.verb for edit in (added, changed, removed)] == [Verb.ADDED, Verb.CHANGED, Verb.REMOVED]
    assert text(desk) == TOPICS
    assert desk.said()[::-1] == [("Ada", "Added storms"), ("Ada", "Changed storms"), ("Ada", "Removed storms")]


@pytest.mark.parametrize(
    ("topic", "kind", "said"),
    [
        (replace(STORMS, slug="Not so"), EntryInvalid, "cannot be an address name"),
        (replace(STORMS, title=" "), EntryInvalid, "has no title"),
        (replace(STORMS, match=" "), EntryInvalid, "would take every story"),
        (replace(STORMS, match="storm OR"), QueryError, ""),
        (replace(STORMS, held=Fallback(900, Then.DROP)), EntryInvalid, "goes with the mode held"),
    ],
)
def test_what_cannot_be_a_topic_is_refused_alike_when_looked_at_tried_and_saved(
    desk: Desk, topic: Topic, kind: type[NotifierError], said: str
) -> None:
    asked: list[Callable[[], object]] = [
        lambda: desk.topics.plan(topic),
        lambda: desk.topics.previewer.attempt(ADA, topic, None, 14),
        lambda: desk.topics.save(ADA, topic),
    ]
    for ask in asked:
        with pytest.raises(kind) as refused:
            ask()
        assert said in str(refused.value)
    assert text(desk) == TOPICS


def test_a_topic_without_a_rule_is_for_breaking_news(desk: Desk) -> None:
    desk.topics.save(ADA, replace(STORMS, match="", mode=TopicMode.BREAKING))

    assert desk.topics.find("storms").match == ""


def test_a_new_topic_takes_nobodys_name_also_at_the_last_moment(desk: Desk) -> None:
    for ask in (desk.topics.plan, lambda topic, new: desk.topics.save(ADA, topic, new=new)):
        with pytest.raises(EntryInvalid) as refused:
            ask(replace(STORMS, slug="ships"), new=True)
        assert "There is a topic named ships already" in refused.value.sentence
    assert text(desk) == TOPICS


def test_a_file_that_is_broken_lists_what_is_in_force_and_is_not_written(desk: Desk) -> None:
    desk.settings.topics_path.write_text("topics: [", encoding="utf-8")

    listed = desk.topics.listed()
    assert (listed.entries, bool(listed.problem)) == ((), True)
    for ask in (lambda: desk.topics.find("ships"), lambda: desk.topics.save(ADA, STORMS)):
        with pytest.raises(FileBroken):
            ask()
    assert text(desk) == "topics: ["


def test_a_save_from_an_older_text_is_told_what_it_would_change_now(desk: Desk) -> None:
    with pytest.raises(Overtaken) as told:
        desk.topics.save(ADA, STORMS, "0")

    assert told.value.edit.before.version == Written(TOPICS).version
    assert (told.value.edit.what, "+  - slug: storms" in told.value.edit.lines) == ("Added storms", True)


def test_a_change_is_undone_once_and_not_over_a_newer_one(desk: Desk) -> None:
    desk.topics.save(ADA, STORMS)
    desk.topics.save(ADA, replace(STORMS, title="Storm"))

    with pytest.raises(Overtaken):
        desk.changes.undo(ADA, 1)
    desk.changes.undo(ADA, 2)
    assert desk.topics.find("storms").title == "Storms"
    assert desk.said()[0] == ("Ada", "Took back: Changed storms")
    with pytest.raises(Overtaken):
        desk.changes.undo(ADA, 2)


def test_a_text_that_the_service_would_not_take_any_more_is_not_put_back(desk: Desk) -> None:
    broken = "topics:\n  - slug: ships\n    title: Ships\n"
    desk.topics.save(ADA, STORMS)
    change = replace(desk.changes.find(1), before=broken)

    with pytest.raises(EntryInvalid):
        desk.topics.recorded.undo(ADA, change)

    assert "storms" in text(desk)


def test_taking_back_takes_the_right_that_the_file_takes(desk: Desk) -> None:
    desk.topics.save(ADA, STORMS)

    with pytest.raises(RoleTooLow):
        desk.changes.undo(VIC, 1)
    with pytest.raises(ScopeMissing) as refused:
        desk.changes.undo(replace(ADA, scopes=frozenset({TokenScope.READ, TokenScope.FEEDS})), 1)
    assert refused.value.members == {"scope": "topics:write"}
    with pytest.raises(ScopeMissing):
        desk.changes.undo(replace(ADA, scopes=frozenset({TokenScope.READ})), 99)
    with pytest.raises(NotFound):
        desk.changes.undo(ADA, 99)


def test_an_operator_has_one_trial_at_a_time_on_all_surfaces_together(desk: Desk) -> None:
    with desk.topics.previewer.previews.turn(1), pytest.raises(PreviewsBusy):
        desk.topics.previewer.attempt(replace(ADA, token="a program"), STORMS, None, 14)

    assert desk.topics.previewer.attempt(ADA, STORMS, None, 14).after.alerts == ()
