"""OPML, the format in which feed readers exchange their lists (opml.org/spec2): in by listparser, out by the standard
library.

Enters: a file from another reader. Leaves: `FeedConfig`s for config/feeds.yaml; and the reverse.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import listparser

from notifier.feeds.feed import FeedConfig, Unreadable
from notifier.feeds.images import absolute
from notifier.feeds.text import MAX_TITLE_CHARS, plain

DEFAULT_SECTION = "news"


def from_opml(document: bytes) -> tuple[FeedConfig, ...] | Unreadable:
    """The feeds of an OPML file, once each; the outermost folder is the section, the title also the publisher."""
    found = listparser.parse(document)
    feeds = {feed.url: feed for entry in found.feeds if (feed := _feed(entry))}
    if not feeds:
        return Unreadable("This is not an OPML list, or no outline in it has an xmlUrl.")
    return tuple(feeds.values())


def to_opml(feeds: Iterable[FeedConfig], title: str) -> bytes:
    """OPML 2.0 in UTF-8: one outline a feed, within one a section."""
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = title
    body = ET.SubElement(root, "body")
    sections: dict[str, ET.Element] = {}
    for feed in feeds:
        folder = sections.get(feed.section)
        if folder is None:
            folder = sections[feed.section] = ET.SubElement(body, "outline", text=feed.section)
        ET.SubElement(folder, "outline", type="rss", text=feed.title, title=feed.title, xmlUrl=feed.url)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _feed(entry: listparser.common.SuperDict) -> FeedConfig | None:
    url = absolute(entry["url"], "")
    if url is None:
        return None
    title = plain(entry["title"], limit_chars=MAX_TITLE_CHARS) or urlsplit(url).netloc
    folders = [folder for path in entry.get("categories", ()) for folder in path[:1] if folder]
    section = "-".join(plain(folders[0], limit_chars=60).lower().split()) if folders else DEFAULT_SECTION
    return FeedConfig(url=url, title=title, publisher=title, section=section or DEFAULT_SECTION)
