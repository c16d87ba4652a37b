"""Feeds as the poller gets them, for tests: what a test is about is given, the rest is invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.feeds.feed import FeedItem, ParsedFeed
from notifier.feeds.poll_state import ClaimedFeed, PollState

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
URL = "https://paper.example/feed"


def ago(**time: float) -> datetime:
    """The instant so long before noon."""
    return NOON - timedelta(**time)


def a_poll_state(**known: Any) -> PollState:
    """A feed that was polled for weeks, last ten minutes ago, and changes every quarter of an hour."""
    usual = PollState(
        next_poll_at=NOON,
        first_polled_at=ago(days=30),
        last_polled_at=ago(minutes=10),
        last_success_at=ago(minutes=10),
        last_change_at=ago(minutes=20),
        usual_gap_s=900.0,
    )
    return replace(usual, **known)


def a_feed(poll_state: PollState | None = None, **known: Any) -> ClaimedFeed:
    """A claimed feed."""
    return replace(ClaimedFeed(7, URL, "The Paper", "lease", poll_state or a_poll_state()), **known)


def an_item(number: int = 1, **known: Any) -> FeedItem:
    """The item of this number, published a minute before noon."""
    usual = FeedItem(
        guid=f"guid-{number}",
        url=f"https://paper.example/story/{number}",
        title=f"Bridge {number} opens to traffic",
        summary=f"After {number} years.",
        published_at=ago(minutes=1),
    )
    return replace(usual, **known)


def a_document(*items: FeedItem, **known: Any) -> ParsedFeed:
    """A document as a reader that cannot divide it gives it: all items, no digests."""
    return replace(ParsedFeed("The Paper", items, "rss20"), **known)
