"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1).

Enters: the document in UTF-8, its URL, digests of known items. Leaves: `ParsedFeed`, or `Unreadable`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from notifier.feeds import dates, images
from notifier.feeds.feed import FeedItem, ParsedFeed, Unreadable, guid_of
from notifier.feeds.markup import HEADLESS_TITLE_CHARS, MAX_SUMMARY_CHARS, MAX_TITLE_CHARS, credit, plain
from notifier.feeds.newest import newest, note
from notifier.feeds.scan import digest
from notifier.text.languages import language_tag

Json = Mapping[str, Any]


def parse(document: bytes, url: str, known: frozenset[bytes]) -> ParsedFeed | Unreadable:
    """Read a JSON Feed; items whose digest is in `known` are left out."""
    try:
        feed = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        return Unreadable(f"This begins like JSON but is broken: {error}.")
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        return Unreadable('This is JSON but not a JSON Feed: it has no list called "items".')
    entries = newest([entry for entry in feed["items"] if isinstance(entry, dict)], _published_at)
    raw = [(digest(orjson.dumps(entry)), entry) for entry in entries]
    tongue = language_tag(feed.get("language"))
    new = (_item(entry, url, tongue) for mark, entry in raw if mark not in known)
    return ParsedFeed(
        title=plain(_string(feed, "title"), limit_chars=MAX_TITLE_CHARS, is_html=False),
        items=tuple(item for item in new if item is not None),
        format="json11" if _string(feed, "version").rstrip("/").endswith("1.1") else "json1",
        language=tongue,
        hub_url=_hub(feed, url),
        self_url=images.absolute(feed.get("feed_url"), url),
        problems=note(len(feed["items"])),
        digests=tuple(mark for mark, _ in raw),
    )


def _item(entry: Json, base: str, feed_language: str | None) -> FeedItem | None:
    """One item; the page it is about (`external_url`) only where it has no page of its own."""
    url = next((u for key in ("url", "external_url", "id") if (u := images.absolute(entry.get(key), base))), "")
    markup = _string(entry, "content_html")
    content = plain(markup, limit_chars=MAX_SUMMARY_CHARS) or plain(
        _string(entry, "content_text"), limit_chars=MAX_SUMMARY_CHARS, is_html=False
    )
    summary = plain(_string(entry, "summary"), limit_chars=MAX_SUMMARY_CHARS, is_html=False) or content
    title = plain(_string(entry, "title"), limit_chars=MAX_TITLE_CHARS, is_html=False)
    title = title or plain(summary, limit_chars=HEADLESS_TITLE_CHARS, is_html=False)
    if not (title or url):
        return None
    return FeedItem(
        guid=guid_of(entry.get("id"), url, title),
        url=url,
        title=title,
        summary=summary,
        image_url=_image(entry, markup, url or base),
        published_at=dates.parse(_string(entry, "date_published")),
        updated_at=dates.parse(_string(entry, "date_modified")),
        language=language_tag(entry.get("language")) or feed_language,
        credit=credit(_authors(entry), is_html=False),
        categories=tuple(plain(tag, limit_chars=100) for tag in _list(entry, "tags") if isinstance(tag, str))[:30],
    )


def _authors(entry: Json) -> list[str]:
    """Whom the item itself credits: `authors` of version 1.1, `author` of 1.0. The feed's own is the publisher."""
    named = _list(entry, "authors") or [entry.get("author")]
    return [_string(author, "name") for author in named if isinstance(author, dict)]


def _published_at(entry: Json) -> datetime | None:
    return dates.parse(_string(entry, "date_published")) or dates.parse(_string(entry, "date_modified"))


def _image(entry: Json, markup: str, base: str) -> str | None:
    attached = (
        part.get("url")
        for part in _list(entry, "attachments")
        if isinstance(part, dict) and _string(part, "mime_type").startswith("image/")
    )
    candidates = (entry.get("image"), entry.get("banner_image"), *attached)
    chosen = next((url for address in candidates if (url := images.absolute(address, base))), None)
    return chosen or images.first_in(markup, base)


def _hub(feed: Json, base: str) -> str | None:
    hubs = (
        hub.get("url") for hub in _list(feed, "hubs") if isinstance(hub, dict) and _string(hub, "type") != "rssCloud"
    )
    return next((url for address in hubs if (url := images.absolute(address, base))), None)


def _string(holder: Json, key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _list(holder: Json, key: str) -> list[Any]:
    value = holder.get(key)
    return value if isinstance(value, list) else []
