"""Alerts as anybody may read them, read in one go: a story's alerts, its items, what is near it; all of some days.

Implements `ArticleStore`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from notifier.alerts.article import Article, RelatedArticle, SentAlert, SentAlerts, article, counted, is_public
from notifier.storage.alerts import load_alerts, message_from_json
from notifier.storage.database import Database, Store
from notifier.storage.schema import alert, alert_topic, item, topic
from notifier.storage.story_items import story_item, story_items
from notifier.storage.story_reports import alerts_of, merged_into, related_stories
from notifier.topics.topic import LONGEST_HOLD_S

# Of a story that everybody tells, as many as make a page.
MOST_ITEMS = 300
MOST_STATES = 50
AT_ONCE = 1000
# Of a week that nobody could read any more: the rest is counted.
MOST_LISTED = 1000
LONGEST_HOLD = timedelta(seconds=LONGEST_HOLD_S)


class SqlArticles(Store):
    """ArticleStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database, keep: timedelta = timedelta.max, most_listed: int = MOST_LISTED) -> None:
        """`keep` is for how long alerts are kept."""
        super().__init__(database)
        self._keep, self._most_listed = keep, most_listed

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
            story_id = merged_into(connection, [row.story_id]).get(row.story_id, row.story_id)
            told = story_items().where(item.c.story_id == story_id).order_by(item.c.id).limit(MOST_ITEMS)
            items = [story_item(one) for one in connection.execute(told)]
            return article((alerts[i] for i in ids), items, _related(connection, story_id), now)

    def sent(self, since: datetime, now: datetime) -> SentAlerts:
        """What might go to its audience since then; `known_since` is later where the oldest item came later, or where
        alerts are not kept for so long."""
        # An alert may have waited for an editor, and counts from the time when it might go.
        decided = select(alert.c.id).where(alert.c.decided_at >= since - LONGEST_HOLD)
        with self._database.reading() as connection:
            ids = list(connection.scalars(decided))
            parts = [ids[i : i + AT_ONCE] for i in range(0, len(ids), AT_ONCE)]
            found = [one for part in parts for one in _public(connection, part, since, now)]
            began = connection.scalar(select(item.c.first_seen_at).order_by(item.c.id).limit(1))
        found.sort(key=lambda one: (one.alert.released_at, one.alert.id), reverse=True)
        listed, older = found[: self._most_listed], found[self._most_listed :]
        known_since = max(since, began or now)
        kept_only = now - known_since > self._keep
        return SentAlerts(now - self._keep if kept_only else known_since, tuple(listed), counted(older), kept_only)


def _public(connection: Connection, ids: Sequence[int], since: datetime, now: datetime) -> list[SentAlert]:
    alerts, left_out = load_alerts(connection, ids), _left_out(connection, ids)
    public = (one for one in alerts.values() if is_public(one, now) and one.released_at > since)
    return [SentAlert(one, left_out.get(one.id, frozenset())) for one in public]


def _left_out(connection: Connection, ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """{alert: topics whose followers had it already}, where there are any."""
    named = select(alert_topic.c.alert_id, topic.c.slug).join(topic, topic.c.id == alert_topic.c.topic_id)
    left_out: dict[int, frozenset[str]] = {}
    for row in connection.execute(named.where(alert_topic.c.alert_id.in_(ids), alert_topic.c.excluded)):
        left_out[row.alert_id] = left_out.get(row.alert_id, frozenset()) | {row.slug}
    return left_out


def _related(connection: Connection, story_id: int) -> Sequence[RelatedArticle]:
    found = related_stories(connection, [story_id]).get(story_id, ())
    sent = alerts_of(connection, [story.id for story in found])
    articles = []
    for story in found:
        went = [one.id for one in sent.get(story.id, ()) if not one.waiting and not one.withdrawn]
        articles.append(RelatedArticle(story.title, story.publisher, story.url, went[0] if went else None))
    return articles
