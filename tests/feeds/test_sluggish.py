"""What is remembered of feeds that take long: who, which bytes, and for how long."""

from __future__ import annotations

from notifier.feeds.feed import Unreadable
from notifier.feeds.sluggish import MOST_FEEDS, REFUSED_FOR_S, Sluggish

URL, BODY, WHY = "https://deep.example/", b"<a><a>", Unreadable("it takes long")


class Clock:
    """Seconds that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_same_bytes_of_the_same_feed_are_refused_for_an_hour() -> None:
    clock = Clock()
    sluggish = Sluggish(clock)
    sluggish.refuse(URL, BODY, WHY)
    assert sluggish.refused(URL, BODY) == WHY
    assert sluggish.refused(URL, BODY + b"<a>") is None
    assert sluggish.refused("https://other.example/", BODY) is None
    clock.now = REFUSED_FOR_S + 1
    assert sluggish.refused(URL, BODY) is None
    assert sluggish.knows(URL), "the next one begins aside still"


def test_a_feed_that_was_quick_is_as_any_other() -> None:
    sluggish = Sluggish(Clock())
    sluggish.note(URL)
    assert sluggish.knows(URL)
    sluggish.forget(URL)
    sluggish.forget(URL)
    assert not sluggish.knows(URL)


def test_noting_it_again_keeps_what_was_refused() -> None:
    sluggish = Sluggish(Clock())
    sluggish.refuse(URL, BODY, WHY)
    sluggish.note(URL)
    assert sluggish.refused(URL, BODY) == WHY


def test_the_memory_is_bounded() -> None:
    sluggish = Sluggish(Clock())
    for n in range(MOST_FEEDS + 1):
        sluggish.note(f"https://{n}.example/")
    assert not sluggish.knows("https://0.example/")
    assert sluggish.knows("https://1.example/")
