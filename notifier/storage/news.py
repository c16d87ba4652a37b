"""The desk's store: what it has not seen yet, and what it decided.

Implements `NewsStore`. A story's row keeps its newest verdict with the evidence, so that "why was this not sent" has an
answer for every story there is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, update

from notifier.alerts.alert import Alert
from notifier.alerts.decide import Drop, Hold, Verdict
from notifier.alerts.desk import DeskResult
from notifier.alerts.news import StoryReport
from notifier.errors import LeaseLost
from notifier.storage.alerts import accept, count_for, load_alerts
from notifier.storage.database import Database, upsert_into
from notifier.storage.schema import alert, feed, grouping, item, lease, operator_choice, story
from notifier.stories.story import Grouping, Story, StoryItem

DESK = "desk"


class SqlNewsStore:
    """NewsStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold_desk(self, holder: str, now: datetime, lease_s: float) -> bool:
        """Take or renew the lease that lets one process at a time decide; False if another holds it."""
        with self._database.writing() as connection:
            statement = upsert_into(connection, lease).values(
                name=DESK, holder=holder, until=now + timedelta(seconds=lease_s)
            )
            free = (lease.c.holder == holder) | (lease.c.until < now)
            taken = connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[lease.c.name],
                    set_={"holder": statement.excluded.holder, "until": statement.excluded.until},
                    where=free,
                ).returning(lease.c.holder)
            ).scalar_one_or_none()
            return taken == holder

    def pending(self, limit: int) -> Sequence[StoryItem]:
        """Items or versions that the desk has not seen, oldest first."""
        with self._database.reading() as connection:
            unseen = _items().where(item.c.grouped_version < item.c.version).order_by(item.c.id).limit(limit)
            return [_item(row) for row in connection.execute(unseen)]

    def window(self, since: datetime) -> Sequence[StoryItem]:
        """Items that have a story and were seen since then, oldest first."""
        with self._database.reading() as connection:
            grouped = _items().where(item.c.story_id.is_not(None), item.c.seen_at >= since).order_by(item.c.id)
            return [_item(row) for row in connection.execute(grouped)]

    def past_alerts(self, since: datetime) -> Sequence[Alert]:
        """Alerts decided since then, oldest first."""
        with self._database.reading() as connection:
            ids = list(connection.scalars(select(alert.c.id).where(alert.c.decided_at >= since).order_by(alert.c.id)))
            alerts = load_alerts(connection, ids)
            return [alerts[i] for i in ids]

    def silenced(self) -> Collection[int]:
        """The stories of which an operator said never."""
        with self._database.reading() as connection:
            return list(
                connection.scalars(select(operator_choice.c.story_id).where(operator_choice.c.choice == "never"))
            )

    def next_story_id(self) -> int:
        """The first id that no story has."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.coalesce(func.max(story.c.id), 0))) or 0) + 1

    def save(self, items: Sequence[StoryItem], result: DeskResult, now: datetime, holder: str) -> Sequence[Alert]:
        """Write groupings, stories, verdicts and alerts in one transaction; returns the alerts that were accepted."""
        new = [verdict.alert for verdict in result.verdicts if not isinstance(verdict, Drop)]
        audiences = [count_for(self._database, one) for one in new]
        with self._database.writing() as connection:
            # Touched, not only read: whoever takes the desk over has to wait for this transaction.
            ours = update(lease).where(lease.c.name == DESK, lease.c.holder == holder).values(holder=holder)
            if connection.execute(ours).rowcount != 1:
                raise LeaseLost("another process decides now")
            _save_groupings(connection, items, result.groupings)
            _save_stories(connection, result)
            made = [
                accept(connection, one, now, audience=audience) for one, audience in zip(new, audiences, strict=True)
            ]
            alerts = load_alerts(connection, made)
            return [alerts[i] for i in made]

    def recent_stories(self, limit: int) -> Sequence[StoryReport]:
        """The stories that changed last, newest first."""
        with self._database.reading() as connection:
            query = (
                _items()
                .add_columns(story.c.id.label("of"), story.c.updated_at, story.c.state, story.c.verdict)
                .join(story, story.c.lead_item_id == item.c.id)
                .order_by(story.c.updated_at.desc(), story.c.id.desc())
                .limit(limit)
            )
            rows = connection.execute(query).all()
            publishers = _publishers(connection, [row.of for row in rows])
            return [
                StoryReport(row.of, _item(row), publishers.get(row.of, ()), row.updated_at, row.state, row.verdict)
                for row in rows
            ]


def _save_groupings(connection: Connection, items: Sequence[StoryItem], groupings: Sequence[Grouping]) -> None:
    """Each item gets its story, and the desk has seen the version it was shown (a newer one stays pending)."""
    if not groupings:
        return
    versions = {seen.id: seen.version for seen in items}
    seen = update(item).where(item.c.id == bindparam("i"))
    connection.execute(
        seen.values(story_id=bindparam("s"), grouped_version=bindparam("v")),
        [{"i": g.item_id, "s": g.story_id, "v": versions[g.item_id]} for g in groupings],
    )
    statement = upsert_into(connection, grouping)
    columns = ("story_id", "signal", "evidence", "related")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[grouping.c.item_id], set_={name: statement.excluded[name] for name in columns}
        ),
        [
            {
                "item_id": g.item_id,
                "story_id": g.story_id,
                "signal": g.signal,
                "evidence": dict(g.evidence),
                "related": list(g.related),
            }
            for g in groupings
        ],
    )


def _save_stories(connection: Connection, result: DeskResult) -> None:
    if not result.stories:
        return
    statement = upsert_into(connection, story)
    columns = ("lead_item_id", "updated_at", "state", "verdict")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[story.c.id], set_={name: statement.excluded[name] for name in columns}
        ),
        [_story_row(told, verdict) for told, verdict in zip(result.stories, result.verdicts, strict=True)],
    )


def _story_row(told: Story, verdict: Verdict) -> dict[str, Any]:
    if isinstance(verdict, Drop):
        state, why = "dropped", {"code": verdict.code, "words": verdict.words, "evidence": dict(verdict.evidence)}
    else:
        state = "held" if isinstance(verdict, Hold) else verdict.alert.kind.value
        why = {"code": state, "evidence": dict(verdict.alert.why)}
    return {
        "id": told.id,
        "lead_item_id": told.lead.id,
        "first_seen_at": told.first_seen_at,
        "updated_at": told.updated_at,
        "state": state,
        "verdict": why,
    }


def _publishers(connection: Connection, stories: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """{story id: its publishers in the order in which they came}."""
    query = (
        select(item.c.story_id, feed.c.publisher)
        .join(feed, feed.c.id == item.c.feed_id)
        .where(item.c.story_id.in_(stories))
        .order_by(item.c.id)
    )
    found: dict[int, dict[str, None]] = {}
    for row in connection.execute(query):
        found.setdefault(row.story_id, {})[row.publisher] = None
    return {story_id: tuple(names) for story_id, names in found.items()}


def _items() -> Select[Any]:
    return select(item, feed.c.publisher, feed.c.section, feed.c.weight, feed.c.language.label("feed_language")).join(
        feed, feed.c.id == item.c.feed_id
    )


def _item(row: Any) -> StoryItem:
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
