"""The decider's store: what it has not seen yet, and what it decided.

Implements `StoryStore`. A story's row keeps its newest verdict with the evidence, so that "why was this not sent" has
an answer for every story there is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, or_, select, update

from notifier.alerts.alert import Alert
from notifier.alerts.decide import Drop, Hold, Verdict
from notifier.alerts.decider import DecisionResult
from notifier.alerts.evidence import Evidence
from notifier.alerts.evidence_json import evidence_from_json
from notifier.alerts.story_store import StoryVerdict
from notifier.errors import LeaseLost
from notifier.storage.alerts import accept, count_for, load_alerts
from notifier.storage.database import Store, upsert_into
from notifier.storage.rulings import overrides_version, read_overrides
from notifier.storage.schema import alert, feed, grouping, item, lease, story
from notifier.storage.story_items import story_item, story_items
from notifier.storage.story_reports import MERGED, verdict_from_json, verdict_to_json
from notifier.stories.baseline import BEGINNINGS, LabelledItem
from notifier.stories.cluster import ASIDE
from notifier.stories.overrides import Overrides
from notifier.stories.story import Grouping, Story, StoryItem

DECIDER = "desk"
UNSEEN = item.c.grouped_version < item.c.version


class SqlStoryStore(Store):
    """StoryStore on SQLite or PostgreSQL."""

    def lease_decisions(self, holder: str, now: datetime, lease_s: float) -> bool:
        """Take or renew the lease that lets one process at a time decide; False if another holds it."""
        with self._database.writing() as connection:
            statement = upsert_into(connection, lease).values(
                name=DECIDER, holder=holder, until=now + timedelta(seconds=lease_s)
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
        """Items or versions that the decider has not seen, oldest first; of more than `limit` a fair choice."""
        with self._database.reading() as connection:
            unseen = story_items().where(UNSEEN).order_by(item.c.id)
            found = connection.execute(unseen.limit(limit + 1)).all()
            if len(found) > limit:
                found = connection.execute(unseen.where(item.c.id.in_(_fair(connection, limit)))).all()
            return [story_item(row) for row in found]

    def oldest_pending(self) -> datetime | None:
        """When the oldest item or version that the decider has not seen was fetched; None where there is none."""
        with self._database.reading() as connection:
            oldest: datetime | None = connection.scalar(select(func.min(item.c.seen_at)).where(UNSEEN))
            return oldest

    def window(self, since: datetime) -> Sequence[StoryItem]:
        """Items that have a story and were seen since then, oldest first; without what could not be read."""
        readable = or_(grouping.c.signal.is_(None), grouping.c.signal != ASIDE)
        with self._database.reading() as connection:
            grouped = story_items().where(item.c.story_id.is_not(None), item.c.seen_at >= since, readable)
            return [story_item(row) for row in connection.execute(grouped.order_by(item.c.id))]

    def alerts_after(self, alert_id: int, known: Collection[int], since: datetime) -> Sequence[Alert]:
        """Alerts with a greater id that are not among these, decided since then, oldest first."""
        with self._database.reading() as connection:
            newer = select(alert.c.id).where(alert.c.id > alert_id, alert.c.decided_at >= since).order_by(alert.c.id)
            ids = [i for i in connection.scalars(newer) if i not in known]
            alerts = load_alerts(connection, ids) if ids else {}
            return [alerts[i] for i in ids]

    def past_alerts(self, since: datetime) -> Sequence[Alert]:
        """Alerts decided since then, oldest first."""
        with self._database.reading() as connection:
            ids = list(connection.scalars(select(alert.c.id).where(alert.c.decided_at >= since).order_by(alert.c.id)))
            alerts = load_alerts(connection, ids)
            return [alerts[i] for i in ids]

    def marked(self, since: datetime) -> Sequence[LabelledItem]:
        """Items with a story whose headline may begin with a marker, seen since then, oldest first."""
        begins = or_(*(func.lower(item.c.title).startswith(said, autoescape=True) for said in BEGINNINGS))
        may_be = and_(item.c.seen_at >= since, item.c.may_alert, begins)
        query = (
            select(feed.c.publisher, item.c.title, item.c.story_id, item.c.seen_at, story.c.verdict)
            .join(feed, feed.c.id == item.c.feed_id)
            .join(story, story.c.id == item.c.story_id)
            .where(may_be)
            .order_by(item.c.seen_at, item.c.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            theirs = select(item.c.story_id).where(may_be)
            sent = select(alert.c.story_id, alert.c.why).where(alert.c.breaking, alert.c.story_id.in_(theirs))
            broke = {row.story_id for row in connection.execute(sent) if evidence_from_json(row.why).by_itself}
            broke |= {row.story_id for row in rows if verdict_from_json(row.verdict).evidence.by_itself}
            return [LabelledItem(r.publisher, r.title, r.story_id, r.seen_at, r.story_id in broke) for r in rows]

    def overrides_version(self) -> str:
        """Differs whenever anything that operators said of stories does."""
        with self._database.reading() as connection:
            return overrides_version(connection)

    def overrides(self, since: datetime, known: Overrides) -> Overrides:
        """What operators said of items and stories; the items of what they ruled on `since` then come with it."""
        with self._database.reading() as connection:
            return read_overrides(connection, since, known)

    def next_story_id(self) -> int:
        """The first id that no story has."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.coalesce(func.max(story.c.id), 0))) or 0) + 1

    def save(self, items: Sequence[StoryItem], result: DecisionResult, now: datetime, holder: str) -> Sequence[Alert]:
        """Write groupings, stories, verdicts and alerts in one transaction; returns the alerts that were accepted."""
        new = [verdict.alert for verdict in result.verdicts if not isinstance(verdict, Drop)]
        audiences = [count_for(self._database, one) for one in new]
        with self._database.writing() as connection:
            # Touched, not only read: whoever takes the decider over has to wait for this transaction.
            ours = update(lease).where(lease.c.name == DECIDER, lease.c.holder == holder).values(holder=holder)
            if connection.execute(ours).rowcount != 1:
                raise LeaseLost("another process decides now")
            _save_moves(connection, result)
            _save_groupings(connection, items, result.groupings)
            _save_stories(connection, result, now)
            made = [
                accept(connection, one, now, audience=audience) for one, audience in zip(new, audiences, strict=True)
            ]
            alerts = load_alerts(connection, made)
            return [alerts[i] for i in made]


def _fair(connection: Connection, limit: int) -> Sequence[int]:
    """The ids of the `limit` items that are decided next: what may alert first, and each feed in its turn."""
    turn = func.row_number().over(partition_by=(item.c.feed_id, item.c.may_alert), order_by=item.c.id).label("turn")
    waiting = select(item.c.id, item.c.may_alert, turn).where(UNSEEN).subquery()
    backlog_last = case((waiting.c.may_alert, 0), else_=1)
    query = select(waiting.c.id).order_by(backlog_last, waiting.c.turn, waiting.c.id).limit(limit)
    return list(connection.scalars(query))


def _save_groupings(connection: Connection, items: Sequence[StoryItem], groupings: Sequence[Grouping]) -> None:
    """Each item gets its story, and the decider has seen the version it was shown (a newer one stays pending)."""
    if not groupings:
        return
    versions = {seen.id: seen.version for seen in items}
    seen = update(item).where(item.c.id == bindparam("i"))
    connection.execute(
        seen.values(story_id=bindparam("s"), grouped_version=bindparam("v")),
        [{"i": g.item_id, "s": g.story_id, "v": versions[g.item_id]} for g in groupings],
    )
    # An edit says nothing of how an item came to its story: what is known of that stays.
    edits = [g for g in groupings if g.signal == "edit"]
    _save_evidence(connection, [g for g in groupings if g.signal != "edit"], newest=True)
    _save_evidence(connection, edits, newest=False)


def _save_moves(connection: Connection, result: DecisionResult) -> None:
    """Items that an operator's override put elsewhere; a story that it left empty says where its items are."""
    if result.moves:
        moved = update(item).where(item.c.id == bindparam("i")).values(story_id=bindparam("s"))
        connection.execute(moved, [{"i": g.item_id, "s": g.story_id} for g in result.moves])
        _save_evidence(connection, result.moves, newest=True)
    for left, into in result.emptied:
        verdict = StoryVerdict(MERGED, f"It was merged into story {into}.", Evidence(merged_into=into))
        stored = {"state": MERGED, "verdict": verdict_to_json(verdict)}
        connection.execute(update(story).where(story.c.id == left).values(stored))


def _save_evidence(connection: Connection, groupings: Sequence[Grouping], *, newest: bool) -> None:
    if not groupings:
        return
    statement = upsert_into(connection, grouping)
    columns = ("story_id", "signal", "evidence", "related")
    if newest:
        set_ = {name: statement.excluded[name] for name in columns}
        statement = statement.on_conflict_do_update(index_elements=[grouping.c.item_id], set_=set_)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=[grouping.c.item_id])
    connection.execute(
        statement,
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


def _save_stories(connection: Connection, result: DecisionResult, now: datetime) -> None:
    """Their newest verdicts. A story that an operator's override changed changed now, whenever its items came."""
    if not result.stories:
        return
    statement = upsert_into(connection, story)
    columns = ("lead_item_id", "updated_at", "state", "verdict")
    ruled = {story_id for move in result.moves for story_id in (move.story_id, move.evidence.get("from_story"))}
    rows = [_story_row(told, verdict) for told, verdict in zip(result.stories, result.verdicts, strict=True)]
    rows = [row | {"updated_at": max(row["updated_at"], now)} if row["id"] in ruled else row for row in rows]
    last = {row["id"]: row for row in rows}  # a story whose alert was decided in parts is there for each of them
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[story.c.id], set_={name: statement.excluded[name] for name in columns}
        ),
        list(last.values()),
    )


def _story_row(told: Story, verdict: Verdict) -> dict[str, Any]:
    if isinstance(verdict, Drop):
        state, kept = "dropped", StoryVerdict(verdict.code, verdict.words, verdict.evidence)
    else:
        state = "held" if isinstance(verdict, Hold) else verdict.alert.kind.value
        kept = StoryVerdict(state, "", verdict.alert.why)
    return {
        "id": told.id,
        "lead_item_id": told.lead.id,
        "first_seen_at": told.first_seen_at,
        "updated_at": told.updated_at,
        "state": state,
        "verdict": verdict_to_json(kept),
    }
