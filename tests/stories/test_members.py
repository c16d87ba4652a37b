"""A story's members: all of an ordinary one's count, a few of a huge one's, and no publisher is pushed out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.alerts.alert import NewAlert
from notifier.alerts.decide import Send
from notifier.alerts.decider import Decider
from notifier.stories.agency_copy import near_equal, sources
from notifier.stories.breaking import judge, representative
from notifier.stories.members import MOST_JUDGED, Members
from notifier.stories.open_story import OpenStory
from notifier.stories.story import StoryItem
from notifier.stories.window import Window
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic, TopicMode
from tests.stories.items import NOON, item

WORDS = [f"{first}{second}" for first in ("bar", "dol", "fen", "gim") for second in ("ado", "eku", "ilt", "orn", "usk")]


def members_of(items: Iterable[StoryItem]) -> Members:
    members = Members()
    for one in items:
        members.put(one)
    return members


@settings(max_examples=20)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=MOST_JUDGED))
def test_an_ordinary_story_is_judged_by_all_of_it(publishers: list[int]) -> None:
    items = [item(n, f"Dam {n} breaks", "ABCD"[who]) for n, who in enumerate(publishers, 1)]
    assert members_of(items).judged == members_of(items).items == tuple(items)


@settings(max_examples=10)
@given(
    st.lists(st.integers(0, 90), min_size=260, max_size=300),
    st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=9),
)
def test_a_huge_story_is_judged_by_a_few_whatever_became_of_it_on_the_way(
    publishers: list[int], changes: list[tuple[int, bool]]
) -> None:
    items = {n: item(n, f"Dam {n} breaks", f"P{who}") for n, who in enumerate(publishers, 1)}
    lived = members_of(items.values())
    for number, leaves in changes:
        if leaves and number in items:
            del items[number]
            lived.drop(number)
        elif number in items:
            items[number] = replace(items[number], title="Dam breaks again", version=2)
            lived.put(items[number])
    restored = members_of(items.values())
    assert lived.judged == restored.judged
    assert len(lived.judged) <= MOST_JUDGED


@settings(max_examples=20)
@given(st.lists(st.integers(0, 90), min_size=2, max_size=300), st.randoms(use_true_random=False))
def test_members_stand_as_they_came_in_whatever_order_they_joined(publishers: list[int], chance: Random) -> None:
    window, lived, restored = Window(), OpenStory(1), OpenStory(1)
    came = [
        item(n, "Dam at Kessel breaks", f"P{who}", url=f"https://one.example/{who % 7}")
        for n, who in enumerate(publishers, 1)
    ]
    for one in came:
        restored.put(one, window.prepare(one))
    for one in chance.sample(came, len(came)):
        lived.put(one, window.prepare(one))
        if chance.random() < 0.1:
            _ = lived.members.at(one.url), lived.judged
            lived.tidy()
    lived.tidy()
    assert list(lived.entries) == list(lived.members) == [one.id for one in came]
    assert lived.judged == restored.judged
    assert [lived.members.at(one.url) for one in came] == [restored.members.at(one.url) for one in came]


def test_a_feed_that_floods_a_story_pushes_nobody_out() -> None:
    others = [item(n, "Dam at Kessel breaks", f"Outlet {n}") for n in range(1, 11)]
    flood = [item(n, f"Dam at Kessel breaks, part {n}", "Flood") for n in range(100, 3_100)]
    judged = members_of([*others, *flood]).judged
    assert {one.publisher for one in judged} == {"Flood", *(one.publisher for one in others)}
    assert judge(judged, NOON).breaking


TEXTS = st.lists(st.sampled_from(WORDS), min_size=8, max_size=16).map(" ".join)


@given(st.lists(st.tuples(st.sampled_from("ABCDEFGH"), TEXTS), max_size=14), st.lists(st.integers(0, 13), max_size=8))
def test_sources_are_those_of_comparing_every_pair(told: list[tuple[str, str]], copied: list[int]) -> None:
    texts = [text for _, text in told]
    for number, place in enumerate(copied):
        if texts:
            texts[number % len(texts)] = texts[place % len(texts)] + " vorn"
    items = [item(n, text, who) for n, ((who, _), text) in enumerate(zip(told, texts, strict=True), 1)]
    group = {one.id: {one.id} for one in items}
    for one in items:
        for other in items:
            if one.publisher == other.publisher or near_equal(one, other):
                joined = group[one.id] | group[other.id]
                for member in joined:
                    group[member] = joined
    assert {frozenset(i.id for i in source) for source in sources(items)} == {frozenset(g) for g in group.values()}


def calls_of(work: Callable[[], Any]) -> int:
    """How many functions `work` calls: what it costs, on any machine."""
    calls = 0

    def count(_frame: FrameType, event: str, _what: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


TOPICS = (Topic("breaking", "Breaking", "", "", TopicMode.BREAKING), Topic("dams", "Dams", "", "dam"))


def near_equals(numbers: range, publishers: int) -> list[StoryItem]:
    """One event in nearly the same words, by so many publishers."""
    standfirst = "Rescuers search the valley below the wall while engineers warn of a second wave before the night"
    return [
        item(n, f"Dam at Kessel breaks, villages under water, part {n}", f"P{n % publishers}", summary=standfirst)
        for n in numbers
    ]


def a_decider_with(size: int, publishers: int) -> Decider:
    decider = Decider(TopicIndex(TOPICS), TOPICS)
    decider.restore([replace(one, story_id=1) for one in near_equals(range(1, size + 1), publishers)], [])
    decider.take(near_equals(range(8_000, 8_001), publishers), NOON)
    return decider


@pytest.mark.calls
def test_an_item_costs_the_same_however_large_its_story_is() -> None:
    for publishers in (1, 40):
        costs = []
        for size in (400, 3_000):
            decider = a_decider_with(size, publishers)
            poll = near_equals(range(9_000, 9_001), publishers)
            costs.append(calls_of(partial(decider.take, poll, NOON + timedelta(minutes=1))))
        small, large = costs
        assert large <= 1.5 * small, f"{publishers} publishers: {costs} calls"


@pytest.mark.calls
def test_thousands_of_the_same_headline_with_other_guids_are_taken_in_one_go() -> None:
    decider = a_decider_with(10, 1)
    same = [item(n, "Dam at Kessel breaks, villages under water", "P0", url=f"https://p/{n}") for n in range(100, 600)]
    few = calls_of(lambda: decider.take(same[:100], NOON + timedelta(minutes=1)))
    many = calls_of(lambda: decider.take(same[100:], NOON + timedelta(minutes=2)))
    assert many <= 6 * few


@pytest.mark.calls
def test_a_headline_of_a_megabyte_costs_little_and_is_told() -> None:
    decider = Decider(TopicIndex(TOPICS), TOPICS)
    long = item(1, "Dam breaks " + "and floods more villages " * 40_000, "A")
    calls = calls_of(lambda: decider.take([long], NOON))
    assert calls < 50_000


@pytest.mark.calls
def test_a_story_that_thousands_point_to_asks_only_the_newest() -> None:
    decider = Decider(TopicIndex(TOPICS), TOPICS)
    centre = item(1, "Dam at Kessel breaks", "A", story_id=1)
    pointing = [item(n, f"Town {n} of the valley is dry", f"P{n}", story_id=n, near=(1,)) for n in range(2, 2_502)]
    decider.restore([centre, *pointing], [])
    poll = [replace(centre, title="Dam at Kessel breaks again", version=2)]
    calls = calls_of(lambda: decider.take(poll, NOON))
    assert calls < 60_000


@pytest.mark.calls
def test_an_alert_is_held_against_those_with_a_word_in_common_not_against_all() -> None:
    costs = []
    for told in (100, 2_000):
        decider = Decider(TopicIndex(TOPICS), TOPICS)
        decider.restore([], alerts_of(told))
        decider.take([], NOON)  # once an hour it looks what to forget
        poll = [item(n, "Dam at Kessel breaks", f"P{n}") for n in range(1, 5)]
        costs.append(calls_of(partial(decider.take, poll, NOON)))
    assert costs[1] <= 1.3 * costs[0]


def alerts_of(many: int) -> list[NewAlert]:
    """Alerts of an hour ago, each in words of its own."""
    decider = Decider(TopicIndex(TOPICS[1:]), TOPICS[1:])
    (verdict,) = decider.take([item(1, "Dam breaks", "A", hours=-1)], NOON - timedelta(hours=1)).verdicts
    assert isinstance(verdict, Send)
    one = verdict.alert
    return [
        replace(one, story_id=10_000 + n, message=replace(one.message, title=f"{WORDS[n % 20]}{n} {WORDS[n % 7]}{n}"))
        for n in range(many)
    ]


@pytest.mark.calls
def test_the_spokesman_of_many_is_found_by_a_few() -> None:
    many = near_equals(range(1, 2_001), 50)
    assert calls_of(lambda: representative(members_of(many).judged, NOON)) < 120_000
