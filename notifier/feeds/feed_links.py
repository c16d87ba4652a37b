"""A site's page in, the feeds that it names out: an operator may give the address that they see in their browser.

`<link rel="alternate">` is what a page says to machines (RSS autodiscovery); links to feeds in the text count only
where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from notifier.feeds import charset, images
from notifier.text.line import one_line

_TYPES = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "json",
    "application/json": "json",
    "application/rdf+xml": "rss",
    "text/xml": "rss",
    "application/xml": "rss",
}
_LOOKS_LIKE_FEED = re.compile(
    r"(?:/(?:rss|feed|atom)(?:[/.?]|$))|\.(?:rss|rdf|atom)(?:$|\?)|/(?:rss|feed|atom|index)\.xml", re.IGNORECASE
)
_NOT_THE_NEWS = re.compile(r"comment|oembed|wp-json", re.IGNORECASE)
_MAX_FOUND = 20
_MOST_LOOKED_AT = 200
"""A page that names more feeds was made to do harm, or is a list of them."""


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page names: its absolute URL, the page's title for it, and `rss`, `atom` or `json`."""

    url: str
    title: str
    format: str


def find_feeds(html: bytes, url: str, *, content_type: str | None = None) -> tuple[FeedLink, ...]:
    """The feeds of the page at `url`, in the page's order, those of comments last; at most 20."""
    document, _ = charset.to_utf8(html, content_type)
    if not document:
        return ()
    tree = etree.fromstring(document, etree.HTMLParser(encoding="utf-8", no_network=True, recover=True))
    if tree is None:
        return ()
    base_tag = next(tree.iter("base"), None)
    base = (images.absolute(base_tag.get("href"), url) if base_tag is not None else None) or url
    linked = list(islice(_linked(tree, base), _MOST_LOOKED_AT)) or islice(_mentioned(tree, base), _MOST_LOOKED_AT)
    found = {feed.url: feed for feed in linked}
    return tuple(sorted(found.values(), key=lambda feed: bool(_NOT_THE_NEWS.search(feed.url))))[:_MAX_FOUND]


def _linked(tree: etree._Element, base: str) -> Iterator[FeedLink]:
    for link in tree.iter("link"):
        rels = (link.get("rel") or "").lower().split()
        kind = _TYPES.get((link.get("type") or "").split(";")[0].strip().lower())
        if kind and ("alternate" in rels or "feed" in rels) and (url := images.absolute(link.get("href"), base)):
            yield FeedLink(url, one_line(link.get("title") or ""), kind)


def _mentioned(tree: etree._Element, base: str) -> Iterator[FeedLink]:
    for anchor in tree.iter("a"):
        href = anchor.get("href") or ""
        if _LOOKS_LIKE_FEED.search(href) and (url := images.absolute(href, base)):
            yield FeedLink(url, one_line("".join(anchor.itertext())), "atom" if "atom" in href.lower() else "rss")
