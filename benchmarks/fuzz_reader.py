"""Looks for a document that makes the reader raise, hang or answer with something impossible. Needs `atheris`.

    nice python -m benchmarks.fuzz_reader CORPUS_FOLDER -max_total_time=300 -timeout=10 -rss_limit_mb=1024

The arguments are libFuzzer's; the folder keeps what was found to be new, so that short runs go on from one another.
Coverage is followed through feedparser and our own code. The first byte of a case chooses a charset header, whether
half of the items are known, and nothing else: the rest is the document.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["feedparser", "listparser", "notifier"]):
    from notifier.feeds.feed import ParsedFeed
    from notifier.feeds.feed_links import find_feeds
    from notifier.feeds.opml import from_opml
    from notifier.feeds.read import read

URL = "https://paper.example/feed"
CONTENT_TYPES = (None, "text/xml", "application/rss+xml; charset=iso-8859-1", "text/html; charset=shift_jis")
SEEDS = (
    (
        b"\0<rss><channel><title>a</title><item><title>b&amp;c</title><link>/d</link><pubDate>Thu, 05 Mar 2026"
        b" 09:30:00 GMT</pubDate><description><![CDATA[<img src='f.png'>]]></description></item></channel></rss>"
    ),
    (
        b"\4<feed xmlns='http://www.w3.org/2005/Atom' xml:base='/x/'><title>a</title><entry><id>1</id><link "
        b"href='b'/><content type='xhtml'><div>c</div></content><updated>2026-03-05T09:30:00Z</updated></entry></feed>"
    ),
    b'\0{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","url":"/a","content_html":"<b>c</b>"}]}',
    (
        b"\0<urlset xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>/a</loc><n:news><n:title>b</n:title>"
        b"<n:publication_date>2026-03-05</n:publication_date></n:news></url></urlset>"
    ),
    b"\0<html><head><link rel=alternate type='application/rss+xml' href='/rss'></head></html>",
    b"\0<opml version='2.0'><body><outline text='a'><outline xmlUrl='https://b.example/'/></outline></body></opml>",
)


def check(case: bytes) -> None:
    """One case; what it raises is a finding."""
    choice, document = case[0] if case else 0, case[1:]
    content_type = CONTENT_TYPES[choice % 4]
    found = read(document, content_type=content_type, url=URL)
    if isinstance(found, ParsedFeed):
        for item in found.items:
            assert item.guid, "an item without an identity"
            assert item.title or item.url, "an item that says nothing"
            assert not item.url or item.url.startswith("http"), "an address that is none"
            f"{item}".encode()
        if choice & 4:
            known = frozenset(found.digests[::2])
            again = read(document, content_type=content_type, url=URL, known=known)
            assert isinstance(again, ParsedFeed), "it was readable before"
            assert again.digests == found.digests, "the digests moved"
    else:
        assert found.reason, "a refusal without a reason"
    find_feeds(document, URL, content_type=content_type)
    from_opml(document)


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    for seed in SEEDS:
        check(seed)
    atheris.Fuzz()
