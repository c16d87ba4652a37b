"""Which picture goes with an item: the publisher's own choice first, else the first in the content.

Enters: what feedparser found for one entry. Leaves: one absolute http(s) URL for `FeedItem.image_url`, or None.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

# A notification's picture is drawn some 360 to 700 pixels wide; larger only costs the subscriber's data.
MAX_URL_BYTES = 2_000
ENOUGH_WIDTH = 700

_IMG = re.compile(r"<img\b([^>]{0,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_PICTURE_NAME = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)(?:$|[?#])", re.IGNORECASE)
_TRACKER_SIZES = {"0", "1"}


def choose(entry: Mapping[str, Any], base: str) -> str | None:
    """media:content, media:thumbnail, enclosure, og:image, itunes:image, then an `<img>` in the summary or content.

    `base` is the item's page; an `xml:base` around the content counts for what is in it.
    """
    candidates = (
        *_by_width(media for media in entry.get("media_content", ()) if _is_picture(media)),
        *_by_width(entry.get("media_thumbnail", ())),
        *(link.get("href") for link in entry.get("links", ()) if link.get("rel") == "enclosure" and _is_picture(link)),
        entry.get("og_image"),
        _href(entry.get("image")),
    )
    if url := next((url for candidate in candidates if (url := absolute(candidate, base))), None):
        return url
    parts = [entry.get("summary_detail") or {"value": entry.get("summary")}, *entry.get("content", ())]
    return next((url for part in parts if (url := _in_part(part, base))), None)


def first_in(markup: str, base: str) -> str | None:
    """The first `<img>` in HTML that is no tracking pixel."""
    for tag in _IMG.finditer(markup):
        attributes = {m[1].lower(): m[2] or m[3] or m[4] or "" for m in _ATTRIBUTE.finditer(tag[1])}
        if not _TRACKER_SIZES.isdisjoint((attributes.get("width"), attributes.get("height"))):
            continue
        if url := absolute(html.unescape(attributes.get("src", "")), base):
            return url
    return None


def absolute(address: object, base: str) -> str | None:
    """`address` resolved against `base` (RFC 3986 section 5), if that is an http(s) URL with a host.

    None for one of more bytes than a push message could carry, or has control characters in it.
    """
    if not isinstance(address, str) or not address.strip():
        return None
    try:
        url = urljoin(base, "".join(address.split()))
        parts = urlsplit(url)
    except ValueError:
        return None
    if len(url.encode("utf-8", "replace")) > MAX_URL_BYTES or not url.isprintable():
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return parts.scheme + url[len(parts.scheme) :]  # some write Http://


def _in_part(part: Mapping[str, Any], base: str) -> str | None:
    value = part.get("value")
    return first_in(value, absolute(part.get("base"), base) or base) if value else None


def _by_width(medias: Iterable[Mapping[str, Any]]) -> list[str]:
    """Best first: the smallest that is wide enough, else the widest; those without a width keep their order."""

    def rank(media: Mapping[str, Any]) -> tuple[int, int]:
        width = _number(media.get("width"))
        return (0, width) if width >= ENOUGH_WIDTH else (1, -width)

    return [str(media.get("url", "")) for media in sorted(medias, key=rank)]


def _is_picture(media: Mapping[str, Any]) -> bool:
    kind, medium = str(media.get("type", "")), media.get("medium")
    address = str(media.get("url") or media.get("href") or "")
    return (
        medium == "image" or kind.startswith("image/") or (not (kind or medium) and bool(_PICTURE_NAME.search(address)))
    )


def _href(image: object) -> object:
    return image.get("href") if isinstance(image, Mapping) else image


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 7 else 0
