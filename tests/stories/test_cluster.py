"""Ten outlets, one event: one story, and nothing else in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.stories.cluster import TO_LEAVE, Grouper
from notifier.stories.signals import shipped_weights
from notifier.stories.story import Grouping, StoryItem
from tests.stories.items import NOON, item

STORM = "Storm Brunhild tears roof from Velmora hospital, 12 patients injured"
OTHER_WORDS = "Twelve patients injured as Storm Brunhild rips off Velmora hospital roof"
UNRELATED = [
    "Parliament in Ostrava delays vote on pension bill",
    "Chess champion Ilse Marten retires at 31",
    "Copper prices climb to a nine-year high",
    "Ferry operators strike over night shifts in Kalmar",
]


def place(grouper: Grouper, *items: StoryItem) -> list[Grouping]:
    return grouper.place(items)


def after_a_quiet_morning() -> Grouper:
    grouper = Grouper()
    for i, title in enumerate(UNRELATED, start=900):
        place(grouper, item(i, title, f"Outlet {i}"))
    return grouper


def test_an_event_told_in_other_words_joins_its_story_and_says_why() -> None:
    grouper = after_a_quiet_morning()
    (first,) = place(grouper, item(1, STORM, "Harbour Post"))
    (second,) = place(grouper, item(2, OTHER_WORDS, "Inland Times", hours=1))
    assert first.signal == "new"
    assert second.story_id == first.story_id
    assert second.signal == "event"
    assert second.evidence["score"] >= second.evidence["merge_at"]
    assert second.evidence["nearest_item"] == 1


@pytest.mark.parametrize("outlet", ["Harbour Post", "Inland Times"])
def test_one_word_in_common_is_no_event_however_short_the_headlines(outlet: str) -> None:
    grouper = Grouper()
    (first,) = place(grouper, item(1, "A ship is named", "Harbour Post"))
    (second,) = place(grouper, item(2, "A ship under a new flag", outlet))
    assert second.story_id != first.story_id


def test_unrelated_headlines_stay_apart() -> None:
    grouper = Grouper()
    found = place(grouper, *(item(i, title, f"Outlet {i}") for i, title in enumerate(UNRELATED)))
    assert len({g.story_id for g in found}) == len(UNRELATED)


def test_the_same_words_about_another_time_are_another_story() -> None:
    grouper = Grouper()
    place(grouper, item(1, STORM))
    (later,) = place(grouper, item(2, STORM, "Inland Times", hours=73))
    assert later.signal == "new"


def test_an_edit_keeps_its_story_however_far_the_headline_moves() -> None:
    grouper = after_a_quiet_morning()
    (first,) = place(grouper, item(1, STORM))
    (edited,) = place(grouper, item(1, "Seven swans seen on the Ilm", version=2, hours=1))
    assert (edited.story_id, edited.signal) == (first.story_id, "edit")


def test_the_same_page_in_two_feeds_is_one_story() -> None:
    grouper = Grouper()
    place(grouper, item(1, STORM, url="https://harbour.example/a?utm_source=x"))
    (again,) = place(grouper, item(2, "The storm, as it happened in the north", url="https://m.harbour.example/a"))
    assert again.signal == "url"


def test_a_label_is_no_headline_to_merge_by() -> None:
    grouper = Grouper()
    found = place(grouper, item(1, "Live updates", "A"), item(2, "Live updates", "B"))
    assert len({g.story_id for g in found}) == 2 or "headline" not in {g.signal for g in found}


def far_relation(*, merge_at: float, nearest_share: float = 0.4) -> Grouping:
    """An item that is like one member of a story, and not like the other."""
    weights = replace(shipped_weights(), nearest_share=nearest_share, merge_at=merge_at, related_at=-9.0)
    grouper = Grouper(weights=weights)
    grouper.adopt(item(1, STORM, "A", story_id=1))
    grouper.adopt(item(2, "Velmora hospital director praised by minister Tolen after storm", "B", story_id=1))
    (far,) = place(grouper, item(3, "Minister Tolen praised for tax reform by director of central bank", "C"))
    return far


def test_a_story_does_not_grow_by_its_nearest_member_alone() -> None:
    likest = far_relation(merge_at=99.0).evidence["likest"]
    assert likest["score"] < likest["nearest_score"]
    between = (likest["score"] + likest["nearest_score"]) / 2
    whole, nearest_alone = far_relation(merge_at=between), far_relation(merge_at=between, nearest_share=1.0)
    assert (whole.signal, whole.related) == ("new", (1,))
    assert nearest_alone.story_id == 1


@given(st.permutations(range(6)))
def test_the_order_within_a_poll_does_not_decide_which_duplicates_are_together(order: list[int]) -> None:
    poll = [
        item(1, STORM, "A", url="https://a.example/1"),
        item(2, f"BREAKING: {STORM}", "B", url="https://b.example/2"),
        item(3, "The night the roof went", "A", url="https://a.example/1?utm_source=c"),
        item(4, UNRELATED[0], "A"),
        item(5, UNRELATED[0], "D"),
        item(6, UNRELATED[1], "E"),
    ]
    found = Grouper().place([poll[i] for i in order])
    together: dict[int, set[int]] = {}
    for grouping in found:
        together.setdefault(grouping.story_id, set()).add(grouping.item_id)
    assert {1, 2, 3} in [members & {1, 2, 3} for members in together.values()]
    assert {4, 5} in [members & {4, 5} for members in together.values()]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=9), st.randoms())
def test_exact_duplicates_are_together_in_whatever_order_a_poll_brings_them(
    made: list[tuple[int, int]], order: Random
) -> None:
    """Each item has one of four pages and one of four headlines; who shares one, also through others, is one story."""
    poll = [
        item(i, UNRELATED[title], f"Outlet {i}", url=f"https://a.example/{page}")
        for i, (page, title) in enumerate(made, start=1)
    ]
    shuffled = order.sample(poll, len(poll))

    def stories(items: list[StoryItem]) -> set[frozenset[int]]:
        found: dict[int, set[int]] = {}
        for grouping in Grouper().place(items):
            found.setdefault(grouping.story_id, set()).add(grouping.item_id)
        return {frozenset(members) for members in found.values()}

    assert stories(poll) == stories(shuffled)


def test_twins_are_placed_together_and_stand_in_their_story_as_they_came() -> None:
    first, second, twin = (
        item(1, "Volcano Harga erupts near Selvik, thousands flee"),
        item(2, "Thousands flee Selvik as volcano Harga erupts"),
        item(3, "Volcano Harga erupts near Selvik, thousands flee"),
    )
    grouper = Grouper()
    assert [(g.item_id, g.story_id) for g in grouper.place([first, second, twin])] == [(1, 1), (3, 1), (2, 1)]
    story = grouper.story(1)
    assert story is not None
    assert [one.id for one in story.judged] == list(story.entries) == [1, 2, 3]


def test_what_the_window_has_passed_is_forgotten() -> None:
    grouper = Grouper(window=timedelta(hours=72))
    (first,) = place(grouper, item(1, STORM))
    grouper.forget(NOON + timedelta(hours=73))
    assert grouper.story(first.story_id) is None
    assert len(grouper) == 0


def test_an_adopted_item_keeps_its_story_and_new_stories_get_new_ids() -> None:
    grouper = Grouper()
    grouper.adopt(item(1, STORM, story_id=41))
    (joined,) = place(grouper, item(2, STORM, "Inland Times"))
    (opened,) = place(grouper, item(3, UNRELATED[2], "C"))
    assert (joined.story_id, opened.story_id) == (41, 42)


FULL = "Rescuers in Velmora searched the wards through the night as rain fell on the hospital below the torn roof."


def test_hours_between_two_tellings_count_where_both_have_a_standfirst() -> None:
    def score(hours: float, summary: str) -> float:
        grouper = after_a_quiet_morning()
        place(grouper, item(1, STORM, "Harbour Post", summary=summary))
        (found,) = place(grouper, item(2, OTHER_WORDS, "Inland Times", hours=hours, summary=summary))
        return float(found.evidence.get("score", found.evidence.get("likest", {}).get("score", 0)))

    assert score(1, FULL) - score(9, FULL) > 3
    assert score(1, "") - score(9, "") < 1


def test_a_date_without_a_time_may_be_a_day_off() -> None:
    midnight = NOON.replace(hour=0)
    grouper = after_a_quiet_morning()
    place(grouper, item(1, STORM, "Harbour Post", published_at=midnight))
    (found,) = place(grouper, item(2, OTHER_WORDS, "Inland Times", hours=1))
    assert found.evidence["days_apart"] == 0


def test_two_of_a_kind_that_recurs_tell_no_event_in_common() -> None:
    grouper = after_a_quiet_morning()
    (first,) = place(grouper, item(1, "Wordle today: hints and answer for May 14", "Harbour Post"))
    (second,) = place(grouper, item(2, "Wordle answer and hints for May 14 today", "Inland Times"))
    assert second.story_id != first.story_id


@pytest.mark.parametrize(("above_the_line", "moves"), [(TO_LEAVE + 0.1, True), (TO_LEAVE - 0.1, False)])
def test_an_edit_leaves_its_story_only_where_it_surely_tells_another(above_the_line: float, *, moves: bool) -> None:
    grouper = after_a_quiet_morning()
    (mine,) = place(grouper, item(9001, "Bakery of Lind opens at night for shift workers", "Attacker"))
    (other,) = place(grouper, item(9002, "Dam at Kessel breaks, villages under water", "Post"))
    edited = item(9001, "Dam at Kessel breaks and villages are under water", "Attacker", version=2)
    line = grouper.liken(edited, 9002).score - above_the_line
    grouper.weights = replace(grouper.weights, merge_at=line)

    (edit,) = place(grouper, edited)

    assert edit.story_id == (other if moves else mine).story_id


def test_an_item_that_is_edited_into_another_events_words_leads_nobody_into_its_story() -> None:
    grouper = after_a_quiet_morning()
    (mine,) = place(grouper, item(9001, "Bakery of Lind opens at night for shift workers", "Attacker"))
    place(grouper, item(9000, "Lind bakery opens at night for its shift workers", "Baker"))
    (other,) = place(grouper, item(9002, "Dam at Kessel breaks, villages under water", "Post"))
    edited = item(9001, "Dam at Kessel breaks and villages are under water", "Attacker", version=2)
    (edit,) = place(grouper, edited)
    assert (edit.story_id, edit.left) == (other.story_id, mine.story_id), "it goes where its words belong"
    assert 9001 not in grouper.members(mine.story_id)
    tellings = [
        "Villages under water after Kessel dam breaks",
        "Dam at Kessel breaks and villages are under water, hundreds flee",
        "Kessel dam breaks: villages are under water",
        edited.title,
    ]
    for number, title in enumerate(tellings, 9003):
        (told,) = place(grouper, item(number, title, f"Outlet {number}"))
        assert told.story_id == other.story_id, title
    (back,) = place(grouper, item(9001, "Bakery of Lind opens at night for all shift workers", "Attacker", version=3))
    assert back.story_id == mine.story_id
