"""Three independent sources within hours, and what does not count as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from notifier.stories.agency_copy import agency, publisher_key, sources
from notifier.stories.breaking import RelatedSupport, judge, representative
from notifier.stories.story import StoryItem
from tests.stories.items import NOON, item

TOLD = [
    "Bridge at Orsk collapses into river",
    "Orsk river bridge falls, cars in water",
    "Cars plunge as bridge gives way",
]


def story_from(*publishers: str, **given: Any) -> list[StoryItem]:
    return [item(i, TOLD[i % 3], publisher, **given) for i, publisher in enumerate(publishers)]


def test_three_publishers_within_hours_are_breaking() -> None:
    found = judge(story_from("A", "B", "C"), NOON)
    assert found.breaking
    assert set(found.signals.sources) == {"A", "B", "C"}


def test_two_are_not() -> None:
    assert not judge(story_from("A", "B"), NOON).breaking


def test_feeds_of_one_publisher_count_once() -> None:
    assert not judge(story_from("BBC News", "bbc.co.uk", "BBC World", "B"), NOON).breaking


def test_trade_papers_count_half() -> None:
    assert not judge(story_from("A", "B", "C", section="entertainment"), NOON).breaking


def test_backlog_and_old_items_count_for_nothing() -> None:
    assert not judge(story_from("A", "B", "C", may_alert=False), NOON).breaking
    assert not judge(story_from("A", "B", "C"), NOON + timedelta(hours=7)).breaking


def test_wire_copy_under_three_mastheads_is_one_source() -> None:
    text = "A bridge over the Orsk collapsed on Monday evening and several cars fell into the water, rescuers said."
    copies = [item(i, TOLD[0], name, summary=text) for i, name in enumerate(["A", "B", "C"])]
    assert len(sources(copies)) == 1
    assert not judge(copies, NOON).breaking


def test_a_dateline_credits_an_agency_and_a_quotation_does_not() -> None:
    assert agency(item(1, "x", summary="ORSK (Reuters) - A bridge fell.")) == "reuters"
    assert agency(item(1, "x", summary="A bridge fell, officials told Reuters on Monday.")) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bbc.co.uk", "BBC World"),
        ("Deutsche Welle", "DW"),
        ("NYT Business", "The New York Times"),
        ("CNN (Online)", "CNN"),
    ],
)
def test_one_publisher_has_one_key(one: str, other: str) -> None:
    assert publisher_key(one) == publisher_key(other)


def test_a_preview_of_yesterday_does_not_speak_for_tonight() -> None:
    preview = item(1, "What to expect at the harbour gala", hours=-14)
    tonight = item(2, "Shots fired at harbour gala", "B")
    assert representative([preview, tonight], NOON) is tonight


def test_an_operators_weight_for_a_feed_counts() -> None:
    trusted = [replace(item(1, "Dam breaks", "Harbour Post"), weight=2.0), item(2, "Dam breaks", "Inland Times")]
    doubted = [replace(i, weight=0.0) for i in trusted] + [item(3, "Dam breaks", "Third Post")]
    assert judge(trusted, NOON).breaking
    assert not judge(doubted, NOON).breaking


def test_who_says_what_the_others_say_speaks_for_the_story() -> None:
    aside = item(1, "Mayor of Orsk cancels summer fair")
    central = item(2, "Orsk bridge collapses into river", "B")
    third = item(3, "Bridge at Orsk collapses, cars in river", "C")
    assert representative([aside, central, third], NOON) is central


def test_a_running_page_speaks_only_where_nobody_else_does() -> None:
    live = item(1, "Bridge at Orsk collapses into river: live")
    plain = item(2, "Orsk bridge falls", "B")
    assert representative([live, plain], NOON) is plain
    assert representative([live], NOON) is live


def test_a_story_that_may_tell_the_same_event_helps_with_its_sources() -> None:
    own, other = story_from("A", "B"), [item(9, "River bridge at Orsk collapses", "C")]
    found = judge(own, NOON, related={4: other})
    assert (found.breaking, found.helped, found.own) == (True, True, 2.0)
    assert found.signals.related == RelatedSupport(2.0, (4,), {"C": 1.0})
    assert set(found.signals.sources) == {"A", "B"}


@pytest.mark.parametrize(
    ("own", "title", "publisher", "given"),
    [
        (("A", "B"), "Oil prices rise as talks stall", "C", {}),  # it says something else
        (("A", "B"), "River bridge at Orsk collapses", "B", {}),  # the same publisher
        (("A", "B"), "River bridge at Orsk collapses", "C", {"hours": -7.0}),  # old
        (("A", "B"), "Why the river bridge at Orsk collapses", "C", {}),  # no news
        (("A",), "River bridge at Orsk collapses", "C", {}),  # one outlet's story is not helped
    ],
)
def test_what_does_not_help(own: tuple[str, ...], title: str, publisher: str, given: dict[str, float]) -> None:
    other = [item(9, title, publisher, **given), item(10, title, "B", **given)]
    found = judge(story_from(*own), NOON, related={4: other})
    assert (found.breaking, found.helped) == (False, False)


def test_what_breaks_alone_needs_no_help() -> None:
    found = judge(story_from("A", "B", "C"), NOON, related={4: [item(9, TOLD[0], "D")]})
    assert (found.breaking, found.helped, found.own) == (True, False, 3.0)
    assert found.signals.related == RelatedSupport()


def test_a_page_that_was_rewritten_all_day_does_not_speak_where_there_is_a_newer_one() -> None:
    page = item(1, TOLD[0], "A", first_seen_at=NOON - timedelta(hours=16))
    assert representative([page, item(2, "Cars plunge into the Orsk", "B")], NOON).publisher == "B"
    assert representative([page], NOON).publisher == "A"
