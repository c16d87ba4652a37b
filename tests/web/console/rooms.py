"""Doubles for what the console shows of feeds, the audience and receipts: lists that a test may look at or change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from notifier.alerts.receipts import Histogram, Receipt
from notifier.errors import NotFound
from notifier.feeds.archive import ArchivedFeed, ArchivedItem
from notifier.feeds.feed import HealthStatus
from notifier.feeds.health import FeedHealth
from notifier.subscribers.audience import AudienceKind, DayCount, DayEnds
from tests.web.site import NOW

POST, GAZETTE = "https://post.example/rss", "https://gazette.example/feed"
FEEDS = f"""\
# Whom we follow.
feeds:
  - url: {POST}
    publisher: The Harbour Post
    section: world
  - url: {GAZETTE}   # on the hills
    publisher: Gazette
    section: uk
    paused: true
"""


class MemoryReceipts:
    """ReceiptStore in dicts; tests put in what browsers told."""

    def __init__(self) -> None:
        self.told: dict[int, Mapping[str, int]] = {}
        self.took: dict[int, Mapping[str, Histogram]] = {}

    def add(self, told: Mapping[Receipt, int], now: datetime) -> Mapping[tuple[str, float], int]:
        return {}

    def receipts(self, alert_id: int) -> Mapping[str, int]:
        return self.told.get(alert_id, {})

    def times(self, alert_id: int) -> Mapping[str, Histogram]:
        return self.took.get(alert_id, {})


class MemoryArchive:
    """FeedArchive in lists."""

    def __init__(self) -> None:
        self.records = {1: ArchivedFeed(1, POST, True, NOW, NOW, NOW, NOW, 1)}
        self.past = {1: [ArchivedItem("Ferry aground", "https://post.example/1", NOW, NOW, 1, None, 1)]}

    def ids(self) -> Mapping[str, int]:
        return {record.url: number for number, record in self.records.items()}

    def record(self, feed_id: int) -> ArchivedFeed:
        if feed_id not in self.records:
            raise NotFound("no such feed")
        return self.records[feed_id]

    def items(self, feed_id: int, limit: int) -> Sequence[ArchivedItem]:
        return self.past.get(feed_id, [])[:limit]


@dataclass
class MemoryAudience:
    """AudienceStore in lists."""

    kept: list[DayCount] = field(default_factory=list)
    now: list[DayCount] = field(default_factory=lambda: [DayCount(NOW.date(), AudienceKind.ALL, "all", 0)])
    left: list[DayEnds] = field(default_factory=list)

    def snapshot(self, now: datetime) -> None:
        self.kept += self.now

    def today(self, now: datetime) -> Sequence[DayCount]:
        return self.now

    def days(self, since: datetime) -> Sequence[DayCount]:
        return [one for one in self.kept if one.day >= since.date()]

    def ends(self, since: datetime) -> Sequence[DayEnds]:
        return [one for one in self.left if one.day >= since.date()]


def health(feed_id: int, url: str, state: HealthStatus = HealthStatus.OK, **more: Any) -> FeedHealth:
    """A feed's health as the service tells it."""
    told = FeedHealth(
        feed_id, url, "The Harbour Post", "The Harbour Post", "world", state, NOW, NOW, 600.0, NOW, "every 200 s"
    )
    return replace(told, **more)
