"""RSS 0.9 to 2.0, RDF and Atom, by feedparser.

Enters: a feed in UTF-8 and its URL. Leaves: `ParsedFeed`. feedparser finds the elements whatever dialect they are in;
what they mean for a notification is decided here. Its own cleaning of markup is off: nothing but plain text leaves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import feedparser
from lxml import etree

from notifier.feeds import dates, images
from notifier.feeds.feed import FeedItem, ParsedFeed, guid_of
from notifier.feeds.markup import HEADLESS_TITLE_CHARS, MAX_SUMMARY_CHARS, MAX_TITLE_CHARS, credit, lenient_tree, plain
from notifier.feeds.newest import newest, note
from notifier.text.languages import language_tag

_PERIODS_S = {"hourly": 3600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}

_REFERENCE = re.compile(rb"&#([xX][0-9a-fA-F]+|[0-9]+);?")

Entry = Mapping[str, Any]


def parse(document: bytes, url: str) -> ParsedFeed:
    """The feed with its entries in document order, without those that say nothing at all."""
    found = _found(_without_bad_references(document), url)
    head = dict(found["feed"])
    tongue = language_tag(head.get("language"))
    # Plain dictionaries: feedparser's own answer for a missing `updated` with `published`, and warn that they do.
    entries = newest([dict(entry) for entry in found["entries"]], _published_at)
    return ParsedFeed(
        title=_text(head, "title", MAX_TITLE_CHARS),
        items=tuple(one for entry in entries if (one := item(entry, base=url, feed_language=tongue))),
        format=found.get("version") or "",
        language=tongue,
        ttl_s=_ttl_s(head),
        hub_url=_link(head, "hub", url),
        self_url=_link(head, "self", url),
        problems=(*_problems(found), *note(len(found["entries"]))),
    )


def _found(document: bytes, url: str) -> Entry:
    """feedparser's answer; broken XML on which it gives up is mended first and tried once more."""
    try:
        return _ask(document, url)
    except MemoryError:
        raise
    except Exception:  # its lenient parser trips over what a damaged document leaves open
        if (mended := _mended(document)) is None:
            raise
        return _ask(mended, url)


def _ask(document: bytes, url: str) -> Entry:
    headers = {"content-type": "application/xml; charset=utf-8"}
    if b"xml:base" in document:  # else a fifth of the time would go into joining nothing to it at every element
        headers["content-location"] = url
    found: Entry = feedparser.parse(
        _Bytes(document), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    return found


def _mended(document: bytes) -> bytes | None:
    """What libxml2 makes of it: well-formed, and cut where it could not go on. None where nothing is left."""
    tree = lenient_tree(document)
    return None if tree is None else bytes(etree.tostring(tree, encoding="utf-8"))


def _without_bad_references(document: bytes) -> bytes:
    """Drops references to what is no character (XML 1.0 section 4.1), on which feedparser gives up."""
    return _REFERENCE.sub(lambda found: found[0] if _is_character(found[1]) else b"", document)


def _is_character(digits: bytes) -> bool:
    """XML 1.0 section 2.2, for the digits of `&#38;` or `&#x26;`."""
    if len(digits) > 8:
        return False
    code = int(digits[1:], 16) if digits[:1] in b"xX" else int(digits)
    return code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000


class _Bytes:
    """feedparser opens a path or a URL if it is given one; it never does with this."""

    def __init__(self, document: bytes) -> None:
        self.read = lambda: document


def item(entry: Entry, *, base: str, feed_language: str | None) -> FeedItem | None:
    """One entry as a `FeedItem`, or None where it has neither title, text nor link."""
    url = item_url(entry, base)
    contents = [part["value"] for part in entry.get("content", ()) if part.get("value")]
    summary = _text(entry, "summary", MAX_SUMMARY_CHARS) or plain(" ".join(contents[:1]), limit_chars=MAX_SUMMARY_CHARS)
    title = _text(entry, "title", MAX_TITLE_CHARS) or plain(summary, limit_chars=HEADLESS_TITLE_CHARS, is_html=False)
    if not (title or url):
        return None
    return FeedItem(
        guid=guid_of(entry.get("id"), url, title),
        url=url,
        title=title,
        summary=summary,
        image_url=images.choose(entry, url or base),
        published_at=_published_at(entry),
        updated_at=_date(entry, "updated"),
        language=language_tag(entry.get("language") or _detail(entry, "title").get("language")) or feed_language,
        categories=_categories(entry),
        credit=credit(str(media.get("content") or "") for media in entry.get("media_credit", ())),
    )


def item_url(entry: Entry, base: str) -> str:
    """Where the item's page is: the publisher's address behind a tracking one, the alternate link, any other."""
    links = entry.get("links", ())
    candidates = (
        entry.get("feedburner_origlink"),
        entry.get("link"),
        *(link.get("href") for link in links if link.get("rel") in ("alternate", None)),
        *(link.get("href") for link in links if link.get("rel") not in ("self", "replies", "edit")),
    )
    return next((url for candidate in candidates if (url := images.absolute(candidate, base))), "")


def _text(holder: Entry, key: str, limit_chars: int) -> str:
    value = holder.get(key)
    if not isinstance(value, str):
        return ""
    return plain(value, limit_chars=limit_chars, is_html=_detail(holder, key).get("type") != "text/plain")


def _detail(holder: Entry, key: str) -> Entry:
    detail = holder.get(f"{key}_detail")
    return detail if isinstance(detail, Mapping) else {}


def _published_at(entry: Entry) -> datetime | None:
    return _date(entry, "published") or _date(entry, "created") or _date(entry, "updated")


def _date(entry: Entry, key: str) -> datetime | None:
    words = entry.get(key)
    return dates.parse(words, entry.get(f"{key}_parsed")) if isinstance(words, str) else None


def _categories(entry: Entry) -> tuple[str, ...]:
    names = (plain(str(tag.get("label") or tag.get("term") or ""), limit_chars=100) for tag in entry.get("tags", ()))
    return tuple(dict.fromkeys(name for name in names if name))[:30]


def _link(head: Entry, rel: str, base: str) -> str | None:
    hrefs = (link.get("href") for link in head.get("links", ()) if link.get("rel") == rel)
    return next((url for href in hrefs if (url := images.absolute(href, base))), None)


def _ttl_s(head: Entry) -> float | None:
    """RSS 2.0 `ttl` (minutes), else the syndication module's period divided by its frequency."""
    ttl = str(head.get("ttl", "")).strip()
    if ttl.isascii() and ttl.isdigit() and int(ttl[:9]) > 0:
        return int(ttl[:9]) * 60.0
    period_s = _PERIODS_S.get(str(head.get("sy_updateperiod", "")).strip().lower())
    frequency = str(head.get("sy_updatefrequency", "1")).strip()
    if period_s is None or not (frequency.isascii() and frequency.isdigit()):
        return None
    return period_s / max(1, int(frequency[:9]))


def _problems(found: Entry) -> tuple[str, ...]:
    if not found.get("bozo"):
        return ()
    return (f"The XML is not well-formed and was read leniently: {found.get('bozo_exception')}",)
