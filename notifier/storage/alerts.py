"""Accepted alerts: written with their chunks in one transaction, read back with what came of them.

`accept` takes a connection, so that whoever decides (the decider's store) commits the decision and the alert together.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, func, insert, select, update

from notifier.alerts.alert import Alert, AlertKind, Message, NewAlert, Urgency, goes_by_itself
from notifier.alerts.evidence_json import evidence_from_json, evidence_to_json
from notifier.storage.database import Database, Store
from notifier.storage.schema import alert, alert_topic, chunk, delivery_count, subscription, topic
from notifier.storage.subscriptions import count_audience
from notifier.storage.topics import topic_ids

# Ids a chunk spans. Small enough that a lost lease repeats little and that many workers share one alert, large enough
# that a million subscribers make a hundred rows.
CHUNK_IDS = 10_000
OPEN_AT_MOST = 200
NOBODY_LOOKED = "Nobody looked at it before its time was up: it was dropped."
# Of an alert's name for receipts: nobody guesses one.
RECEIPT_BYTES = 12


# Made once: each fan-out and each handful of retries reads its alert.
_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_ALERTS = select(alert).where(alert.c.id.in_(_IDS))
_TOPICS_OF = (
    select(alert_topic.c.alert_id, topic.c.slug)
    .join(topic, topic.c.id == alert_topic.c.topic_id)
    .where(alert_topic.c.alert_id.in_(_IDS), ~alert_topic.c.excluded)
)
_COUNTS_OF = (
    select(delivery_count.c.alert_id, delivery_count.c.outcome, func.sum(delivery_count.c.count).label("n"))
    .where(delivery_count.c.alert_id.in_(_IDS))
    .group_by(delivery_count.c.alert_id, delivery_count.c.outcome)
)


class SqlAlertStore(Store):
    """Alerts and what came of them, on SQLite or PostgreSQL."""

    def accept(self, new: NewAlert, now: datetime) -> Alert:
        """Write an alert and its chunks; from here on it survives any crash."""
        audience = count_for(self._database, new)
        with self._database.writing() as connection:
            made = accept(connection, new, now, audience=audience)
            return load_alerts(connection, [made])[made]

    def recent(self, limit: int, before: int | None = None) -> Sequence[Alert]:
        """The newest alerts first, with what came of them; `before` pages on from an alert's id."""
        with self._database.reading() as connection:
            query = select(alert.c.id).order_by(alert.c.id.desc()).limit(limit)
            if before is not None:
                query = query.where(alert.c.id < before)
            ids = list(connection.scalars(query))
            alerts = load_alerts(connection, ids)
            return [alerts[i] for i in ids]

    def open(self) -> Sequence[Alert]:
        """Those that wait for their time or an editor, or are on their way; the newest first."""
        with self._database.reading() as connection:
            query = select(alert.c.id).where(alert.c.done_at.is_(None)).order_by(alert.c.id.desc()).limit(OPEN_AT_MOST)
            ids = list(connection.scalars(query))
            alerts = load_alerts(connection, ids)
            return [alerts[i] for i in ids]

    def end_holds(self, now: datetime) -> int:
        """Drop those that waited for an editor until their time was up; returns how many. None of them was sent."""
        waits = select(chunk.c.alert_id).where(chunk.c.state == "held")
        over = and_(alert.c.id.in_(waits), alert.c.done_at.is_(None), alert.c.hold_until <= now)
        with self._database.reading() as connection:
            if connection.scalar(select(func.count()).select_from(alert).where(over)) == 0:
                return 0
        with self._database.writing() as connection:
            rows = connection.execute(select(alert.c.id, alert.c.why).where(over).with_for_update()).all()
            for row in rows:
                known = evidence_from_json(row.why)
                why = evidence_to_json(replace(known, hold=replace(known.hold, nobody_looked=NOBODY_LOOKED)))
                dropped = update(alert).where(alert.c.id == row.id)
                connection.execute(dropped.values(done_at=now, withdrawn_at=now, why=why))
                connection.execute(update(chunk).where(chunk.c.alert_id == row.id).values(state="done"))
            return len(rows)

    def find(self, alert_id: int) -> Alert | None:
        """One alert, or None."""
        with self._database.reading() as connection:
            return load_alerts(connection, [alert_id]).get(alert_id)


def count_for(database: Database, new: NewAlert) -> int:
    """How many subscriptions the alert is for, counted without a writer's turn: among a million it takes a second."""
    with database.reading() as connection:
        ids = topic_ids(connection, new.topics)
        left_out = topic_ids(connection, new.except_topics)
        return count_audience(connection, ids.values(), left_out.values())


def accept(connection: Connection, new: NewAlert, now: datetime, *, audience: int) -> int:
    """Write the alert and its chunks in the caller's transaction; returns the alert's id.

    `audience` was counted just before (`count_for`). Whom it reaches is fixed here: subscriptions made later are above
    the last chunk.
    """
    ids = topic_ids(connection, new.topics, make=True)
    left_out = topic_ids(connection, new.except_topics, make=True)
    values = {
        "story_id": new.story_id,
        "kind": new.kind.value,
        "message": message_to_json(new.message),
        "breaking": new.breaking,
        "urgency": new.urgency.value,
        "ttl_s": new.ttl_s,
        "why": evidence_to_json(new.why),
        "decided_at": new.decided_at,
        "hold_until": new.hold_until,
        "audience": audience,
        "published_at": new.published_at,
        "fetched_at": new.fetched_at,
        "receipt": secrets.token_urlsafe(RECEIPT_BYTES),
    }
    made = int(connection.execute(insert(alert).values(values).returning(alert.c.id)).scalar_one())
    named = dict.fromkeys(ids.values(), False) | dict.fromkeys(left_out.values(), True)
    if named:
        rows = [{"alert_id": made, "topic_id": i, "excluded": excluded} for i, excluded in named.items()]
        connection.execute(insert(alert_topic), rows)
    slices = _slices(connection) if audience else []
    if slices:
        start = new.hold_until or now
        # What waits for an editor is nothing that a worker could claim, whatever its clock says.
        state = "ready" if goes_by_itself(new.hold_until, new.why) else "held"
        connection.execute(
            insert(chunk),
            [
                {
                    "alert_id": made,
                    "breaking": new.breaking,
                    "lo": lo,
                    "hi": hi,
                    "cursor": lo,
                    "state": state,
                    "not_before": start,
                }
                for lo, hi in slices
            ],
        )
    else:
        connection.execute(update(alert).where(alert.c.id == made).values(done_at=now))
    return made


def load_alerts(connection: Connection, ids: Iterable[int]) -> dict[int, Alert]:
    """{id: Alert} with topics and counts, for those that exist."""
    wanted = list(ids)
    named = {"ids": wanted}
    topics: dict[int, set[str]] = {}
    for row in connection.execute(_TOPICS_OF, named):
        topics.setdefault(row.alert_id, set()).add(row.slug)
    counts: dict[int, dict[str, int]] = {}
    for total in connection.execute(_COUNTS_OF, named):
        counts.setdefault(total.alert_id, {})[total.outcome] = int(total.n)
    found = connection.execute(_ALERTS, named)
    return {row.id: _alert(row, frozenset(topics.get(row.id, ())), counts.get(row.id, {})) for row in found}


def message_to_json(message: Message) -> dict[str, Any]:
    """What the `message` column holds."""
    return {
        "title": message.title,
        "body": message.body,
        "url": message.url,
        "publisher": message.publisher,
        "published_at": message.published_at.astimezone(UTC).isoformat(),
        "tag": message.tag,
        "image_url": message.image_url,
    }


def message_from_json(fields: Mapping[str, Any]) -> Message:
    """The reverse of `message_to_json`."""
    return Message(**{**fields, "published_at": datetime.fromisoformat(fields["published_at"])})


def _slices(connection: Connection) -> list[tuple[int, int]]:
    """(lo, hi] ranges over all subscription ids there are, of CHUNK_IDS each."""
    first, last = connection.execute(select(func.min(subscription.c.id), func.max(subscription.c.id))).one()
    if last is None:
        return []
    return [(lo, min(lo + CHUNK_IDS, last)) for lo in range(first - 1, last, CHUNK_IDS)]


def _alert(row: Row[Any], topics: frozenset[str], counts: Mapping[str, int]) -> Alert:
    return Alert(
        id=row.id,
        story_id=row.story_id,
        kind=AlertKind(row.kind),
        message=message_from_json(row.message),
        topics=topics,
        breaking=row.breaking,
        urgency=Urgency(row.urgency),
        ttl_s=row.ttl_s,
        why=evidence_from_json(row.why),
        decided_at=row.decided_at,
        audience=row.audience,
        counts=counts,
        done_at=row.done_at,
        hold_until=row.hold_until,
        withdrawn_at=row.withdrawn_at,
        published_at=row.published_at,
        fetched_at=row.fetched_at,
        receipt=row.receipt,
    )
