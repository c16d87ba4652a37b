"""Pages and headlines that are the same make items one; nobody can use that to put one story into another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.stories.cluster import Grouper
from notifier.stories.exact import ExactKeys, exact_keys
from notifier.stories.story import StoryItem
from notifier.stories.window import Window
from tests.stories.items import NOON, item

VOLCANO = "Volcano Harga erupts near Selvik, thousands flee"
RESIGNS = "Prime minister of Brey resigns over tram scandal"
RESIGNS_TOO = "Brey's prime minister resigns over the tram scandal"
PAGE = "https://alpha.example/volcano"


def stories(*polls: list[StoryItem]) -> dict[int, int]:
    """The story of each item, after these polls."""
    grouper = Grouper()
    for poll in polls:
        grouper.place(poll)
    return {one.id: grouper.story_of(one.id) or 0 for poll in polls for one in poll}


def theirs() -> tuple[StoryItem, StoryItem, StoryItem]:
    """What three honest publishers have: one event, and two headlines of another."""
    return item(1, VOLCANO, "Alpha", url=PAGE), item(2, RESIGNS, "Beta"), item(3, RESIGNS_TOO, "Gamma")


def test_another_publishers_page_under_a_third_ones_headline_glues_nothing() -> None:
    volcano, resigns, too = theirs()
    glue = item(9, RESIGNS, "Hostile", url=PAGE)
    for polls in (
        ([volcano], [glue], [resigns], [too]),
        ([glue], [volcano], [resigns], [too]),
        ([resigns], [glue], [volcano], [too]),
        ([volcano, glue, resigns, too],),
        ([too, resigns, glue], [volcano]),
    ):
        found = stories(*polls)
        assert found[1] != found[2] == found[3]


@given(st.permutations(range(6)), st.lists(st.booleans(), min_size=6, max_size=6))
def test_however_polls_come_one_feeds_items_glue_no_two_stories(order: list[int], cuts: list[bool]) -> None:
    hostile = [
        item(7, RESIGNS, "Hostile", url=PAGE),
        item(8, VOLCANO, "Hostile", url="https://beta.example/2"),
        item(9, VOLCANO, "Hostile", url=PAGE, canonical_url=f"{PAGE} 2"),  # as the store names a page's second item
    ]
    every = [*theirs(), *hostile]
    polls: list[list[StoryItem]] = [[]]
    for place, cut in zip(order, cuts, strict=True):
        polls[-1].append(every[place])
        if cut:
            polls.append([])
    found = stories(*polls)
    assert found[1] != found[2] == found[3]


def test_a_page_that_two_publishers_name_is_one_where_they_say_something_alike() -> None:
    volcano, _, _ = theirs()
    found = stories([volcano], [item(2, "Thousands flee as Harga erupts", "Pointers", url=f"{PAGE}?utm_source=p")])
    assert found[1] == found[2]


def test_a_headline_of_another_time_is_led_by_whoever_says_it_now() -> None:
    weekly = "Questions to the mayor of Brey"
    found = stories(
        [item(1, weekly, "Alpha")], [item(2, weekly, "Beta", hours=100)], [item(3, weekly, "Gamma", hours=101)]
    )
    assert found[1] != found[2] == found[3]


@given(st.lists(st.sampled_from([VOLCANO, RESIGNS, RESIGNS_TOO, "", "Live"]), min_size=1, max_size=30))
def test_edits_leave_no_keys_behind(headlines: list[str]) -> None:
    keys, window, before = ExactKeys(), Window(), None
    for headline in headlines:
        entry = window.prepare(item(1, headline))
        keys.put(entry, before)
        before = entry
        assert len(keys) == len(exact_keys(entry.item))
    assert before is not None
    keys.drop(before)
    assert len(keys) == 0


def test_edits_fill_no_memory_and_all_of_it_is_given_back() -> None:
    grouper = Grouper()
    for version in range(1, 100):
        grouper.place([item(1, f"Counting of votes in Brey goes on: {version} districts done", version=version)])
    assert [e.item.version for e in grouper._keys.having(("url", "https://harbourpost.example/1"))] == [99]
    assert len(grouper._keys) == 2
    grouper.forget(NOON.replace(year=NOON.year + 1))
    assert len(grouper) == len(grouper._keys) == 0
