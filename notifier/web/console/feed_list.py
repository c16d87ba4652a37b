"""The list of feeds, and its order: what the file has and how the feeds do enter, rows leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.feeds.feed import FeedConfig, HealthStatus
from notifier.feeds.health import FeedHealth

PAUSED, COMING = "paused", "coming"
STATES = {
    HealthStatus.FAILING.value: "failing",
    HealthStatus.RETIRED.value: "ended",
    HealthStatus.QUIET.value: "quiet",
    HealthStatus.NEW.value: "new",
    COMING: "being taken up",
    HealthStatus.OK.value: "well",
    PAUSED: "paused",
}
"""What is shown for each state, those that need attention first."""


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A line of the list. `feed_id` and `health` are None where the service has not taken the feed up yet."""

    title: str
    publisher: str
    section: str
    url: str
    state: str
    feed_id: int | None = None
    health: FeedHealth | None = None


def feed_rows(configs: Sequence[FeedConfig], health: Sequence[FeedHealth], ids: Mapping[str, int]) -> Sequence[FeedRow]:
    """What the file lists with how it does, and what is still followed though the file lists it no more."""
    known = {one.url: one for one in health}
    rows = [_row(feed, known.get(feed.url), ids) for feed in configs]
    listed = {feed.url for feed in configs}
    left = [
        FeedRow(h.title, h.publisher, h.section, h.url, h.state.value, h.feed_id, h)
        for h in health
        if h.url not in listed
    ]
    order = list(STATES)
    return sorted(rows + left, key=lambda row: (order.index(row.state), row.title.casefold()))


def _row(feed: FeedConfig, health: FeedHealth | None, ids: Mapping[str, int]) -> FeedRow:
    state = PAUSED if feed.paused else health.state.value if health else COMING
    shown = None if feed.paused else health
    return FeedRow(feed.title, feed.publisher, feed.section, feed.url, state, ids.get(feed.url), shown)
