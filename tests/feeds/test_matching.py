"""Which stored item an entry is: each line of the table, and what guids and addresses say less than they seem to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from notifier.feeds.feed import FeedItem
from notifier.feeds.matching import FeedEntry, Known, Stored
from notifier.feeds.novelty import ClassifiedEntry, Novelty, NoveltySettings, Poll, classify
from notifier.stories.canonical import canonical_url
from tests.feeds.claimed import NOON, ago, an_item

FEED, SISTER = 7, 8
PAGE = "https://paper.example/advisories/"


def entry(item: FeedItem) -> FeedEntry:
    return FeedEntry.of(item, canonical_url(item.url))


def see(*items: FeedItem, known: Known | None = None, feed_id: int = FEED) -> list[ClassifiedEntry]:
    """A poll of these items; what it brings is known from then on."""
    books = known or Known()
    poll = Poll(feed_id, 30, None, ago(minutes=10))
    verdicts = classify([entry(item) for item in items], books, poll, NOON, NoveltySettings())
    for number, stored in enumerate({id(s): s for s in books.by_guid.values()}.values(), 1):
        stored.id = stored.id or 100 * feed_id + number
    return verdicts


def known_after(*items: FeedItem, feed_id: int = FEED, known: Known | None = None) -> Known:
    books = known or Known()
    see(*items, known=books, feed_id=feed_id)
    return books


def at_sisters(known: Known) -> Known:
    """What a sister feed of the publisher meets: its own guids and headlines are unknown, the pages are not."""
    return Known(by_url=known.by_url)


def on_page(number: int, **words: Any) -> FeedItem:
    return an_item(number, url=PAGE, **words)


def kinds(verdicts: list[ClassifiedEntry]) -> list[Novelty]:
    return [verdict.kind for verdict in verdicts]


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, Novelty.SAME),
        ({"title": "Bridge 1 closes"}, Novelty.EDIT),
        ({"url": "https://paper.example/moved"}, Novelty.RENAMED),
        ({"url": "https://paper.example/other", "title": "Port closes"}, Novelty.NEW),
        ({"guid": "g2"}, Novelty.RENAMED),
        ({"guid": "g2", "title": "Port closes"}, Novelty.NEW),
        ({"guid": "g2", "title": "BRIDGE 1  opens to traffic"}, Novelty.EDIT),
        ({"guid": "g2", "summary": "Or more."}, Novelty.EDIT),
        ({"guid": "g2", "url": "https://paper.example/other", "published_at": ago(minutes=1)}, Novelty.RENAMED),
        ({"guid": "g2", "url": "https://paper.example/other", "published_at": NOON}, Novelty.NEW),
        ({"guid": "g2", "url": "https://paper.example/other", "title": "Port closes"}, Novelty.NEW),
    ],
)
def test_an_entry_is_the_stored_item_by_guid_page_and_headline(changed: dict[str, Any], kind: Novelty) -> None:
    before = an_item(1)
    (verdict,) = see(replace(before, **changed), known=known_after(before))
    assert verdict.kind is kind


@pytest.mark.parametrize(
    "urls",
    [
        (PAGE, PAGE, PAGE),
        ("https://paper.example/notes#mar", "https://paper.example/notes#apr", "https://paper.example/notes#may"),
        ("https://paper.example/n?ref=2026-1", "https://paper.example/n?ref=2026-2", "https://paper.example/n?ref=3"),
        ("https://paper.example/", "https://paper.example/", "https://paper.example"),
        ("https://paper.example/#/news/1", "https://paper.example/#/news/2", "https://paper.example/#!/news/3"),
        ("https://paper.example/i.php?2026-1", "https://paper.example/i.php?2026-2", "https://paper.example/i.php?2"),
    ],
)
def test_items_that_share_a_page_are_different_items_and_the_decider_cannot_take_them_for_one(
    urls: tuple[str, str, str],
) -> None:
    items = [an_item(number, url=url) for number, url in enumerate(urls)]
    books = known_after(items[0])
    later = see(*items[1:], known=books)
    assert kinds(later) == [Novelty.NEW, Novelty.NEW]
    pages = {stored.canonical_url for stored in books.by_guid.values()}
    assert len(pages) == 3
    assert kinds(see(*(replace(item, title=f"{item.title}!") for item in items), known=books)) == [Novelty.EDIT] * 3
    assert {stored.canonical_url for stored in books.by_guid.values()} == pages


def test_a_counter_behind_a_pages_address_is_no_other_guid() -> None:
    link = "https://paper.example/c1"
    first = an_item(1, guid=f"{link}#0", url=f"{link}?at_medium=RSS")
    books = known_after(first)
    assert kinds(see(replace(first, guid=f"{link}#3"), known=books)) == [Novelty.SAME]
    edits = [replace(first, guid=f"{link}#{n}", title=f"Ministers leave the talks {n}") for n in (4, 5)]
    assert kinds(see(*edits, known=books)) == [Novelty.EDIT, Novelty.SAME]


def test_a_number_that_the_link_has_too_is_a_place_on_the_page() -> None:
    notes = [
        an_item(n, guid=f"https://paper.example/notes#{n}", url=f"https://paper.example/notes#{n}") for n in (1, 2)
    ]
    assert kinds(see(notes[1], known=known_after(notes[0]))) == [Novelty.NEW]


def test_what_an_earlier_release_stored_under_a_counter_is_known_again() -> None:
    link = "https://paper.example/c1"
    item = an_item(1, guid=f"{link}#0", url=link)
    old = Stored(1, FEED, replace_guid(item), link, b"other", b"words", 1, None)
    later = replace(item, guid=f"{link}#2")
    assert kinds(see(later, known=Known({old.guid_hash: old}, {link: old}))) == [Novelty.EDIT]


def replace_guid(item: FeedItem) -> bytes:
    """The guid's own digest, counter and all."""
    return entry(replace(item, url="https://elsewhere.example/")).guid_hash


def test_two_entries_of_a_poll_that_are_edits_of_one_item_edit_it_once() -> None:
    before = an_item(1)
    books = known_after(before)
    edits = [replace(before, title=title) for title in ("Bridge 1 closes", "Bridge 1 burns")]
    assert kinds(see(*edits, known=books)) == [Novelty.EDIT, Novelty.SAME]


def test_an_edit_under_its_own_guid_comes_before_the_same_words_under_another() -> None:
    before, edited = on_page(1), on_page(1, title="Harbour shut")
    books = known_after(before)
    assert kinds(see(replace(edited, guid="twin"), edited, known=books)) == [Novelty.SAME, Novelty.EDIT]


def test_the_headline_that_an_item_had_before_is_still_its_own() -> None:
    before = on_page(1)
    books = known_after(before)
    see(replace(before, title="Harbour shut"), known=books)
    assert Novelty.NEW not in kinds(see(replace(before, guid="twin"), known=books))


def test_without_guids_a_page_that_several_items_share_is_no_guid() -> None:
    def bare(title: str, url: str = PAGE) -> FeedItem:
        return an_item(1, guid=url, url=url, title=title)

    books = known_after(bare("One"), bare("Two"))
    assert kinds(see(bare("Three"), known=books)) == [Novelty.NEW]
    assert kinds(see(bare("One"), bare("Two"), bare("Three"), known=books)) == [Novelty.SAME] * 3
    front = "https://paper.example/"
    books = known_after(bare("One", front))
    assert kinds(see(bare("Two", front), bare("One", front), known=books)) == [Novelty.NEW, Novelty.SAME]


def test_without_guids_the_edit_of_a_page_of_its_own_is_an_edit() -> None:
    before = an_item(1, guid="https://paper.example/story/1")
    books = known_after(before)
    edits = [replace(before, title=title) for title in ("Bridge 1 closes", "Bridge 1 burns")]
    assert kinds(see(edits[0], known=books)) == [Novelty.EDIT]
    assert kinds(see(*edits, known=books)) == [Novelty.SAME, Novelty.EDIT]


def test_a_headline_without_words_is_nobodys_identity() -> None:
    books = known_after(on_page(1, title="", summary="A"))
    blank = [on_page(n, title="\u2800", summary=f"Other {n}", published_at=None) for n in (2, 3)]
    assert kinds(see(*blank, known=books)) == [Novelty.NEW, Novelty.NEW]
    front = [an_item(n, guid=u, url=u, title="", summary=f"S{n}") for n, u in ((1, "https://a.example/"),) * 2]
    assert kinds(see(*(replace(one, summary=f"S{n}") for n, one in enumerate(front)))) == [Novelty.NEW, Novelty.NEW]


def test_a_sister_feed_may_show_another_headline_for_a_page_unless_several_items_share_it() -> None:
    other = on_page(5, title="Traffic at last")
    assert kinds(see(other, known=at_sisters(known_after(on_page(1))), feed_id=SISTER)) == [Novelty.SAME]
    shared = at_sisters(known_after(on_page(1), on_page(2)))
    assert kinds(see(other, known=shared, feed_id=SISTER)) == [Novelty.NEW]
    assert kinds(see(on_page(2), known=shared, feed_id=SISTER)) == [Novelty.SAME]
    two_at_once = at_sisters(known_after(on_page(1)))
    assert kinds(see(other, on_page(1), known=two_at_once, feed_id=SISTER)) == [Novelty.NEW, Novelty.SAME]
    mar, apr = (an_item(n, url=f"https://paper.example/notes#{name}") for n, name in enumerate(("mar", "apr")))
    assert kinds(see(apr, known=at_sisters(known_after(mar)), feed_id=SISTER)) == [Novelty.NEW]


def test_an_address_too_long_for_an_index_is_still_told_apart() -> None:
    long = "https://paper.example/" + "é" * 900
    ones = [entry(an_item(n, url=long + str(n))) for n in (1, 2)]
    assert ones[0].canonical_url != ones[1].canonical_url
    assert all(len(one.canonical_url) < 700 for one in ones)
