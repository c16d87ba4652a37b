"""What a feed has brought so far: its bookkeeping and its last items, for the page that an operator opens.

Leaves: `ArchivedFeed` and `ArchivedItem`. Plain data, and the Protocol of the store that has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ArchivedFeed:
    """What is remembered of a feed, paused ones too. Times are aware UTC.

    `items` counts those that are kept; `moved_to` is where permanent redirects lead.
    """

    feed_id: int
    url: str
    active: bool
    first_polled_at: datetime | None
    last_polled_at: datetime | None
    last_success_at: datetime | None
    last_change_at: datetime | None
    items: int
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class ArchivedItem:
    """An item that a feed brought. `why_not` says in words why it could not alert, where it could not."""

    title: str
    url: str
    published_at: datetime | None
    first_seen_at: datetime
    version: int
    why_not: str | None
    story_id: int | None


class FeedArchive(Protocol):
    """Feeds that are or were followed, and their items. Synchronous."""

    def ids(self) -> Mapping[str, int]:
        """{address: id} of every feed that was ever followed."""

    def record(self, feed_id: int) -> ArchivedFeed:
        """One feed. Raises NotFound."""

    def items(self, feed_id: int, limit: int) -> Sequence[ArchivedItem]:
        """Its last items, the newest first."""
