"""An operator's override outranks every signal: whatever is said, in whatever order, the stories agree with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from notifier.stories.apply_rulings import apply_rulings
from notifier.stories.cluster import Grouper
from notifier.stories.rulings import ItemMove, Pair, Rulebook
from notifier.stories.story import StoryItem
from tests.stories.items import item

TITLES = ["Storm tears roof from Velmora hospital", "Velmora hospital loses roof in storm", "Copper at nine-year high"]


class Desk:
    """Open stories, the rulings on them, and the trail of what was moved."""

    def __init__(self, *stories: Sequence[StoryItem]) -> None:
        self.grouper, self.pairs = Grouper(), list[Pair]()
        self.trails: dict[int, tuple[ItemMove, ...]] = {}
        for number, members in enumerate(stories, start=1):
            for member in members:
                self.grouper.adopt(replace(member, story_id=number))
        self.act = 0

    def members(self, item_id: int) -> list[int]:
        return self.grouper.members(self.grouper.story_of(item_id) or 0)

    def split(self, item_id: int) -> int:
        return self._say([(item_id, other) for other in self.members(item_id) if other != item_id], same=False)

    def merge(self, one: int, other: int) -> int:
        book, mine, theirs = Rulebook(self.pairs), self.members(one), self.members(other)
        if mine == theirs:
            return 0
        across = [(a, b) for a in mine for b in theirs if b in book.away_from(a)]
        return self._say([(one, other), *across], same=True)

    def undo(self, act: int) -> None:
        self.pairs = [pair for pair in self.pairs if pair.act != act]
        self.settle()

    def settle(self) -> dict[int, tuple[ItemMove, ...]]:
        self.grouper.rule(Rulebook(self.pairs))
        moved = apply_rulings(self.grouper, self.trails)
        self.trails |= moved
        return moved

    def stories(self) -> set[frozenset[int]]:
        ids = range(1, 100)
        return {frozenset(self.members(i)) for i in ids if self.grouper.story_of(i) is not None}

    def _say(self, pairs: Sequence[tuple[int, int]], *, same: bool) -> int:
        self.act += 1
        known = {i: self.grouper.item(i).canonical_url for pair in pairs for i in pair}
        self.pairs += [Pair(self.act, same, a, b, known[a], known[b]) for a, b in pairs]
        self.settle()
        return self.act


def told(number: int) -> StoryItem:
    return item(number, f"{TITLES[number % 3]} {number}", f"Outlet {number}")


def a_decider() -> Desk:
    return Desk([told(1), told(2), told(3)], [told(4), told(5)])


def test_a_split_takes_one_item_out_and_a_merge_makes_two_stories_one() -> None:
    decider = a_decider()
    decider.split(2)
    assert decider.stories() == {frozenset({1, 3}), frozenset({2}), frozenset({4, 5})}
    decider.merge(1, 4)
    assert decider.stories() == {frozenset({1, 3, 4, 5}), frozenset({2})}


def test_what_is_undone_is_as_if_it_had_not_been_said() -> None:
    decider = a_decider()
    before = decider.stories()
    decider.undo(decider.split(2))
    assert decider.stories() == before
    decider.undo(decider.merge(1, 4))
    assert decider.stories() == before
    assert {decider.grouper.story_of(4), decider.grouper.story_of(5)} == {2}, "under the number that it had"


def test_the_last_ruling_holds() -> None:
    decider = a_decider()
    decider.split(2)
    decider.merge(2, 1)
    assert frozenset({1, 2, 3}) in decider.stories()
    decider.split(2)
    assert frozenset({2}) in decider.stories()


def test_items_called_apart_do_not_meet_through_a_third_one() -> None:
    same = item(1, TITLES[0], "A")
    twin = replace(item(9, TITLES[0], "B"), url=same.url, canonical_url=same.canonical_url)
    decider = Desk([same, item(2, TITLES[0], "C")])
    decider.split(1)
    (joined,) = decider.grouper.place([twin])
    assert joined.story_id == decider.grouper.story_of(1), "the same page goes with its twin"
    decider.settle()
    assert decider.stories() == {frozenset({1, 9}), frozenset({2})}


def test_a_page_that_was_called_apart_is_so_under_a_new_id() -> None:
    first = item(1, TITLES[0], "A")
    again = replace(item(9, TITLES[0], "A"), url=first.url, canonical_url=first.canonical_url)
    said = [Pair(1, False, 1, 2, first.canonical_url, "https://c.example/2")]
    decider = Desk([item(2, TITLES[0], "C")])
    decider.pairs = said
    decider.settle()
    (placed,) = decider.grouper.place([again])
    assert placed.story_id != decider.grouper.story_of(2), "though the headline is the same"


def test_a_page_that_was_called_the_same_joins_whatever_its_words() -> None:
    lost = item(1, TITLES[2], "A")
    again = replace(item(9, TITLES[2], "A"), url=lost.url, canonical_url=lost.canonical_url)
    decider = Desk([item(2, TITLES[0], "C")])
    decider.pairs = [Pair(1, True, 1, 2, lost.canonical_url, "https://c.example/2")]
    decider.settle()
    (placed,) = decider.grouper.place([again])
    assert (placed.signal, placed.story_id) == ("operator", decider.grouper.story_of(2))


def test_an_edit_leaves_an_item_where_an_operator_put_it() -> None:
    decider = a_decider()
    decider.split(2)
    edited = replace(told(2), title=told(1).title, version=2)
    (placed,) = decider.grouper.place([edited])
    assert placed.signal == "edit"
    assert decider.members(2) == [2]


def test_twins_leave_together() -> None:
    one = item(1, TITLES[0], "A")
    twin = replace(item(2, TITLES[0], "B"), url=one.url, canonical_url=one.canonical_url)
    decider = Desk([one, twin, item(3, TITLES[0], "C")])
    decider.pairs = [Pair(1, False, 1, 3, one.canonical_url, "https://c.example/3")]
    decider.settle()
    assert decider.stories() == {frozenset({1, 2}), frozenset({3})}


ACTS = st.lists(
    st.tuples(st.sampled_from(["split", "merge", "take back"]), st.integers(1, 6), st.integers(1, 6)), max_size=12
)


@given(ACTS)
def test_any_sequence_of_rulings_leaves_every_item_in_one_story_that_agrees_with_them(
    acts: list[tuple[str, int, int]],
) -> None:
    decider = Desk([told(1), told(2), told(3)], [told(4), told(5)], [told(6)])
    for what, one, other in acts:
        if what == "split":
            decider.split(one)
        elif what == "merge":
            decider.merge(one, other)
        else:
            decider.undo(one)
        book = Rulebook(decider.pairs)
        assert sorted(i for story in decider.stories() for i in story) == [1, 2, 3, 4, 5, 6]
        for pair in book.same:
            assert decider.grouper.story_of(pair.item) == decider.grouper.story_of(pair.other)
        for pair in book.apart:
            assert decider.grouper.story_of(pair.item) != decider.grouper.story_of(pair.other)
        newest = [pair for pair in decider.pairs if pair.act == max(p.act for p in decider.pairs)]
        assert set(newest) <= set(book.same + book.apart), "the last word holds"
        assert decider.settle() == {}, "doing it twice moves nothing more"


@given(ACTS)
def test_a_decider_that_died_before_it_moved_anything_ends_with_the_same_rulings_kept(
    acts: list[tuple[str, int, int]],
) -> None:
    live = Desk([told(1), told(2), told(3)], [told(4), told(5)], [told(6)])
    for what, one, other in acts:
        if what != "take back":
            live.split(one) if what == "split" else live.merge(one, other)
    late = Desk([told(1), told(2), told(3)], [told(4), told(5)], [told(6)])
    late.pairs = live.pairs
    late.settle()
    book = Rulebook(late.pairs)
    assert all(late.grouper.story_of(p.item) == late.grouper.story_of(p.other) for p in book.same)
    assert all(late.grouper.story_of(p.item) != late.grouper.story_of(p.other) for p in book.apart)
