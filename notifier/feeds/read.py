"""One document in, its items out: what a poll fetched becomes a `ParsedFeed`, or an `Unreadable` with the reason.

Pure and synchronous. `charset` makes it UTF-8, its root element tells what it is, `scan` finds the items so that known
ones are cut out, and `rss`, `sitemap` or `jsonfeed` reads the rest. In the service it runs in `workers`, off the loop.
"""

from __future__ import annotations

import re
from dataclasses import replace

from notifier.feeds import charset, jsonfeed, rss, scan, sitemap
from notifier.feeds.feed import ParsedFeed, Unreadable
from notifier.feeds.feed_links import find_feeds
from notifier.feeds.newest import newest, note

__all__ = ["Unreadable", "read"]

_PROLOGUE = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*", re.DOTALL)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z]+)")
_ITEMS = {"rss": b"item", "rdf": b"item", "channel": b"item", "feed": b"entry", "urlset": b"url"}
_SOME_ITEM = re.compile(rb"<(?:item|entry)[\s>]")


def read(
    body: bytes, *, content_type: str | None, url: str, known: frozenset[bytes] = frozenset()
) -> ParsedFeed | Unreadable:
    """Read the feed that `url` answered with.

    `content_type` is the header as sent, or None. `known` are digests of items that need not be read again: those of
    an earlier `ParsedFeed.digests`. Relative links are resolved against `url`.
    """
    document, problem = charset.to_utf8(body, content_type)
    try:
        found = _read(document, url, known)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  parsers raise whatever a hostile document provokes in them
        return Unreadable(f"The parser failed on it ({type(error).__name__}: {str(error)[:100]}); look at it by hand.")
    if problem is None or isinstance(found, Unreadable):
        return found
    return replace(found, problems=(problem, *found.problems))


def _read(document: bytes, url: str, known: frozenset[bytes]) -> ParsedFeed | Unreadable:
    if not document:
        return Unreadable("The answer is empty.")
    if document[:1] in (b"{", b"["):
        return jsonfeed.parse(document, url, known)
    root = _root(document)
    if root == "sitemapindex":
        return sitemap.index(document, url)
    if root == "urlset" and sitemap.NEWS_NAMESPACE not in document:
        return Unreadable("This sitemap lists pages but no news. The site's robots.txt may name one with news.")
    if name := _ITEMS.get(root):
        return _read_xml(document, name, url, known)
    return _misplaced(document, url) or _refusal(document, root, url)


def _root(document: bytes) -> str:
    """The root element's name without its prefix, in lower case; empty where there is none."""
    prologue = _PROLOGUE.match(document)
    match = _ROOT.match(document, prologue.end() if prologue else 0)
    return match[1].decode("ascii").lower() if match else ""


def _read_xml(document: bytes, name: bytes, url: str, known: frozenset[bytes]) -> ParsedFeed | Unreadable:
    raw = scan.divide(document, name)
    if raw is None:
        return _whole(document, name, url)
    kept = newest(raw, lambda item: scan.published_at(document, item))
    unread = {item.start for item in kept if item.digest not in known}
    rest = scan.without(document, [item for item in raw if item.start not in unread])
    feed = _whole(rest, name, url)
    return replace(feed, digests=tuple(item.digest for item in kept), problems=(*feed.problems, *note(len(raw))))


def _whole(document: bytes, name: bytes, url: str) -> ParsedFeed:
    return sitemap.parse(document, url) if name == b"url" else rss.parse(document, url)


def _misplaced(document: bytes, url: str) -> ParsedFeed | None:
    """A feed inside a page, or behind a server's error message: feedparser finds its items all the same."""
    if not _SOME_ITEM.search(document):
        return None
    feed = rss.parse(document, url)
    if not feed.items:
        return None
    return replace(feed, problems=("The feed is inside another document; its items were read", *feed.problems))


def _refusal(document: bytes, root: str, url: str) -> Unreadable:
    if root == "opml":
        return Unreadable("This is an OPML list of feeds, not a feed; import it, and its feeds are polled.")
    if root in ("html", "head", "body") or b"<html" in document[:2048].lower():
        feeds = ", ".join(feed.url for feed in find_feeds(document, url)[:3])
        advice = f"Its feeds are: {feeds}." if feeds else "It names no feed; look for one on the site."
        return Unreadable(f"This is a web page, not a feed. {advice}")
    beginning = document[:40].decode("utf-8", "replace")
    return Unreadable(f"This is not a feed: it begins with {beginning!r}.")
