from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.feed_links import FeedLink, find_feeds

PAGE = "https://paper.example/world/"


def page(head: str, body: str = "") -> bytes:
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode()


def test_the_feeds_that_a_page_names_are_found_in_its_order() -> None:
    head = (
        '<link rel="alternate" type="application/rss+xml" title="World &amp; Africa" href="/world.xml">'
        '<LINK REL="Alternate" TYPE="application/atom+xml; charset=utf-8" HREF="https://feeds.example/atom">'
        '<link rel="alternate" type="application/feed+json" href="feed.json">'
    )
    assert find_feeds(page(head), PAGE) == (
        FeedLink("https://paper.example/world.xml", "World & Africa", "rss"),
        FeedLink("https://feeds.example/atom", "", "atom"),
        FeedLink("https://paper.example/world/feed.json", "", "json"),
    )


def test_the_pages_base_counts() -> None:
    head = '<base href="https://www.paper.example/"><link rel="alternate" type="application/rss+xml" href="rss">'
    assert [f.url for f in find_feeds(page(head), PAGE)] == ["https://www.paper.example/rss"]


@pytest.mark.parametrize(
    "head",
    [
        '<link rel="stylesheet" type="text/css" href="a.css">',
        '<link rel="alternate" hreflang="fr" href="/fr/">',
        '<link rel="alternate" type="application/rss+xml">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:x">',
        '<link rel="alternate" type="application/rss+xml" href="">',
    ],
)
def test_other_links_are_no_feeds(head: str) -> None:
    assert find_feeds(page(head), PAGE) == ()


def test_comments_come_last_and_doubles_once() -> None:
    links = ("/comments/feed/", "/feed/", "/feed/")
    head = "".join(f'<link rel="alternate" type="application/rss+xml" href="{link}">' for link in links)
    assert [f.url for f in find_feeds(page(head), PAGE)] == [
        "https://paper.example/feed/",
        "https://paper.example/comments/feed/",
    ]


def test_links_in_the_text_count_where_the_head_names_none() -> None:
    body = '<a href="/rss">Our <b>feed</b></a><a href="/progress">x</a><a href="https://a.example/index.xml">y</a>'
    assert find_feeds(page("", body), PAGE) == (
        FeedLink("https://paper.example/rss", "Our feed", "rss"),
        FeedLink("https://a.example/index.xml", "y", "rss"),
    )


def test_a_page_in_another_charset_is_read() -> None:
    head = '<link rel="alternate" type="application/rss+xml" title="Новости" href="/rss">'
    found = find_feeds(page(head).decode().encode("cp1251"), PAGE, content_type="text/html; charset=windows-1251")
    assert found[0].title == "Новости"


def test_deep_and_endless_pages_end() -> None:
    assert find_feeds(b"<html>" + b"<div>" * 200_000, PAGE) == ()
    links = b'<link rel="alternate" type="application/rss+xml" href="/%d">'
    assert len(find_feeds(b"".join(links % n for n in range(1_000)), PAGE)) == 20


@given(st.binary(max_size=200) | st.text('<link rel="alternate" href=/>', max_size=120).map(str.encode))
def test_any_bytes_give_absolute_addresses_or_none(html: bytes) -> None:
    assert all(feed.url.startswith("http") for feed in find_feeds(html, PAGE))


def test_a_page_that_names_feeds_without_end_is_looked_at_to_a_bound() -> None:
    anchors = "".join(f'<a href="/rss/{n}">{n}</a>' for n in range(1_000))
    comments = "".join(f'<a href="/rss/comments/{n}">{n}</a>' for n in range(300))
    found = find_feeds(page("", comments + anchors), PAGE)
    assert len(found) == 20
    assert all("comments" in feed.url for feed in found), "what comes behind the bound is not looked at"
