"""Whose a feed is: one publisher a site, however many feeds and spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.feed import FeedConfig
from notifier.feeds.publishers import PublishersBySite, domain_of, one_spelling


def feed(url: str, publisher: str) -> FeedConfig:
    return FeedConfig(url, publisher, publisher, "world")


FOLLOWED = [
    feed("https://feeds.bbci.co.uk/news/rss.xml", "BBC"),
    feed("https://rss.paper.example/world", "The Paper"),
    feed("https://rss.paper.example/sport", "The Paper"),
    feed("https://rss.paper.example/blog", "A columnist"),
    feed("https://one.city.example/rss", "City One"),
    feed("https://two.city.example/rss", "City Two"),
    feed("https://feeds.feedburner.com/one", "One"),
    feed("https://alice.substack.com/feed", "Alice"),
    feed("http://192.0.2.7/rss", "A machine"),
]


@pytest.mark.parametrize(
    ("url", "publisher"),
    [
        ("https://feeds.bbci.co.uk/sport/rss.xml", "BBC"),
        ("https://www.bbci.co.uk/", "BBC"),
        ("https://feeds.itv.co.uk/rss", None),
        ("https://rss.paper.example/culture", "The Paper"),
        ("http://RSS.Paper.example:8080/", "The Paper"),
        ("https://three.city.example/rss", None),
        ("https://two.city.example/sport", "City Two"),
        ("https://feeds.feedburner.com/two", None),
        ("https://news.google.com/rss/search?q=paper", None),
        ("https://alice.substack.com/rss", "Alice"),
        ("https://bob.substack.com/feed", None),
        ("http://192.0.2.7/other", "A machine"),
        ("http://198.51.100.7/rss", None),
        ("no address", None),
        ("https://[", None),
    ],
)
def test_a_second_feed_of_a_site_belongs_to_the_publisher_that_it_has(url: str, publisher: str | None) -> None:
    assert PublishersBySite(FOLLOWED).of(url) == publisher


def test_spellings_of_one_name_are_one_publisher_spelled_as_it_is_first() -> None:
    names = ["BBC News", "bbc news", "BBC  News ", "BBC\u200b News", "\uff22\uff22\uff23 News", "ITV"]
    feeds = one_spelling([feed(f"https://{n}.example/", name) for n, name in enumerate(names)])
    assert {one.publisher for one in feeds} == {"BBC News", "ITV"}


@given(st.text())
def test_any_address_has_an_answer(url: str) -> None:
    assert isinstance(domain_of(f"https://{url}"), str)
    assert isinstance(domain_of(url), str)
