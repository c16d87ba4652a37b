"""A preview is what the decider would have decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from notifier.alerts.decide import AlertRules, Send
from notifier.alerts.decider import Decider
from notifier.alerts.preview import compare, preview
from notifier.alerts.story_history import PastChoice, PastMove, PastOverrides, StoryHistory
from notifier.errors import QueryError, TooMuchWork
from notifier.stories.breaking import RelatedSupport
from notifier.stories.overrides import HOLD, NEVER
from notifier.stories.story import StoryItem
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic, TopicMode
from notifier.topics.work import Work

RULES = AlertRules()
START = datetime(2026, 4, 20, 12, tzinfo=UTC)
END = START + timedelta(days=7)


def told(
    item_id: int, story_id: int | None, title: str, hours: float, publisher: str = "Post", **more: object
) -> StoryItem:
    at = START + timedelta(hours=hours)
    url = f"https://{publisher.lower()}.example/{item_id}"
    fields = {"summary": "", "published_at": at} | more
    return StoryItem(item_id, 1, publisher, "world", url, url, title, seen_at=at, story_id=story_id, **fields)  # type: ignore[arg-type]


def topic(match: str, mode: TopicMode = TopicMode.EVERY, budget: int | None = None) -> Topic:
    return Topic("tried", "Tried", "", match, mode, budget)


RECORD = StoryHistory(
    [
        told(1, 1, "Ferry aground off the harbour", 1),
        told(2, 1, "Ferry aground, forty rescued", 2, "Gazette"),
        told(3, 2, "Flood closes the old bridge", 3),
        told(4, 3, "Ferry fares to rise", 30),
        told(5, None, "Ferry without a story yet", 31),
    ]
)


def titles(match: str, **more: object) -> list[str]:
    shown = preview(topic(match, **more), RECORD, RULES, START, END)  # type: ignore[arg-type]
    return [would.alert.message.title for would in shown.alerts]


def test_a_story_is_one_alert_newest_first() -> None:
    assert titles("ferry") == ["Ferry fares to rise", "Ferry aground off the harbour"]


def test_the_daily_budget_holds() -> None:
    assert titles("ferry OR flood", budget=1) == ["Ferry fares to rise", "Ferry aground off the harbour"]


def test_a_breaking_topic_sends_only_what_breaks() -> None:
    assert titles("", mode=TopicMode.BREAKING) == []


def test_a_held_topic_says_that_an_editor_is_asked() -> None:
    shown = preview(topic("flood", TopicMode.HELD), RECORD, RULES, START, END)

    assert [would.held for would in shown.alerts] == [True]


def test_what_was_alerted_before_the_window_is_not_alerted_again() -> None:
    shown = preview(topic("ferry"), RECORD, RULES, START + timedelta(hours=1.5), END)

    assert [would.alert.message.title for would in shown.alerts] == ["Ferry fares to rise"]


def test_the_matched_words_have_their_place_in_the_alert() -> None:
    (flood,) = preview(topic("floods"), RECORD, RULES, START, END).alerts

    assert [(w.field, w.start, w.text) for w in flood.words] == [("title", 0, "Flood")]


def test_every_day_is_counted_even_an_empty_one() -> None:
    shown = preview(topic("ferry"), RECORD, RULES, START, END)

    assert list(shown.per_day.values()) == [1, 1, 0, 0, 0, 0, 0, 0]


def test_a_rule_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(QueryError):
        preview(topic("ferry OR"), RECORD, RULES, START, END)


def test_a_changed_rule_gains_loses_and_keeps() -> None:
    was = preview(topic("ferry"), RECORD, RULES, START, END)
    now = preview(topic("aground OR flood"), RECORD, RULES, START, END)

    changed = compare(was, now)

    assert [w.alert.message.title for w in changed.gained] == ["Flood closes the old bridge"]
    assert [w.alert.message.title for w in changed.lost] == ["Ferry fares to rise"]
    assert [w.alert.message.title for w in changed.kept] == ["Ferry aground off the harbour"]


def test_it_is_what_the_services_decider_decides() -> None:
    tried = topic("ferry OR bridge")
    decider = Decider(TopicIndex([tried]), [tried], RULES)
    sent = []
    for item in RECORD.items:
        verdicts = decider.take([item], item.seen_at).verdicts
        sent += [v.alert.message.title for v in verdicts if isinstance(v, Send) and v.alert.kind == "new"]

    assert sent[::-1] == titles("ferry OR bridge")


def test_a_telling_that_was_kept_apart_helps_the_story_that_it_is_near_to() -> None:
    tellings = [
        told(1, 1, "Ferry sinks off the harbour of Brey", 1),
        told(2, 1, "Ferry sinks off Brey, dozens missing", 2, "Gazette"),
        told(3, 2, "Ferry sinks near Brey", 3, "Courier", near=(1,)),
        told(4, 2, "Ferry sinks near Brey, captain held", 4, "Mirror"),
        told(5, 2, "Ferry that sank near Brey was full", 5, "Herald"),
    ]
    shown = preview(topic("", TopicMode.BREAKING), StoryHistory(tellings), RULES, START, END)
    (would,) = shown.alerts
    assert (would.alert.story_id, would.alert.decided_at) == (1, tellings[2].seen_at)
    assert would.alert.why.signals.related == RelatedSupport(2.0, (2,), {"Courier": 1.0})


def test_a_preview_whose_work_is_spent_is_stopped() -> None:
    for rule in ("ferry", "ferr* OR floo*", "section:world"):
        with pytest.raises(TooMuchWork):
            preview(topic(rule), RECORD, RULES, START, END, Work(5))


def test_a_rule_that_takes_too_much_work_on_an_item_does_not_match_it() -> None:
    chain = " NEAR/100 ".join(["(a NEAR/100 a NEAR/100 a)"] * 5)
    record = StoryHistory([replace(RECORD.items[0], title="a " * 20_000)])
    assert record.matching(topic(f"{chain} OR ferry")) == []


def test_a_preview_heeds_never_from_when_it_was_said() -> None:
    said = START + timedelta(hours=10)
    never = PastOverrides(
        choices={1: PastChoice(NEVER, START), 3: PastChoice(NEVER, START), 2: PastChoice(NEVER, said)}
    )
    shown = preview(topic("ferry OR flood"), StoryHistory(RECORD.items, overrides=never), RULES, START, END)
    assert [would.alert.message.title for would in shown.alerts] == ["Flood closes the old bridge"]


def test_a_preview_heeds_hold_as_the_desk_does() -> None:
    hold = PastOverrides(choices={2: PastChoice(HOLD, START)})
    shown = preview(topic("ferry OR flood"), StoryHistory(RECORD.items, overrides=hold), RULES, START, END)
    assert [(would.alert.story_id, would.held) for would in shown.alerts] == [(3, False), (2, True), (1, False)]


def test_a_preview_repeats_a_split_at_its_time() -> None:
    split = PastOverrides((PastMove(START + timedelta(hours=3), 2, 9),))
    record = StoryHistory(RECORD.items[:2], overrides=split)
    shown = preview(topic("ferry"), record, RULES, START, END)
    told = [(would.alert.story_id, would.alert.message.title) for would in shown.alerts]
    assert told == [(9, "Ferry aground, forty rescued"), (1, "Ferry aground off the harbour")]
