"""A feed's bookkeeping and last items, for the console. Implements `FeedArchive`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from notifier.errors import NotFound
from notifier.feeds.archive import ArchivedFeed, ArchivedItem
from notifier.storage.database import Store
from notifier.storage.schema import feed, item


class SqlFeedArchive(Store):
    """FeedArchive on SQLite or PostgreSQL."""

    def ids(self) -> Mapping[str, int]:
        """{address: id} of every feed that was ever followed."""
        with self._database.reading() as connection:
            return {row.url: row.id for row in connection.execute(select(feed.c.url, feed.c.id))}

    def record(self, feed_id: int) -> ArchivedFeed:
        """One feed. Raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(feed).where(feed.c.id == feed_id)).one_or_none()
            if row is None:
                raise NotFound(f"there is no feed {feed_id}")
            counted = select(func.count()).select_from(item).where(item.c.feed_id == feed_id)
            return ArchivedFeed(
                feed_id=row.id,
                url=row.url,
                active=row.active,
                first_polled_at=row.first_polled_at,
                last_polled_at=row.last_polled_at,
                last_success_at=row.last_success_at,
                last_change_at=row.last_change_at,
                items=int(connection.scalar(counted) or 0),
                moved_to=row.moved_to,
            )

    def items(self, feed_id: int, limit: int) -> Sequence[ArchivedItem]:
        """Its last items, the newest first."""
        query = select(item).where(item.c.feed_id == feed_id).order_by(item.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [
                ArchivedItem(
                    title=row.title,
                    url=row.url,
                    published_at=row.published_at,
                    first_seen_at=row.first_seen_at,
                    version=row.version,
                    why_not=None if row.may_alert else row.why_not,
                    story_id=row.story_id,
                )
                for row in connection.execute(query)
            ]
