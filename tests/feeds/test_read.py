"""The door of the reading half: what is told apart, and that reading only what is new changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.feed import FeedItem, ParsedFeed, Unreadable
from notifier.feeds.read import read
from tests.feeds.made import URL, Entry, as_rss, document, item, rss

DIALECTS = ("rss", "cdata", "atom", "rdf")


def feed_of(body: bytes, known: frozenset[bytes] = frozenset()) -> ParsedFeed:
    found = read(body, content_type=None, url=URL, known=known)
    assert isinstance(found, ParsedFeed), found
    return found


def reason_of(body: bytes) -> str:
    found = read(body, content_type=None, url=URL)
    assert isinstance(found, Unreadable), found
    return found.reason


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_second_reading_gives_only_what_is_new(dialect: str) -> None:
    old, new = [Entry.number(n) for n in range(1, 6)], Entry.number(0)
    before = feed_of(document(dialect, *old))
    after = feed_of(document(dialect, new, *old), frozenset(before.digests))
    assert [i.title for i in after.items] == ["Story 0"]
    assert after.digests[1:] == before.digests


def test_an_edited_item_is_new_again() -> None:
    before = feed_of(rss(as_rss(Entry("Two hurt")), as_rss(Entry.number(1))))
    after = feed_of(rss(as_rss(Entry("Three hurt")), as_rss(Entry.number(1))), frozenset(before.digests))
    assert [i.title for i in after.items] == ["Three hurt"]


def test_nothing_new_still_tells_what_the_feed_says_of_itself() -> None:
    body = rss(as_rss(Entry()), head="<ttl>10</ttl>")
    after = feed_of(body, frozenset(feed_of(body).digests))
    assert (after.title, after.items, after.ttl_s, len(after.digests)) == ("The Paper", (), 600.0, 1)


words = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="]\ufffe\uffff"), max_size=20)
markup = st.text("<>&;/'\"! abitem#39x-", max_size=25)
written = st.builds(
    Entry,
    title=words | markup,
    link=st.integers(0, 99).map(lambda n: f"https://paper.example/{n}?a=1&b=2"),
    guid=st.integers(0, 99).map(str),
    text=words | markup,
    published=st.datetimes().map(lambda when: when.replace(year=2026, month=3, day=1)),
)


@given(st.sampled_from(DIALECTS), st.lists(written, max_size=6), st.data())
def test_cutting_out_known_items_changes_nothing_about_the_others(
    dialect: str, entries: list[Entry], data: st.DataObject
) -> None:
    body = document(dialect, *entries)
    whole = feed_of(body)
    known = frozenset(data.draw(st.lists(st.sampled_from(whole.digests)))) if whole.digests else frozenset()
    part = feed_of(body, known)
    assert part.items == unknown_of(whole, known)
    assert (part.title, part.format, part.language, part.digests) == (
        whole.title,
        whole.format,
        whole.language,
        whole.digests,
    )


def unknown_of(whole: ParsedFeed, known: frozenset[bytes]) -> tuple[FeedItem, ...]:
    """The items of a whole reading that a reading with `known` must give; every generated item has a link."""
    return tuple(i for i, digest in zip(whole.items, whole.digests, strict=True) if digest not in known)


def test_a_broken_known_item_spoils_its_neighbours_no_longer() -> None:
    body = rss(item("<title>a & b</title><link>https://paper.example/a</link>"), as_rss(Entry()))
    before = feed_of(body)
    after = feed_of(body, frozenset(before.digests[:1]))
    assert before.problems != ()
    assert (after.items, after.problems) == (before.items[1:], ())


def test_where_the_division_is_not_certain_everything_is_read_every_time() -> None:
    body = b'<!DOCTYPE rss [<!ENTITY paper "The Paper">]>' + rss(as_rss(Entry("News"))).partition(b"?>")[2]
    first = feed_of(body)
    assert first.digests == ()
    assert feed_of(body, frozenset({b"12345678"})).items == first.items


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \x00\x00 ", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not a feed: it begins with"),
        (b"Not Found", "not a feed: it begins with 'Not Found'"),
        (b"<!doctype html><html><head></head><body>Hello</body></html>", "web page, not a feed. It names no feed"),
        (b'<opml version="2.0"><body><outline xmlUrl="https://a.example/"/></body></opml>', "OPML"),
        (b"[1]", "not a JSON Feed"),
        (b'{"items": [', "broken"),
        (b"<svg></svg>", "not a feed"),
        (b"<?xml version='1.0'?>", "not a feed"),
    ],
)
def test_what_is_no_feed_is_refused_in_words(body: bytes, words: str) -> None:
    assert words in reason_of(body)


def test_a_page_is_refused_with_the_feeds_that_it_names() -> None:
    page = b'<html><head><link rel="alternate" type="application/rss+xml" href="/rss.xml"></head></html>'
    assert reason_of(page) == "This is a web page, not a feed. Its feeds are: https://paper.example/rss.xml."


def test_a_feed_inside_a_page_is_read_and_said_to_be_misplaced() -> None:
    feed = feed_of(b"<html><body>" + rss(as_rss(Entry())).partition(b"?>")[2] + b"</body></html>")
    assert [i.title for i in feed.items] == ["Council votes on the bridge"]
    assert "inside another document" in feed.problems[0]


def test_a_wrong_charset_is_noted() -> None:
    body = rss(item("<title>Caf\xe9</title>")).decode().encode("cp1252")
    feed = feed_of(body)
    assert feed.items[0].title == "Café"
    assert "Windows-1252" in feed.problems[0]


def test_what_comes_before_the_root_does_not_matter() -> None:
    start = b"\xef\xbb\xbf \n<!-- note --><?xml-stylesheet href='x'?><!DOCTYPE rss SYSTEM 'x'>"
    assert len(feed_of(start + b"<rss><channel>" + as_rss(Entry()).encode() + b"</channel></rss>").items) == 1
