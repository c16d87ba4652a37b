"""What one feed may bring: far more than any honest one does, and an end to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.flood import FloodAllowance, FloodSettings, bounded, room_at
from notifier.feeds.matching import FeedEntry, Stored
from notifier.feeds.novelty import ClassifiedEntry, Novelty
from tests.feeds.claimed import NOON, ago, an_item

SETTINGS = FloodSettings(new_at_once=10, new_an_hour=4, edits_at_once=5, edits_an_hour=2, versions=3)


def new(number: int, published_at: datetime | None = NOON) -> ClassifiedEntry:
    item = an_item(number, published_at=published_at)
    return ClassifiedEntry(Novelty.NEW, FeedEntry.of(item, item.url))


def edit(number: int, version: int = 1) -> ClassifiedEntry:
    entry = new(number).entry
    stored = Stored(number, 7, entry.guid_hash, entry.url_key, entry.title_hash, b"", version, None)
    return ClassifiedEntry(Novelty.EDIT, entry, stored)


def titles(verdicts: Sequence[ClassifiedEntry]) -> list[str]:
    return [verdict.entry.item.guid.removeprefix("guid-") for verdict in verdicts]


def test_beyond_the_bound_the_newest_are_taken_in_the_feeds_order() -> None:
    found = bounded([new(n, ago(hours=n % 4)) for n in range(8)], FloodAllowance(3, 0, NOON), SETTINGS)
    assert titles(found.kept) == ["0", "1", "4"]
    assert (found.left_out, found.room.new) == (5, 0)
    undated = bounded([new(n, None) for n in range(5)], FloodAllowance(2, 0, NOON), SETTINGS)
    assert titles(undated.kept) == ["0", "1"]


def test_edits_have_a_bound_of_their_own_and_so_has_each_item() -> None:
    found = bounded([new(1), edit(2), edit(3), edit(4), edit(5, version=3)], FloodAllowance(9, 2, NOON), SETTINGS)
    assert titles(found.kept) == ["1", "2", "3"]
    assert (found.left_out, found.room) == (2, FloodAllowance(8, 0, NOON))


def test_what_is_neither_new_nor_an_edit_is_not_counted() -> None:
    same = ClassifiedEntry(Novelty.SAME, new(1).entry)
    assert bounded([same] * 99, FloodAllowance(0, 0, NOON), SETTINGS).kept == (same,) * 99


def test_the_room_grows_by_the_hour_and_a_clock_that_stepped_back_takes_nothing() -> None:
    assert room_at(None, NOON, SETTINGS) == FloodAllowance(10, 5, NOON)
    assert room_at(FloodAllowance(0, 0, ago(hours=1)), NOON, SETTINGS) == FloodAllowance(4, 2, NOON)
    assert room_at(FloodAllowance(0, 0, ago(days=30)), NOON, SETTINGS) == FloodAllowance(10, 5, NOON)
    assert room_at(FloodAllowance(3, 1, NOON + timedelta(days=2)), NOON, SETTINGS) == FloodAllowance(3, 1, NOON)


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 3_600)), max_size=60))
def test_however_it_comes_a_feed_never_brings_more_than_the_bound(polls: list[tuple[int, int]]) -> None:
    settings, room, now, taken = FloodSettings(), None, NOON, 0
    for items, wait_s in polls:
        now += timedelta(seconds=wait_s)
        found = bounded([new(0)] * items, room_at(room, now, settings), settings)
        room, taken = found.room, taken + len(found.kept)
        assert room.new >= 0
    hours = (now - NOON).total_seconds() / 3_600
    assert taken <= settings.new_at_once + settings.new_an_hour * hours + 1


def test_an_agency_with_hundreds_at_first_and_hundreds_a_day_loses_none() -> None:
    settings, now = FloodSettings(), NOON
    room = bounded([new(0)] * 500, room_at(None, now, settings), settings).room
    for _hour in range(24 * 30):
        now += timedelta(hours=1)
        found = bounded([new(0)] * 30, room_at(room, now, settings), settings)  # 720 a day
        room = found.room
        assert found.left_out == 0
    storm = bounded([new(0)] * 400, room, settings)
    assert storm.left_out == 0
