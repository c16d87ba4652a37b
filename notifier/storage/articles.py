"""Alerts as anybody may read them, read in one go: a story's alerts, its items, and what is near it.

Implements `ArticleStore`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from notifier.alerts.article import Article, RelatedArticle, article
from notifier.storage.alerts import load_alerts, message_from_json
from notifier.storage.database import Database
from notifier.storage.schema import alert, item
from notifier.storage.story_items import story_item, story_items
from notifier.storage.story_reports import alerts_of, merged_into, related_stories

# Of a story that everybody tells, as many as make a page.
MOST_ITEMS = 300
MOST_STATES = 50


class SqlArticles:
    """ArticleStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def article(self, alert_id: int, now: datetime) -> Article | None:
        """The article that this alert is a state of; None where there is nothing that anybody may read."""
        with self._database.reading() as connection:
            asked = select(alert.c.story_id, alert.c.message).where(alert.c.id == alert_id)
            row = connection.execute(asked).one_or_none()
            if row is None:
                return None
            tag = message_from_json(row.message).tag
            same = select(alert.c.id).where(alert.c.story_id == row.story_id, alert.c.message["tag"].as_string() == tag)
            ids = list(connection.scalars(same.order_by(alert.c.id).limit(MOST_STATES)))
            alerts = load_alerts(connection, ids)
            story_id = merged_into(connection).get(row.story_id, row.story_id)
            told = story_items().where(item.c.story_id == story_id).order_by(item.c.id).limit(MOST_ITEMS)
            items = [story_item(one) for one in connection.execute(told)]
            return article((alerts[i] for i in ids), items, _related(connection, story_id), now)


def _related(connection: Connection, story_id: int) -> Sequence[RelatedArticle]:
    found = related_stories(connection, [story_id]).get(story_id, ())
    sent = alerts_of(connection, [story.id for story in found])
    articles = []
    for story in found:
        went = [one.id for one in sent.get(story.id, ()) if not one.waiting and not one.withdrawn]
        articles.append(RelatedArticle(story.title, story.publisher, story.url, went[0] if went else None))
    return articles
