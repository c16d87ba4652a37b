"""Stored items as the stories room sees them: the one query, and a row of it as a `StoryItem`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, select

from notifier.storage.schema import feed, grouping, item, item_version
from notifier.stories.story import TOLD_VERSION, StoryItem

# So many in one IN (): databases bind no more than some thousands.
MOST_IDS = 500


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
    )


def as_told(connection: Connection, query: Select[Any]) -> list[StoryItem]:
    """The items of `story_items`, in the words in which their stories have them: those of an edit that tells another
    event are not its story's.
    """
    rows = connection.execute(query).all()
    told = {row.id: row.evidence[TOLD_VERSION] for row in rows if TOLD_VERSION in (row.evidence or {})}
    kept = {
        row.item_id: row
        for start in range(0, len(told), MOST_IDS)
        for row in connection.execute(
            select(item_version).where(item_version.c.item_id.in_(list(told)[start : start + MOST_IDS]))
        )
        if row.version == told[row.item_id]
    }
    return [_in_words_of(story_item(row), kept.get(row.id)) for row in rows]


def _in_words_of(one: StoryItem, version: Any) -> StoryItem:
    if version is None:
        return one
    return replace(one, title=version.title, summary=version.summary, version=version.version, seen_at=version.seen_at)


def near(evidence: Mapping[str, Any] | None) -> tuple[int, ...]:
    """The stories that may support an item's own, of the evidence of its grouping; None: it has none yet."""
    return tuple((evidence or {}).get("near", ()))
