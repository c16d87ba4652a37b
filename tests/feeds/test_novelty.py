"""What is new, what is an edit, what resurfaced; and which of the new ones may wake people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.feed import FeedItem
from notifier.feeds.matching import FeedEntry, Known, Stored
from notifier.feeds.novelty import (
    ClassifiedEntry,
    Novelty,
    NoveltySettings,
    Poll,
    backlog,
    classify,
)
from tests.feeds.claimed import NOON, a_poll_state, ago, an_item

SETTINGS = NoveltySettings()
FEED, SISTER = 7, 8
TEN_MINUTES_AGO = ago(minutes=10)


def entry(item: FeedItem) -> FeedEntry:
    return FeedEntry.of(item, item.url)


def stored(*items: FeedItem, feed_id: int = FEED, **known: Any) -> list[Stored]:
    """These items as an earlier poll stored them."""
    rows = []
    for number, one in enumerate(items, 1):
        e = entry(one)
        row = Stored(number, feed_id, e.guid_hash, e.canonical_url, e.title_hash, e.content_hash, 1, one.published_at)
        rows.append(replace(row, **known))
    return rows


def known(rows: Sequence[Stored]) -> Known:
    own = [row for row in rows if row.feed_id == FEED]
    return Known(
        {row.guid_hash: row for row in own},
        {row.canonical_url: row for row in rows},
        {row.title_hash: row for row in own},
    )


def see(
    *items: FeedItem,
    before: Sequence[Stored] = (),
    size: int = 30,
    backlog: str | None = None,
    success: datetime | None = TEN_MINUTES_AGO,
) -> list[ClassifiedEntry]:
    return classify([entry(i) for i in items], known(before), Poll(FEED, size, backlog, success), NOON, SETTINGS)


def kinds(verdicts: list[ClassifiedEntry]) -> list[Novelty]:
    return [verdict.kind for verdict in verdicts]


def test_a_new_item_may_alert() -> None:
    (verdict,) = see(an_item())
    assert (verdict.kind, verdict.why_not) == (Novelty.NEW, None)


@pytest.mark.parametrize(
    ("last_success", "words"),
    [
        (None, "the first poll of this feed"),
        (ago(days=31), "the feed is back after 31 days"),
        (ago(days=2), None),
        (ago(minutes=5), None),
    ],
)
def test_a_new_feed_and_one_that_comes_back_have_a_backlog(last_success: datetime | None, words: str | None) -> None:
    assert backlog(a_poll_state(last_success_at=last_success), NOON, SETTINGS) == words


def test_nothing_of_a_backlog_may_alert() -> None:
    assert {v.why_not for v in see(an_item(1), an_item(2), backlog="the first poll of this feed")} == {
        "the first poll of this feed"
    }


def test_an_old_item_may_not_alert_and_one_dated_ahead_may() -> None:
    old, young, ahead = see(
        an_item(1, published_at=ago(hours=13)),
        an_item(2, published_at=ago(hours=11)),
        an_item(3, published_at=NOON + timedelta(days=2)),
    )
    assert old.why_not == "published 13 h before it was first seen"
    assert young.why_not is None
    assert ahead.why_not is None


def test_an_undated_item_is_as_old_as_the_last_success_at_most() -> None:
    assert see(an_item(published_at=None))[0].why_not is None
    late = see(an_item(published_at=None), success=ago(hours=20))[0]
    assert late.why_not == "undated, and the feed was not read for 20 h"


def test_other_words_are_an_edit_and_the_same_words_are_not() -> None:
    before = stored(an_item(1), an_item(2), an_item(3))
    verdicts = see(an_item(1), an_item(2, title="Bridge 2 closed"), an_item(3, summary="Or four."), before=before)
    assert kinds(verdicts) == [Novelty.SAME, Novelty.EDIT, Novelty.EDIT]


def test_re_dated_items_are_the_same_items() -> None:
    items = [an_item(n, published_at=ago(days=9)) for n in range(30)]
    verdicts = see(*(replace(i, published_at=NOON) for i in items), before=stored(*items))
    assert set(kinds(verdicts)) == {Novelty.SAME}


def test_renumbered_guids_are_seen_by_their_urls() -> None:
    items = [an_item(n) for n in range(30)]
    verdicts = see(*(replace(i, guid=f"new-{i.guid}") for i in items), before=stored(*items))
    assert set(kinds(verdicts)) == {Novelty.RENAMED}


def test_renumbered_guids_at_new_urls_with_new_dates_are_seen_by_their_headlines() -> None:
    items = [an_item(n, published_at=ago(days=9)) for n in range(30)]
    moved = [replace(i, guid=f"n-{i.guid}", url=f"https://new.example/{i.guid}", published_at=NOON) for i in items]
    verdicts = see(*moved, an_item(99), before=stored(*items))
    assert set(kinds(verdicts[:-1])) == {Novelty.RENAMED}
    assert kinds(verdicts[-1:]) == [Novelty.NEW]


def test_a_recurring_headline_with_a_later_date_is_news_and_without_one_it_is_not() -> None:
    before = stored(an_item(1, title="Morning briefing", summary="", published_at=ago(days=1)))
    again = an_item(2, title="Morning briefing", summary="")
    assert kinds(see(again, before=before)) == [Novelty.NEW]
    assert kinds(see(replace(again, published_at=None), before=before)) == [Novelty.RENAMED]


def test_a_guid_used_again_for_another_item_is_a_new_item() -> None:
    before = stored(an_item(1))
    (verdict,) = see(an_item(2, guid="guid-1"), before=before)
    assert verdict.kind is Novelty.NEW


def test_a_guid_that_changes_its_url_is_the_same_item() -> None:
    before = stored(an_item(1))
    assert kinds(see(an_item(1, url="https://paper.example/story/bridge-opens"), before=before)) == [Novelty.RENAMED]


def test_the_same_page_in_a_sister_feed_is_the_same_item_whatever_its_headline_there() -> None:
    before = stored(an_item(1), feed_id=SISTER)
    assert kinds(see(an_item(1, guid="other", title="Traffic at last"), before=before)) == [Novelty.SAME]


def test_the_front_page_is_nobodys_identity() -> None:
    front = [an_item(n, url="https://paper.example/") for n in (1, 2, 3)]
    assert kinds(see(front[1], front[2], before=stored(front[0]))) == [Novelty.NEW, Novelty.NEW]


def test_a_cache_that_serves_the_older_page_again_makes_no_edit() -> None:
    now = stored(an_item(1, title="Bridge 1 closed"), version=2, old_hashes=frozenset([entry(an_item(1)).content_hash]))
    assert kinds(see(an_item(1), before=now)) == [Novelty.SAME]


def test_an_item_that_is_in_the_poll_twice_is_stored_once() -> None:
    assert kinds(see(an_item(1), an_item(1), an_item(1, guid="another"))) == [Novelty.NEW, Novelty.SAME, Novelty.SAME]


def test_a_rebuilt_site_does_not_alert() -> None:
    items = [an_item(n, published_at=ago(minutes=3)) for n in range(28)]
    assert "the site was rebuilt" in str(see(*items)[0].why_not)
    undated = [an_item(n, published_at=None) for n in range(28)]
    assert "28 of 30 items are new at once" in str(see(*undated)[0].why_not)


@pytest.mark.parametrize(("fresh", "rebuilt"), [(23, False), (24, True)])
def test_a_site_is_rebuilt_where_four_fifths_of_what_it_lists_are_new_at_once(fresh: int, rebuilt: bool) -> None:
    undated = see(*(an_item(n, published_at=None) for n in range(fresh)), size=30)
    assert {v.why_not is not None for v in undated} == {rebuilt}


@pytest.mark.parametrize(("same", "rebuilt"), [(14, False), (15, True)])
def test_a_site_is_rebuilt_where_more_than_half_of_what_is_new_has_one_date(same: int, rebuilt: bool) -> None:
    dated = see(*(an_item(n, published_at=ago(minutes=3 if n < same else 4 + n)) for n in range(28)))
    assert {v.why_not is not None for v in dated} == {rebuilt}


def test_a_busy_hour_is_no_rebuilt_site() -> None:
    busy = [an_item(n, published_at=ago(minutes=2 * n)) for n in range(28)]
    assert {v.why_not for v in see(*busy)} == {None}
    assert {v.why_not for v in see(*(an_item(n, published_at=None) for n in range(9)), size=9)} == {None}


@given(
    st.lists(
        st.builds(an_item, st.integers(0, 5), guid=st.sampled_from("abc"), title=st.sampled_from(["x", "y", ""])),
        max_size=12,
    ),
    st.lists(st.builds(an_item, st.integers(0, 5), title=st.sampled_from(["x", "y"])), max_size=6),
)
def test_every_entry_gets_one_verdict_and_what_was_new_is_not_new_again(
    items: list[FeedItem], earlier: list[FeedItem]
) -> None:
    books = known(stored(*earlier))
    poll = Poll(FEED, 30, None, NOON)
    entries = [entry(i) for i in items]
    assert len(classify(entries, books, poll, NOON, SETTINGS)) == len(items)
    again = classify(entries[-1:], books, poll, NOON, SETTINGS)
    assert Novelty.NEW not in kinds(again)
