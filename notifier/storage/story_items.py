"""Stored items as the stories room sees them: the one query, and a row of it as a `StoryItem`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from notifier.storage.schema import feed, grouping, item
from notifier.stories.story import StoryItem


def story_items() -> Select[Any]:
    """Items with what their feeds say of them; narrow it down by the columns of `item` and `feed`."""
    of_feed = (feed.c.publisher, feed.c.section, feed.c.weight, feed.c.language.label("feed_language"))
    return (
        select(item, *of_feed, grouping.c.evidence)
        .join(feed, feed.c.id == item.c.feed_id)
        .outerjoin(grouping, grouping.c.item_id == item.c.id)
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
        near=near(row.evidence),
        credit=row.credit,
    )


def near(evidence: Mapping[str, Any] | None) -> tuple[int, ...]:
    """The stories that may support an item's own, of the evidence of its grouping; None: it has none yet."""
    return tuple((evidence or {}).get("near", ()))
