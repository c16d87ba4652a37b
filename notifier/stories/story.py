"""The types of the stories room: an item that was stored, and the event that several outlets tell.

Enters: `StoryItem` (a stored version of a FeedItem). Leaves: `Story`; next room: topics.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoryItem:
    """A stored item as the stories room sees it. `version` counts from 1: each edit of an item is one more.

    `may_alert` is False for a feed's backlog and for whatever the feeds room recognised as resurfaced; `seen_at` is
    when this version was fetched. `story_id` is set once the item has been grouped. Times are aware UTC.
    """

    id: int
    feed_id: int
    publisher: str
    section: str
    url: str
    canonical_url: str
    title: str
    summary: str
    seen_at: datetime
    published_at: datetime | None = None
    image_url: str | None = None
    language: str | None = None
    version: int = 1
    may_alert: bool = True
    story_id: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One event as outlets tell it. The lead item is the one whose words an alert uses.

    `publishers` are the independent sources that have it, in the order in which they came.
    """

    id: int
    lead: StoryItem
    first_seen_at: datetime
    updated_at: datetime
    publishers: tuple[str, ...]
    item_ids: tuple[int, ...]
