from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.feed import FeedConfig, Unreadable
from notifier.feeds.opml import from_opml, to_opml


def opml(body: str) -> bytes:
    return (
        f'<?xml version="1.0"?><opml version="2.0"><head><title>Mine</title></head><body>{body}</body></opml>'.encode()
    )


def test_a_list_from_another_reader_becomes_feeds_with_its_folders_as_sections() -> None:
    found = from_opml(
        opml(
            '<outline text="Middle East"><outline type="rss" text="Paper &amp; Co" xmlUrl="https://paper.example/me"/>'
            '<outline text="Deeper"><outline xmlUrl="https://paper.example/deep" title="Deep"/></outline></outline>'
            '<outline type="rss" text="" xmlUrl="https://plain.example/rss"/>'
        )
    )
    assert found == (
        FeedConfig("https://paper.example/me", "Paper & Co", "Paper & Co", "middle-east"),
        FeedConfig("https://paper.example/deep", "Deep", "Deep", "middle-east"),
        FeedConfig("https://plain.example/rss", "plain.example", "plain.example", "news"),
    )


def test_a_feed_that_is_listed_twice_comes_once() -> None:
    one = '<outline type="rss" text="a" xmlUrl="https://a.example/"/>'
    assert len(from_opml(opml(one + one))) == 1  # type: ignore[arg-type]


def test_addresses_that_are_not_http_are_left_out() -> None:
    listed = '<outline text="a" xmlUrl="file:///etc/passwd"/><outline text="b" xmlUrl="https://b.example/"/>'
    assert [feed.url for feed in from_opml(opml(listed))] == ["https://b.example/"]  # type: ignore[union-attr]


def test_what_is_no_opml_is_refused() -> None:
    for document in (b"", b"<rss/>", opml(""), b"\x00\xff", b"<opml>" + b"<outline text='a'>" * 100_000):
        assert isinstance(from_opml(document), Unreadable), document[:20]


addresses = st.integers(0, 99).map(lambda n: f"https://a.example/{n}?x=1&y=2")
names = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20).filter(
    lambda s: not set(s) & set("&<")
)
feeds = st.builds(FeedConfig, url=addresses, title=names, publisher=names, section=st.sampled_from(["news", "world-2"]))


@given(st.lists(feeds, min_size=1, max_size=5, unique_by=lambda feed: feed.url))
def test_what_goes_out_comes_back(sent: list[FeedConfig]) -> None:
    found = from_opml(to_opml(sent, "Notifier"))
    assert not isinstance(found, Unreadable)
    assert {(feed.url, feed.section) for feed in found} == {(feed.url, feed.section) for feed in sent}
