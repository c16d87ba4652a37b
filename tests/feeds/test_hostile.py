"""Documents made to do harm, small enough for a test: each is read or refused, quickly and without an exception.

What takes real time or memory is the worker processes' affair: see test_workers.py.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.feeds.feed import ParsedFeed, Unreadable
from notifier.feeds.opml import from_opml
from notifier.feeds.read import read
from tests.feeds.made import URL, Entry, as_atom, as_cdata, as_rss, item, rss

LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(12))
SAMPLES = [
    rss(as_rss(Entry()), as_cdata(Entry.number(1))),
    b'<feed xmlns="http://www.w3.org/2005/Atom">' + as_atom(Entry()).encode() + b"</feed>",
    b'{"items": [{"id": "1", "title": "a"}, {"id": "2", "content_html": "<p>b</p>"}]}',
    rss(as_rss(Entry("Über"))).decode().encode("utf-16"),
]


def test_an_entity_bomb_is_not_unfolded() -> None:
    found = read(b"<!DOCTYPE r [" + LAUGHS + b"]>" + rss(item("<title>&l11;</title>"))[39:], content_type=None, url=URL)
    assert isinstance(found, Unreadable) or all(len(i.title) < 600 for i in found.items)


def test_an_external_entity_is_not_fetched() -> None:
    start = b'<!DOCTYPE rss [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    found = read(start + rss(item("<title>a&e;b</title>"))[39:], content_type=None, url=URL)
    assert "root" not in str(found)


@pytest.mark.parametrize("times", [300, 20_000])
def test_deep_nesting_is_survived(times: int) -> None:
    inside = "<a>" * times + "</a>" * times
    found = read(rss(as_rss(Entry()), item(inside)), content_type=None, url=URL)
    assert isinstance(found, ParsedFeed)
    assert found.items[0].guid == "bridge-1"


@pytest.mark.parametrize(
    "body",
    [
        b"<rss><item><title>" + b"&" * 10_000,
        b"<rss><item>" + b"<" * 10_000,
        b"<rss><item a='" + b"x" * 1_000_000 + b"'><title>t</title></item></rss>",
        b"<rss><item>" + b"<![CDATA[" * 10_000,
        b"<rss>" + b"<!--" * 10_000,
        b"<!DOCTYPE " * 10_000 + b"<rss>",
        b"\x00" * 1_000_000,
        bytes(range(256)) * 4_000,
        b"\x1f\x8b\x08" + bytes(range(256)) * 10,
        b"<rss><item><description>" + b"&lt;p" * 20_000 + b"</description><title>t</title></item></rss>",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_endless_repetitions_end(body: bytes) -> None:
    assert isinstance(read(body, content_type=None, url=URL), (ParsedFeed, Unreadable))


def test_a_parser_that_gives_up_is_a_reason_and_no_exception() -> None:
    bad_port = (
        b'<urlset xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>http://[</loc></url></urlset>'
    )
    assert isinstance(read(bad_port, content_type=None, url="http://["), (ParsedFeed, Unreadable))


def test_tags_that_close_in_the_wrong_order_lose_no_item() -> None:
    body = b"<rss><channel><item><title>a</title><link>https://paper.example/a</item></link></channel></rss>"
    found = read(body, content_type=None, url=URL)
    assert isinstance(found, ParsedFeed), found
    assert [(i.title, i.url) for i in found.items] == [("a", "https://paper.example/a")]


@given(st.binary(max_size=400), st.sampled_from([None, "text/xml", "text/html; charset=utf-16", "\x00;charset="]))
@example(b"<rss>\xed\xa0\x80<item><title>&#xDFFF;</title></item></rss>", None)
def test_any_bytes_are_read_or_refused(body: bytes, content_type: str | None) -> None:
    assert isinstance(read(body, content_type=content_type, url=URL), (ParsedFeed, Unreadable))
    from_opml(body)


@given(st.sampled_from(SAMPLES), st.data())
def test_damaged_feeds_are_read_or_refused(body: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        end = min(len(body), at + data.draw(st.integers(0, 30)))
        body = (
            body[:at]
            + data.draw(st.binary(max_size=8) | st.sampled_from([b"<", b"]]>", b"&", b"</item>"]))
            + body[end:]
        )
    assert isinstance(read(body, content_type=None, url=URL), (ParsedFeed, Unreadable))
