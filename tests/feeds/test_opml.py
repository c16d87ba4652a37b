from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.feed import FeedConfig, Unreadable
from notifier.feeds.opml import NAMESPACE, from_opml, to_opml
from notifier.text.line import one_line


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
feeds = st.builds(
    FeedConfig,
    url=addresses,
    title=names,
    publisher=names,
    section=st.sampled_from(["news", "world-2"]),
    language=st.sampled_from([None, "en", "pt-br"]),
    poll_every_s=st.sampled_from([None, 30.0, 3_600.0]),
    weight=st.sampled_from([1.0, 0.5, 0.0]),
    paused=st.booleans(),
)


@given(st.lists(feeds, min_size=1, max_size=5, unique_by=lambda feed: feed.url))
def test_what_goes_out_comes_back(sent: list[FeedConfig]) -> None:
    found = from_opml(to_opml(sent, "Notifier"))
    assert not isinstance(found, Unreadable)
    assert {feed.url: replace(feed, title="") for feed in found} == {
        feed.url: replace(feed, title="", publisher=one_line(feed.publisher)) for feed in sent
    }


def test_a_list_that_goes_out_and_comes_in_has_as_many_publishers_as_before() -> None:
    sections = ("World", "Sport", "Business")
    sent = [
        FeedConfig(f"https://feeds.{name}.example/{section}", f"{name}, {section}", name, section.lower())
        for name in ("bbc", "paper", "post")
        for section in sections
    ]
    found = from_opml(to_opml(sent, "Notifier"), ())
    assert found == tuple(sorted(sent, key=lambda feed: sections.index(feed.section.title())))


def test_another_readers_list_makes_one_publisher_of_a_site() -> None:
    listed = "".join(
        f'<outline text="{title}" xmlUrl="{url}"/>'
        for title, url in [
            ("The Paper – World", "https://www.paper.co.uk/world/rss"),
            ("Paper Sport", "https://feeds.paper.co.uk/sport"),
            ("The Post: Latest", "https://post.example/rss"),
            ("A blog", "https://feeds.feedburner.com/a"),
            ("B blog", "https://feeds.feedburner.com/b"),
        ]
    )
    followed = [FeedConfig("https://rss.post.example/old", "Old", "The Harbour Post", "world")]
    found = from_opml(opml(listed), followed)
    assert not isinstance(found, Unreadable)
    assert [feed.publisher for feed in found] == [
        "The Paper",
        "The Paper",
        "The Harbour Post",
        "A blog",
        "B blog",
    ]
    assert [feed.title for feed in found][:2] == ["The Paper – World", "Paper Sport"]


@pytest.mark.parametrize("own", ["", "x" * 9_000, "&#x202e;Paper", "  The\n Paper "])
def test_what_a_file_says_in_our_words_is_cleaned(own: str) -> None:
    line = f'<outline text="T" xmlUrl="https://a.example/" n:publisher="{own}" n:pollEvery="nan" n:weight="-1"/>'
    found = from_opml(f'<opml xmlns:n="{NAMESPACE}"><body>{line}</body></opml>'.encode())
    assert not isinstance(found, Unreadable)
    (feed,) = found
    assert isinstance(feed, FeedConfig)
    assert len(feed.publisher) <= 500
    assert feed.publisher == one_line(feed.publisher) != ""
    assert (feed.poll_every_s, feed.weight) == (None, 1.0)


class Followed(list[FeedConfig]):
    """Counts how often it is gone through."""

    times = 0

    def __iter__(self) -> Iterator[FeedConfig]:
        self.times += 1
        return super().__iter__()


def test_however_long_a_list_is_the_feeds_that_are_followed_are_gone_through_once() -> None:
    followed = Followed([FeedConfig("https://www.paper.example/a", "The Paper", "The Paper", "world")])
    outlines = "".join(f'<outline title="{n}" xmlUrl="https://rss.paper.example/{n}"/>' for n in range(50))

    found = from_opml(opml(outlines), followed)

    assert not isinstance(found, Unreadable)
    assert {feed.publisher for feed in found} == {"The Paper"}
    assert followed.times == 1
