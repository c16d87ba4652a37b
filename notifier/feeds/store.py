"""The feeds room's store, as the poller needs it. Synchronous and batched: call it from a worker thread.

One suite in tests/contracts holds every backend to this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifier.feeds.feed import FeedConfig
from notifier.feeds.health import FeedFacts
from notifier.feeds.poll_state import ClaimedFeed, PollResult, Recorded


@dataclass(frozen=True, slots=True)
class Synced:
    """What a new configuration changed: feeds added, feeds with other settings, feeds asked no more."""

    added: int = 0
    updated: int = 0
    removed: int = 0


class FeedStore(Protocol):
    """Feeds with their bookkeeping, and the items that they brought."""

    def sync_config(self, configs: Sequence[FeedConfig], now: datetime) -> Synced:
        """Make the stored feeds those of `configs`; a feed is known by its configured URL.

        New feeds are spread over time. What left the file or is paused keeps its memory and its items and is polled
        no more. A retired feed is asked again once its entry in the file has changed. An entry that only has another
        address is the same feed: it keeps its id, its rhythm and its items, and its next poll counts as its first.
        """

    def claim_due(self, now: datetime, limit: int, lease_s: float) -> list[ClaimedFeed]:
        """Take up to `limit` feeds whose time has come, those waiting longest first; nobody else gets them until the
        lease ends."""

    def keep(self, claimed: Sequence[ClaimedFeed], now: datetime, lease_s: float) -> None:
        """Lengthen the leases of feeds that are still being polled; those that were taken over stay lost."""

    def look(self, feed_id: int, now: datetime) -> ClaimedFeed | None:
        """One active feed without a lease (for what a hub pushed); None if there is no such feed."""

    def postpone(self, later: Sequence[tuple[ClaimedFeed, datetime]]) -> None:
        """Give claimed feeds back unasked, each to be due at its time."""

    def record(self, results: Sequence[PollResult], now: datetime) -> Recorded:
        """Write bookkeeping, new items and new versions of a batch of polls in ONE transaction.

        A result whose lease has run out and was taken by somebody else is dropped whole.
        """

    def broke(self, feed_ids: Sequence[int], now: datetime) -> None:
        """A story of these feeds was found to be breaking: they are polled quicker for a while."""

    def facts(self, now: datetime) -> list[FeedFacts]:
        """What is known of every active feed, by publisher and title; `health_table` (health.py) says how it does."""
