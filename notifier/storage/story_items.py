"""Stored items as the stories room sees them: the one query, and a row of it as a `StoryItem`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from notifier.storage.schema import feed, item
from notifier.stories.story import StoryItem


def story_items() -> Select[Any]:
    """Items with what their feeds say of them; narrow it down by the columns of `item` and `feed`."""
    return select(item, feed.c.publisher, feed.c.section, feed.c.weight, feed.c.language.label("feed_language")).join(
        feed, feed.c.id == item.c.feed_id
    )


def story_item(row: Any) -> StoryItem:
    """A row of `story_items`."""
    return StoryItem(
        id=row.id,
        feed_id=row.feed_id,
        publisher=row.publisher,
        section=row.section,
        url=row.url,
        canonical_url=row.canonical_url,
        title=row.title,
        summary=row.summary,
        seen_at=row.seen_at,
        published_at=row.published_at,
        image_url=row.image_url,
        language=row.language or row.feed_language,
        version=row.version,
        may_alert=row.may_alert,
        story_id=row.story_id,
        first_seen_at=row.first_seen_at,
        weight=row.weight,
    )
