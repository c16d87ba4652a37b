"""Feeds that the tests write themselves: a few words in, a document in the dialect asked for out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

URL = "https://paper.example/feed"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """What a publisher writes about one item, before any escaping."""

    title: str = "Council votes on the bridge"
    link: str = "https://paper.example/bridge"
    guid: str = "bridge-1"
    text: str = "The <b>council</b> votes tonight."
    published: datetime = NOON

    @classmethod
    def number(cls, n: int) -> Entry:
        """The n-th of many different entries, each an hour older than the one before."""
        return cls(
            f"Story {n}", f"https://paper.example/{n}", f"g{n}", f"<p>Text of {n}</p>", NOON - timedelta(hours=n)
        )


def rss(*items: str, head: str = "", attributes: str = "") -> bytes:
    """An RSS 2.0 document around ready-made `<item>`s."""
    lines = "\n".join(items)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" {attributes}><channel><title>The Paper</title>'
        f"<link>https://paper.example/</link>{head}\n{lines}\n</channel></rss>"
    ).encode()


def item(inside: str) -> str:
    """One ready-made RSS item."""
    return f"<item>{inside}</item>"


def as_rss(entry: Entry) -> str:
    """RSS 2.0: escaped HTML in the description."""
    return item(
        f"<title>{escape(entry.title)}</title><link>{escape(entry.link)}</link>"
        f'<guid isPermaLink="false">{escape(entry.guid)}</guid><description>{escape(entry.text)}</description>'
        f"<pubDate>{entry.published:%a, %d %b %Y %H:%M:%S} +0000</pubDate>"
    )


def as_cdata(entry: Entry) -> str:
    """RSS 2.0 with everything in CDATA and a comment that looks like an item's end."""
    return item(
        f"<title><![CDATA[{entry.title}]]></title><link>{escape(entry.link)}</link><!-- </item><item> -->"
        f"<guid>{escape(entry.guid)}</guid><description><![CDATA[{entry.text} </item><item>]]></description>"
        f"<pubDate>{entry.published:%d %b %Y %H:%M} GMT</pubDate>"
    )


def as_atom(entry: Entry) -> str:
    """Atom 1.0 (RFC 4287) with an HTML summary."""
    return (
        f"<entry><title>{escape(entry.title)}</title><link href={quoteattr(entry.link)}/><id>{escape(entry.guid)}</id>"
        f'<summary type="html">{escape(entry.text)}</summary><updated>{entry.published.isoformat()}</updated></entry>'
    )


def as_rdf(entry: Entry) -> str:
    """RSS 1.0: the item's address is its identity, the date is Dublin Core's."""
    return (
        f"<item rdf:about={quoteattr(entry.link)}><title>{escape(entry.title)}</title><link>{escape(entry.link)}</link>"
        f"<description>{escape(entry.text)}</description><dc:date>{entry.published.isoformat()}</dc:date></item>"
    )


def document(dialect: str, *entries: Entry) -> bytes:
    """A whole feed in `rss`, `cdata`, `atom` or `rdf`."""
    if dialect == "atom":
        inside = "".join(as_atom(entry) for entry in entries)
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>The Paper</title>{inside}</feed>'.encode()
    if dialect == "rdf":
        namespaces = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        listed = "".join(f"<rdf:li rdf:resource={quoteattr(entry.link)}/>" for entry in entries)
        return (
            f'<rdf:RDF {namespaces} xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://paper.example">'
            f"<title>The Paper</title><items><rdf:Seq>{listed}</rdf:Seq></items></channel>"
            f"{''.join(as_rdf(entry) for entry in entries)}</rdf:RDF>"
        ).encode()
    return rss(*(as_cdata(entry) if dialect == "cdata" else as_rss(entry) for entry in entries))
