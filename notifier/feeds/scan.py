"""Where the items lie in an XML feed, so that those already known need not be parsed again.

Enters: the document in UTF-8. Leaves: the byte range and a digest of each item, or None where the division is not
certain; the whole document is parsed then. Certain means: no internal DTD subset, every `<item>` closed, none inside
another, and none counted that lies in CDATA, a comment or a processing instruction (XML 1.0 sections 2.5 to 2.8; an
attribute's value cannot hold `<`, section 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from notifier.feeds import dates

DIGEST_BYTES = 8

_ENDS = {b"<![CDATA[": b"]]>", b"<!--": b"-->", b"<?": b"?>"}
_TOKENS = {
    name: re.compile(rb"<!\[CDATA\[|<!--|<\?|</?" + name + rb"(?=[\s/>])|<!DOCTYPE")
    for name in (b"item", b"entry", b"url")
}

_DATE = re.compile(
    rb"<(?:pubDate|published|updated|dc:date|issued|modified|news:publication_date|lastmod)[^>]*>\s*(?:<!\[CDATA\[)?([^<\]]+)"
)


@dataclass(frozen=True, slots=True)
class RawItem:
    """One item's place in the document: `document[start:end]` runs from `<item` to behind `</item>`."""

    start: int
    end: int
    digest: bytes


def divide(document: bytes, name: bytes) -> tuple[RawItem, ...] | None:
    """The elements called `name` (item, entry or url) in document order; None where it is not certain."""
    places = _places(document, name)
    if places is None:
        return None
    return tuple(RawItem(start, end, digest(document[start:end])) for start, end in places)


def digest(raw: bytes) -> bytes:
    """What is remembered of an item: 8 bytes tell the items of one feed apart."""
    return blake2b(raw, digest_size=DIGEST_BYTES).digest()


def published_at(document: bytes, item: RawItem) -> datetime | None:
    """An item's time without parsing it, good enough to tell which are the newest."""
    match = _DATE.search(document, item.start, item.end)
    return dates.parse(match[1].decode("utf-8", "replace")) if match else None


def without(document: bytes, items: Collection[RawItem]) -> bytes:
    """The document with `items` (in document order) cut out, and the white space in front of them."""
    pieces, behind = [], 0
    for item in items:
        pieces.append(document[behind : item.start].rstrip())
        behind = item.end
    pieces.append(document[behind:])
    return b"".join(pieces)


def _places(document: bytes, name: bytes) -> list[tuple[int, int]] | None:
    places: list[tuple[int, int]] = []
    next_token, closing = _TOKENS[name].search, b"</" + name
    start, at = -1, 0
    while token := next_token(document, at):
        text, at = token[0], token.end()
        if end_mark := _ENDS.get(text):
            at = document.find(end_mark, at) + len(end_mark)
            if at < len(end_mark):
                return None
            continue
        tag_end = document.find(b">", at)
        if tag_end < 0 or (text == b"<!DOCTYPE" and b"[" in document[at:tag_end]):
            return None
        if text == b"<!DOCTYPE":
            at = tag_end + 1
        elif text == closing:
            if start < 0:
                return None
            places.append((start, tag_end + 1))
            start, at = -1, tag_end + 1
        elif start >= 0 or document[tag_end - 1] == ord("/"):
            return None
        else:
            start = token.start()
    return None if start >= 0 else places
