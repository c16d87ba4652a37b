"""The decider as the pipeline uses it: polls in, groupings and verdicts out, and the same again after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from notifier.alerts.alert import NewAlert
from notifier.alerts.decide import Drop, Send, Verdict
from notifier.alerts.decider import Decider
from notifier.stories.breaking import RelatedSupport
from notifier.stories.overrides import NEVER, Overrides
from notifier.stories.rulings import Pair
from notifier.stories.story import StoryItem
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic, TopicMode
from tests.stories.items import NOON, item

TOPICS = (
    Topic("breaking", "Breaking", "", "", TopicMode.BREAKING, daily_budget=8),
    Topic("volcano", "Volcanoes", "", "volcano"),
)
ERUPTION = ["Volcano Harga erupts near Selvik, thousands flee", "Thousands flee Selvik as volcano Harga erupts"]
HOUR = timedelta(hours=1)


def decider() -> Decider:
    return Decider(TopicIndex(TOPICS), TOPICS)


def sent(verdicts: Sequence[Verdict]) -> list[Send]:
    return [v for v in verdicts if isinstance(v, Send)]


def story_from(publisher: str, item_id: int, *, hours: float = 0.0) -> StoryItem:
    return item(item_id, f"{ERUPTION[item_id % 2]}", publisher, hours=hours)


def test_a_story_is_sent_once_to_each_topic_however_many_tell_it() -> None:
    made = decider()
    first = made.take([story_from("A", 1)], NOON)
    second = made.take([story_from("B", 2, hours=1)], NOON + HOUR)
    third = made.take([story_from("C", 3, hours=2)], NOON + 2 * HOUR)
    fourth = made.take([story_from("D", 4, hours=3)], NOON + 3 * HOUR)
    assert [s.alert.topics for s in sent(first.verdicts)] == [{"volcano"}]
    assert sent(second.verdicts) == []
    (late,) = sent(third.verdicts)
    assert (late.alert.topics, late.alert.except_topics) == (frozenset({"breaking"}), frozenset({"volcano"}))
    assert sent(fourth.verdicts) == []


def test_every_changed_story_has_a_verdict_and_every_item_a_grouping() -> None:
    result = decider().take([story_from("A", 1), item(2, "Council of Brey approves tram line")], NOON)
    assert {g.item_id for g in result.groupings} == {1, 2}
    assert len(result.verdicts) == len(result.stories) == 2
    (drop,) = [v for v in result.verdicts if isinstance(v, Drop)]
    assert drop.code == "not-breaking"


def test_a_restored_decider_goes_on_where_the_old_one_stopped() -> None:
    polls = [
        [story_from("A", 1)],
        [story_from("B", 2, hours=1)],
        [story_from("C", 3, hours=2)],
        [story_from("D", 4, hours=3)],
    ]
    whole = decider()
    stories: list[StoryItem] = []
    alerts: list[NewAlert] = []
    wanted = [sent(whole.take(poll, NOON + i * HOUR).verdicts) for i, poll in enumerate(polls)]
    found = []
    for i, poll in enumerate(polls):
        fresh = decider()
        fresh.restore(stories, alerts)
        result = fresh.take(poll, NOON + i * HOUR)
        by_item = {g.item_id: g.story_id for g in result.groupings}
        stories += [replace(one, story_id=by_item[one.id]) for one in poll]
        alerts += [s.alert for s in sent(result.verdicts)]
        found.append(sent(result.verdicts))
    assert [[s.alert.topics for s in verdicts] for verdicts in found] == [
        [s.alert.topics for s in verdicts] for verdicts in wanted
    ]


def test_a_silenced_story_stays_silent_when_it_breaks() -> None:
    made = decider()
    result = made.take([story_from("A", 1)], NOON)
    made.apply_overrides(Overrides(choices={result.stories[0].id: NEVER}))
    after = made.take([story_from("B", 2, hours=1), story_from("C", 3, hours=1)], NOON + HOUR)
    assert [v.code for v in after.verdicts if isinstance(v, Drop)] == ["never"]


def split_in_two(*, near: tuple[int, ...] = (1,)) -> list[StoryItem]:
    """Two outlets in one story, a third that tells the same and was kept in another."""
    return [
        item(1, ERUPTION[0], "A", story_id=1),
        item(2, ERUPTION[1], "B", story_id=1),
        item(3, "Harga erupts: thousands flee Selvik", "C", story_id=2, near=near),
    ]


def after_an_edit(made: Decider) -> list[Send]:
    return sent(made.take([item(2, f"{ERUPTION[1]} again", "B", story_id=1, version=2)], NOON + HOUR).verdicts)


def breaking_of(found: list[Send]) -> list[RelatedSupport]:
    return [s.alert.why.signals.related for s in found if "breaking" in s.alert.topics]


def test_after_a_restart_a_story_is_still_helped_by_those_that_may_tell_the_same() -> None:
    made = decider()
    made.restore(split_in_two(), ())
    assert breaking_of(after_an_edit(made)) == [RelatedSupport(2.0, (2,), {"C": 1.0})]


def test_a_story_that_nothing_was_near_to_is_not_helped() -> None:
    made = decider()
    made.restore(split_in_two(near=()), ())
    assert breaking_of(after_an_edit(made)) == []


def test_stories_that_an_operator_called_apart_do_not_help_each_other() -> None:
    made = decider()
    made.restore(split_in_two(), ())
    made.apply_overrides(Overrides(version="1", pairs=(Pair(1, False, 1, 3),)))
    assert breaking_of(after_an_edit(made)) == []
