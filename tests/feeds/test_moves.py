"""A feed with another address is the same feed; two that look alike are left alone."""

from __future__ import annotations

from notifier.feeds.feed import FeedConfig
from notifier.feeds.moves import moves


def feed(url: str, title: str = "Post, World", section: str = "world") -> FeedConfig:
    return FeedConfig(url, title, "Post", section)


def test_one_that_left_and_one_that_came_under_its_name_is_a_move() -> None:
    assert moves([feed("a"), feed("x", "Post, Sport")], [feed("b")]) == {"a": "b"}


def test_another_name_or_section_is_another_feed() -> None:
    assert moves([feed("a")], [feed("b", "Post, Sport")]) == {}
    assert moves([feed("a")], [feed("b", section="sport")]) == {}


def test_of_two_that_look_alike_nobody_knows_which_is_which() -> None:
    assert moves([feed("a"), feed("b")], [feed("c")]) == {}
    assert moves([feed("a")], [feed("b"), feed("c")]) == {}
