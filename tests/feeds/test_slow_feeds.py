"""What is remembered of feeds that take long: who, which bytes, and for how long."""

from __future__ import annotations

from notifier.feeds.feed import Unreadable
from notifier.feeds.slow_feeds import MOST_FEEDS, REFUSED_FOR_S, SlowFeeds

URL, BODY, WHY = "https://deep.example/", b"<a><a>", Unreadable("it takes long")


class Clock:
    """Seconds that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_same_bytes_of_the_same_feed_are_refused_for_an_hour() -> None:
    clock = Clock()
    slow_feeds = SlowFeeds(clock)
    slow_feeds.refuse(URL, BODY, WHY)
    assert slow_feeds.refused(URL, BODY) == WHY
    assert slow_feeds.refused(URL, BODY + b"<a>") is None
    assert slow_feeds.refused("https://other.example/", BODY) is None
    clock.now = REFUSED_FOR_S + 1
    assert slow_feeds.refused(URL, BODY) is None
    assert slow_feeds.knows(URL), "the next one begins aside still"


def test_a_feed_that_was_quick_is_as_any_other() -> None:
    slow_feeds = SlowFeeds(Clock())
    slow_feeds.note(URL)
    assert slow_feeds.knows(URL)
    slow_feeds.forget(URL)
    slow_feeds.forget(URL)
    assert not slow_feeds.knows(URL)


def test_noting_it_again_keeps_what_was_refused() -> None:
    slow_feeds = SlowFeeds(Clock())
    slow_feeds.refuse(URL, BODY, WHY)
    slow_feeds.note(URL)
    assert slow_feeds.refused(URL, BODY) == WHY


def test_the_memory_is_bounded() -> None:
    slow_feeds = SlowFeeds(Clock())
    for n in range(MOST_FEEDS + 1):
        slow_feeds.note(f"https://{n}.example/")
    assert not slow_feeds.knows("https://0.example/")
    assert slow_feeds.knows("https://1.example/")
