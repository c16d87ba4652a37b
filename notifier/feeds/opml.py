"""OPML, the format in which feed readers exchange their lists (opml.org/spec2).

Enters: a file from another reader. Leaves: `FeedConfig`s for config/feeds.yaml; and the reverse. What OPML has no word
for, above all the publisher, goes as attributes of a namespace of our own, which other readers pass over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

from notifier.feeds.feed import FeedConfig, Unreadable
from notifier.feeds.hosts import site_of
from notifier.feeds.images import absolute
from notifier.feeds.markup import MAX_TITLE_CHARS, lenient_tree, plain
from notifier.feeds.publishers import PublishersBySite, named_by_title
from notifier.text.languages import language_tag
from notifier.text.line import one_line, shorten

DEFAULT_SECTION = "news"
NAMESPACE = "urn:notifier:feeds"
_MOST_POLL_S, _MOST_WEIGHT = 86_400.0, 10.0
ET.register_namespace("notifier", NAMESPACE)


def from_opml(document: bytes, followed: Iterable[FeedConfig] | None = None) -> tuple[FeedConfig, ...] | Unreadable:
    """The feeds of an OPML file, once each; the outermost folder is the section.

    The publisher is what the file says in our own words. Where it says nothing it is the title; or, given the feeds
    that are `followed` already, the one that the site has among these and those before it in the file.
    """
    feeds: dict[str, FeedConfig] = {}
    publishers = PublishersBySite(followed or ())
    for outline in _outlines(document):
        feed = _feed(outline)
        if feed.url in feeds:
            continue
        if followed is not None and not outline.own.get("publisher"):
            feed = replace(feed, publisher=publishers.of(feed.url) or named_by_title(feed.title))
        feeds[feed.url] = feed
        publishers.add(feed)
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
        own = {f"{{{NAMESPACE}}}{name}": value for name, value in _own_words(feed).items()}
        ET.SubElement(folder, "outline", own, type="rss", text=feed.title, title=feed.title, xmlUrl=feed.url)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _own_words(feed: FeedConfig) -> dict[str, str]:
    """What OPML has no attribute for. Not the variable with a feed's secrets."""
    words = {"publisher": feed.publisher}
    if feed.language:
        words["language"] = feed.language
    if feed.poll_every_s is not None:
        words["pollEvery"] = f"{feed.poll_every_s:g}"
    if feed.weight != 1:
        words["weight"] = f"{feed.weight:g}"
    if feed.paused:
        words["paused"] = "true"
    return words


@dataclass(frozen=True, slots=True)
class _Outline:
    """What a file says of one feed; `folder` is the outermost that it is in, `own` is said in our own words."""

    url: str
    title: str
    folder: str
    own: Mapping[str, str]


def _outlines(document: bytes) -> Iterator[_Outline]:
    """Those of feeds, in the file's order; nothing where it is no XML."""
    tree = lenient_tree(document, encoding=None)
    own = f"{{{NAMESPACE}}}".lower()
    for outline in tree.iter("outline") if tree is not None else ():
        # Other readers write xmlurl and XmlUrl too.
        said = {str(name).lower(): str(value).strip() for name, value in outline.attrib.items()}
        url = absolute(said.get("xmlurl"), "")
        if url is None or said.get("type", "").lower() == "source":  # which is a list of lists
            continue
        around = [*outline.iterancestors("outline")]
        outermost = (around[-1].get("text") or around[-1].get("title") or "").strip() if around else ""
        folder = said.get("category", "").partition(",")[0].strip("/ ").partition("/")[0].strip() or outermost
        words = {name.removeprefix(own): value for name, value in said.items() if name.startswith(own)}
        yield _Outline(url, said.get("text") or said.get("title", ""), folder, words)


def _feed(outline: _Outline) -> FeedConfig:
    own = outline.own
    title = plain(outline.title, limit_chars=MAX_TITLE_CHARS) or site_of(outline.url)
    section = "-".join(plain(outline.folder, limit_chars=60).lower().split())
    return FeedConfig(
        url=outline.url,
        title=title,
        publisher=shorten(one_line(own.get("publisher", "")), MAX_TITLE_CHARS) or title,
        section=section or DEFAULT_SECTION,
        language=language_tag(own.get("language")),
        poll_every_s=_number(own.get("pollevery"), 1.0, _MOST_POLL_S),
        paused=own.get("paused") == "true",
        weight=1.0 if (weight := _number(own.get("weight"), 0.0, _MOST_WEIGHT)) is None else weight,
    )


def _number(text: str | None, least: float, most: float) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if least <= number <= most else None
