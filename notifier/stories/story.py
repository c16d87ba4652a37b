"""The types of the stories room: an item that was stored, and the event that several outlets tell.

Enters: `StoryItem` (a stored version of a FeedItem). Leaves: `Story`; next room: topics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# In the evidence of a grouping: see `Grouping.left`.
LEFT = "left_story"


@dataclass(frozen=True, slots=True)
class StoryItem:
    """A stored item as the stories room sees it. `version` counts from 1: each edit of an item is one more.

    `may_alert` is False for a feed's backlog and for whatever the feeds room recognised as resurfaced; `seen_at` is
    when this version was fetched, `first_seen_at` when its first one was (None: the same). `story_id` is set once the
    item has been grouped. `weight` is how much its feed's word counts towards breaking; `near` are the stories that it
    may tell the same event as, as it was found when it came; `credit` is the agency or the photographer, as the feed
    writes it. Times are aware UTC.
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
    first_seen_at: datetime | None = None
    weight: float = 1.0
    near: tuple[int, ...] = ()
    credit: str | None = None

    @property
    def first_seen(self) -> datetime:
        """When any version of it was first fetched."""
        return self.first_seen_at or self.seen_at


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


def story_from(items: Sequence[StoryItem], story_id: int, lead: StoryItem) -> Story:
    """The story that these items make, in the order in which they joined it, in the words of `lead`."""
    return Story(
        story_id,
        lead,
        first_seen_at=min(item.first_seen for item in items),
        updated_at=max(item.seen_at for item in items),
        publishers=tuple(dict.fromkeys(item.publisher for item in items)),
        item_ids=tuple(item.id for item in items),
    )


@dataclass(frozen=True, slots=True)
class Grouping:
    """Why an item is in its story: by which signal, with the figures that decided it (JSON-ready).

    `signal` is one of `new`, `edit`, `url`, `headline`, `wire`, `event`, `operator`. `related` are stories that may
    tell the same event, not surely enough to merge.
    """

    item_id: int
    story_id: int
    signal: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    related: tuple[int, ...] = ()

    @property
    def left(self) -> int | None:
        """Of an edit that tells another story's event: the story that it was in before; else None."""
        story_id = self.evidence.get(LEFT)
        return None if story_id is None else int(story_id)

    @property
    def near(self) -> tuple[int, ...]:
        """The stories that may support its own: those that are related, and those a little further off."""
        return tuple(self.evidence.get("near", ()))


@dataclass(frozen=True, slots=True)
class DecisionFault:
    """Something that could not be worked out, and was set aside so that the rest goes on.

    `part` is an item, a story, a ruling or a topic, `name` which one, `error` what was raised.
    """

    part: str
    name: str
    error: str

    @classmethod
    def of(cls, part: str, name: object, error: Exception) -> DecisionFault:
        """The fault as a person reads it."""
        return cls(part, str(name), f"{type(error).__name__}: {error}"[:200])
