"""Reads back what came in, version by version and with its story: what a preview asks the decider about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from notifier.storage.database import Database
from notifier.storage.schema import feed, grouping, item, item_version
from notifier.storage.story_items import near
from notifier.stories.story import StoryItem


class SqlStoryHistory:
    """Stored versions in the order in which they were seen."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def between(self, after: datetime, until: datetime) -> Sequence[StoryItem]:
        """Versions that have a story, seen after `after` and up to `until`."""
        query = (
            select(
                item.c.id,
                item.c.feed_id,
                item.c.url,
                item.c.canonical_url,
                item.c.published_at,
                item.c.first_seen_at,
                item.c.image_url,
                item.c.may_alert,
                item.c.story_id,
                feed.c.publisher,
                feed.c.section,
                feed.c.weight,
                func.coalesce(item.c.language, feed.c.language).label("language"),
                item_version.c.title,
                item_version.c.summary,
                item_version.c.seen_at,
                item_version.c.version,
                grouping.c.evidence,
            )
            .select_from(item_version.join(item, item.c.id == item_version.c.item_id).join(feed))
            .outerjoin(grouping, grouping.c.item_id == item.c.id)
            .where(item.c.story_id.is_not(None), item_version.c.seen_at > after, item_version.c.seen_at <= until)
            .order_by(item_version.c.seen_at, item.c.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings()
            found = (dict(row) for row in rows)
            return [StoryItem(near=near(row.pop("evidence")), **row) for row in found]
