"""Real and awkward feeds from the tests of other parsers, where the folder with them is at hand.

They are other people's text: read from `shared/data/feeds` beside the checkout (or below NOTIFIER_TEST_SHARED), never
copied. Where the folder is not, these tests skip, whatever NOTIFIER_TEST_REQUIRE says: a checkout is whole without it.
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Any

import feedparser
import pytest

from notifier.feeds.feed import FeedItem, ParsedFeed, Unreadable
from notifier.feeds.markup import MAX_TITLE_CHARS, plain
from notifier.feeds.read import read
from tests.feeds.made import URL

SHARED = Path(os.environ.get("NOTIFIER_TEST_SHARED", Path(__file__).parents[3] / "shared"))
FEEDS = sorted(path for path in (SHARED / "data" / "feeds").glob("*/*") if path.name != "LICENSE")
# Parts of pages, an answer that is no feed, RSS written as JSON, and JSON that stops in the middle.
NO_FEEDS = {
    "AmazonWebServicesBlogFirstEntryContent.xml",
    "HREFConsideredHarmfulFirstEntry.xml",
    "PaulDixExplainsNothingFirstEntryContent.xml",
    "TechCrunchFirstEntry.xml",
    "TechCrunchFirstEntryDescription.xml",
    "TenderLovemakingFirstEntry.xml",
    "ScriptingNews.json",
    "allthis-partial.json",
    "unrecognized.rss",
}

corpus = pytest.mark.parametrize("path", FEEDS or [None], ids=lambda path: path.name if path else "none")


def body_of(path: Path | None) -> bytes:
    if path is None:
        pytest.skip("shared/data/feeds is not beside the checkout: set NOTIFIER_TEST_SHARED to the folder that has it")
    return path.read_bytes()


@corpus
def test_every_real_feed_is_read_and_what_is_none_is_refused(path: Path | None) -> None:
    found = read(body_of(path), content_type=None, url=URL)
    assert path is not None
    assert isinstance(found, Unreadable if path.name in NO_FEEDS else ParsedFeed)


@corpus
def test_nothing_is_lost_that_feedparser_alone_finds(path: Path | None) -> None:
    body = body_of(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        alone = [entry for entry in feedparser.parse(io.BytesIO(body))["entries"] if says_something(entry)]
    found = read(body, content_type=None, url=URL)
    if not alone:
        return
    assert isinstance(found, ParsedFeed)
    assert len(found.items) == len(alone)
    for item, entry in zip(found.items, alone, strict=True):
        assert_nothing_lost(item, entry)


def assert_nothing_lost(item: FeedItem, entry: Any) -> None:
    if title := plain(entry.get("title", ""), limit_chars=MAX_TITLE_CHARS):
        assert item.title == title
    if "link" in entry and not entry["link"].startswith("tag:"):
        assert item.url.startswith("http")
    if entry.get("published_parsed"):
        assert item.published_at is not None


def says_something(entry: Any) -> bool:
    return bool(entry.get("title") or entry.get("summary") or entry.get("link", "").startswith("http"))


@corpus
def test_cutting_out_known_items_changes_nothing_about_the_others(path: Path | None) -> None:
    body = body_of(path)
    whole = read(body, content_type=None, url=URL)
    if isinstance(whole, Unreadable):
        return
    known = frozenset(whole.digests[::2])
    part = read(body, content_type=None, url=URL, known=known)
    assert isinstance(part, ParsedFeed)
    assert part.digests == whole.digests
    assert set(part.items) <= set(whole.items)
    if len(whole.items) == len(whole.digests):
        unknown = zip(whole.items, whole.digests, strict=True)
        assert part.items == tuple(item for item, digest in unknown if digest not in known)
