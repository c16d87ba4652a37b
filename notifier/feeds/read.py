"""One document in, its items out: what a poll fetched becomes a `ParsedFeed`, or an `Unreadable` with the reason.

Pure and synchronous. `charset` makes it UTF-8, `sniff` tells what it is, `scan` finds the items so that known ones are
cut out, and `rss`, `jsonfeed` or `sitemap` reads the rest. In the service it runs in `workers`, off the event loop.
"""

from __future__ import annotations

import re
from dataclasses import replace

from notifier.feeds import charset, rss, scan
from notifier.feeds.feed import FeedItem, ParsedFeed, Unreadable

__all__ = ["MAX_ITEMS", "Unreadable", "read"]

MAX_ITEMS = 1_000

_PROLOGUE = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*", re.DOTALL)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z]+)")


def read(
    body: bytes, *, content_type: str | None, url: str, known: frozenset[bytes] = frozenset()
) -> ParsedFeed | Unreadable:
    """Read the feed that `url` answered with.

    `content_type` is the header as sent, or None. `known` are digests of items that need not be read again: those of
    an earlier `ParsedFeed.digests`. Relative links are resolved against `url`.
    """
    document, problem = charset.to_utf8(body, content_type)
    if not document:
        return Unreadable("The answer is empty.")
    root = _root(document)
    if root in ("rss", "rdf", "feed", "channel"):
        feed = _read_xml(document, b"entry" if root == "feed" else b"item", url, known)
        return replace(feed, problems=(problem, *feed.problems)) if problem else feed
    return Unreadable(f"This is not a feed: it begins with {document[:40]!r}.")


def _root(document: bytes) -> str:
    """The root element's name without its prefix, in lower case; empty where there is none."""
    prologue = _PROLOGUE.match(document)
    match = _ROOT.match(document, prologue.end() if prologue else 0)
    return match[1].decode("ascii").lower() if match else ""


def _read_xml(document: bytes, name: bytes, url: str, known: frozenset[bytes]) -> ParsedFeed:
    raw = scan.divide(document, name)
    if raw is None:
        feed, items = rss.parse(document, url)
        return replace(feed, items=_present(items))
    rest = scan.without(document, [one for one in raw if one.digest in known])
    feed, items = rss.parse(rest, url)
    return replace(feed, items=_present(items), digests=tuple(one.digest for one in raw))


def _present(items: list[FeedItem | None]) -> tuple[FeedItem, ...]:
    return tuple(item for item in items if item is not None)
