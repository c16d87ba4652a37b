from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.feed import FeedItem, ParsedFeed, Unreadable
from notifier.feeds.read import read
from tests.feeds.made import URL


def feed_of(items: list[Any], known: frozenset[bytes] = frozenset(), **head: Any) -> ParsedFeed:
    body = orjson.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "The Paper", **head, "items": items})
    found = read(body, content_type="application/feed+json", url=URL, known=known)
    assert isinstance(found, ParsedFeed), found
    return found


def test_an_item_is_read_with_all_that_it_says() -> None:
    feed = feed_of(
        [
            {
                "id": "b1",
                "url": "/bridge",
                "title": "Council &amp; bridge",
                "content_html": "<p>The <b>council</b> votes.</p>",
                "image": "https://pics.example/a.jpg",
                "date_published": "2026-03-01T13:00:00+01:00",
                "date_modified": "2026-03-01T12:30:00Z",
                "tags": ["local", 3, "uk"],
                "language": "cy",
            }
        ],
        language="en-GB",
        feed_url="https://paper.example/feed.json",
        hubs=[{"type": "rssCloud", "url": "https://cloud.example/"}, {"type": "WebSub", "url": "https://hub.example/"}],
    )
    assert (feed.title, feed.format, feed.language) == ("The Paper", "json11", "en-gb")
    assert (feed.hub_url, feed.self_url) == ("https://hub.example/", "https://paper.example/feed.json")
    assert feed.items == (
        FeedItem(
            guid="b1",
            url="https://paper.example/bridge",
            title="Council & bridge",
            summary="The council votes.",
            image_url="https://pics.example/a.jpg",
            published_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
            updated_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
            language="cy",
            categories=("local", "uk"),
        ),
    )


@pytest.mark.parametrize(
    ("parts", "credit"),
    [
        ({"authors": [{"name": "Ada & Bea"}, {"name": "Reuters", "url": "https://r.example"}]}, "Ada & Bea, Reuters"),
        ({"author": {"name": "Reuters"}}, "Reuters"),
        ({"authors": [{"name": " <b>Ada</b> "}, {"name": "Ada"}, {"avatar": "a.png"}, "Bea", None]}, "Ada"),
        ({"authors": [{"name": 7}]}, None),
        ({"authors": "Ada"}, None),
        ({}, None),
    ],
)
def test_whom_the_item_credits_is_kept(parts: dict[str, Any], credit: str | None) -> None:
    found = feed_of([{"id": "1", "title": "Bridge opens", **parts}], authors=[{"name": "The Paper"}])
    assert found.items[0].credit == credit


def test_version_1_0_and_numbers_as_identifiers_are_read() -> None:
    feed = feed_of([{"id": 7, "content_text": "Just x<y words"}], version="https://jsonfeed.org/version/1")
    assert (feed.format, feed.items[0].guid, feed.items[0].title) == ("json1", "7", "Just x<y words")


@pytest.mark.parametrize(
    ("parts", "image"),
    [
        ({"banner_image": "https://pics.example/b.png"}, "https://pics.example/b.png"),
        ({"content_html": "<img src='c.png'>"}, "https://paper.example/c.png"),
        (
            {"attachments": [{"url": "https://pics.example/d.png", "mime_type": "image/png"}]},
            "https://pics.example/d.png",
        ),
        ({"attachments": [{"url": "https://pics.example/e.mp3", "mime_type": "audio/mpeg"}, 5]}, None),
    ],
)
def test_the_picture_is_found(parts: dict[str, Any], image: str | None) -> None:
    assert feed_of([{"id": "1", "title": "t", "url": "https://paper.example/1", **parts}]).items[0].image_url == image


def test_a_link_blogs_item_without_a_page_takes_what_it_is_about() -> None:
    assert feed_of([{"id": "1", "external_url": "https://other.example/x"}]).items[0].url == "https://other.example/x"


def test_only_what_is_new_is_given_again() -> None:
    one, two = {"id": "1", "title": "one"}, {"id": "2", "title": "two"}
    before = feed_of([one])
    after = feed_of([two, one], frozenset(before.digests))
    assert [i.title for i in after.items] == ["two"]
    assert after.digests[1:] == before.digests


def test_an_archive_is_cut_to_the_newest() -> None:
    items = [
        {"id": str(n), "title": str(n), "date_published": f"{1990 + n // 12}-{n % 12 + 1:02}-02"} for n in range(1_008)
    ]
    feed = feed_of(items)
    assert (len(feed.items), feed.items[0].title) == (1_000, "8")
    assert "1,008 items" in feed.problems[0]


@pytest.mark.parametrize("body", [b"{", b'{"items": 5}', b"[]", b"{}", b'{"items": [' + b"[" * 100_000])
def test_what_is_no_json_feed_is_refused(body: bytes) -> None:
    assert isinstance(read(body, content_type=None, url=URL), Unreadable)


json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["id", "url", "external_url", "title", "content_html", "content_text", "summary", "image", "banner_image"]
KEYS += ["tags", "attachments", "date_published", "date_modified", "language"]


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), json) | json, max_size=4), json, json)
def test_values_of_any_type_do_no_harm(items: list[Any], language: Any, hubs: Any) -> None:
    feed = feed_of(items, language=language, hubs=hubs, feed_url=hubs)
    assert len(feed.items) <= len(items)
