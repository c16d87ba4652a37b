"""Chunks and retries: claimed by a conditional UPDATE, settled under the lease that claimed them.

Implements `DeliveryStore`. A chunk whose lease ran out is claimable like a fresh one, so the reconciler is the claim
itself: whoever asks next takes it over where its cursor stands.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from notifier.alerts.alert import Alert, Chunk
from notifier.alerts.delivery import (
    ChunkJob,
    Recipient,
    RetryJob,
    RetryLater,
    RetrySettlement,
    Settlement,
)
from notifier.alerts.receipts import ACCEPTED
from notifier.errors import LeaseLost
from notifier.storage.alerts import load_alerts
from notifier.storage.counts import Tally, add_counts, finish_if_done
from notifier.storage.database import Database, upsert_into
from notifier.storage.envelopes import take_envelopes
from notifier.storage.receipts import add_times
from notifier.storage.schema import (
    alert,
    alert_topic,
    chunk,
    delivery_retry,
    subscription,
    subscription_topic,
)
from notifier.storage.subscriptions import has_topic, remove_subscriptions
from notifier.subscribers.subscriber import PushKeys

MOVED = "moved"
# Every subscription of the chunk's range that has one of the alert's topics, once.
RECIPIENT_COLUMNS = (
    subscription.c.id,
    subscription.c.endpoint,
    subscription.c.p256dh,
    subscription.c.auth,
    subscription.c.push_service,
    subscription.c.vapid_key_id,
)


class SqlDeliveryStore:
    """DeliveryStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim_chunk(self, now: datetime, lease_s: float, *, only_breaking: bool = False) -> ChunkJob | None:
        """The next chunk nobody holds, breaking ones first, under a fresh lease; None if there is none."""
        wanted = and_(chunk.c.breaking, _claimable(now)) if only_breaking else _claimable(now)
        if not self._any(wanted):
            return None  # the common case costs a read, not a write lock
        with self._database.writing() as connection:
            query = (
                select(chunk.c.id)
                .where(wanted)
                .order_by(chunk.c.breaking.desc(), chunk.c.not_before, chunk.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            claimed = connection.scalar(query)
            if claimed is None:
                return None
            row = connection.execute(
                update(chunk)
                .where(chunk.c.id == claimed)
                .values(
                    state="leased",
                    lease_until=now + timedelta(seconds=lease_s),
                    lease_token=secrets.token_hex(16),
                    attempts=chunk.c.attempts + 1,
                )
                .returning(chunk)
            ).one()
            return ChunkJob(load_alerts(connection, [row.alert_id])[row.alert_id], _chunk(row))

    def breaking_waits(self, now: datetime) -> bool:
        """Whether a breaking chunk is waiting for a worker."""
        return self._any(and_(chunk.c.breaking, _claimable(now)))

    def waiting(self, now: datetime) -> Mapping[bool, int]:
        """{is breaking: chunks that nobody holds}."""
        with self._database.reading() as connection:
            counted = select(chunk.c.breaking, func.count()).where(_claimable(now)).group_by(chunk.c.breaking)
            return {bool(breaking): int(count) for breaking, count in connection.execute(counted).all()}

    def is_sending(self) -> bool:
        """Whether some worker holds a chunk."""
        return self._any(chunk.c.state == "leased")

    def take(self, job: ChunkJob, after: int, limit: int) -> Sequence[Recipient]:
        """The chunk's next recipients by id, after the subscription id `after`, with the envelopes that they have."""
        with self._database.writing() as connection:
            named = select(alert_topic.c.topic_id, alert_topic.c.excluded)
            rows = connection.execute(named.where(alert_topic.c.alert_id == job.alert.id)).all()
            topics = [row.topic_id for row in rows if not row.excluded]
            left_out = [row.topic_id for row in rows if row.excluded]
            member = subscription_topic.c.subscription_id
            in_range = and_(member > after, member <= job.chunk.hi, subscription_topic.c.topic_id.in_(topics))
            query = (
                select(*RECIPIENT_COLUMNS)
                .join(subscription_topic, member == subscription.c.id)
                # The second bound repeats the first for the planner: without it PostgreSQL reads a tenth as fast.
                .where(in_range, subscription.c.id > after, subscription.c.id <= job.chunk.hi)
                .order_by(subscription.c.id)
                .limit(limit)
            )
            if len(topics) > 1:
                query = query.distinct()
            if left_out:
                query = query.where(~has_topic(subscription.c.id, left_out))
            found = connection.execute(query).all()
            envelopes = take_envelopes(connection, self._database, [row.id for row in found])
            return [_recipient(row, envelopes.get(row.id)) for row in found]

    def settle(self, job: ChunkJob, settlement: Settlement, now: datetime, lease_s: float) -> None:
        """Write what came of a sub-batch, move the cursor and renew the lease, in one transaction."""
        with self._database.writing() as connection:
            values: dict[str, Any] = {"cursor": settlement.cursor, "lease_until": now + timedelta(seconds=lease_s)}
            if settlement.done:
                values |= {"state": "done", "lease_until": None, "lease_token": None}
            _under_lease(connection, job, values)
            tally = _tally(job, settlement)
            _add_retries(connection, job.alert, settlement.retries, tally)
            _, moved = remove_subscriptions(connection, settlement.gone, now, tally, settlement.endpoints)
            _follow(connection, job.alert, moved, now, tally)
            add_counts(connection, tally)
            add_times(connection, {(job.alert.id, ACCEPTED, le_s): n for le_s, n in settlement.took.items()})
            others = tally.alerts - {job.alert.id}  # whose retries went with those who are gone
            finish_if_done(connection, others | {job.alert.id} if settlement.done else others, now)

    def release(self, job: ChunkJob, now: datetime) -> None:
        """Give the chunk back where its cursor stands, for whoever is next."""
        with self._database.writing() as connection:
            _under_lease(connection, job, {"state": "ready", "lease_until": None, "lease_token": None})

    def claim_retries(self, now: datetime, limit: int, lease_s: float) -> Sequence[RetryJob]:
        """Due retries of one alert under a fresh lease, breaking ones first, then the one that waited longest."""
        due = and_(
            delivery_retry.c.next_attempt_at <= now,
            or_(delivery_retry.c.lease_until.is_(None), delivery_retry.c.lease_until < now),
        )
        if not self._any(due):
            return []
        with self._database.writing() as connection:
            first = (
                select(delivery_retry.c.alert_id)
                .join(alert, alert.c.id == delivery_retry.c.alert_id)
                .where(due)
                .order_by(alert.c.breaking.desc(), delivery_retry.c.next_attempt_at)
                .limit(1)
                .with_for_update(skip_locked=True, of=delivery_retry)
            )
            alert_id = connection.scalar(first)
            if alert_id is None:
                return []
            chosen = (
                select(delivery_retry.c.subscription_id)
                .where(delivery_retry.c.alert_id == alert_id, due)
                .order_by(delivery_retry.c.next_attempt_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            ids = list(connection.scalars(chosen))
            rows = connection.execute(
                update(delivery_retry)
                .where(delivery_retry.c.alert_id == alert_id, delivery_retry.c.subscription_id.in_(ids))
                .values(lease_until=now + timedelta(seconds=lease_s), lease_token=secrets.token_hex(16))
                .returning(delivery_retry)
            ).all()
            return _retry_jobs(connection, alert_id, rows)

    def settle_retries(self, settlements: Sequence[RetrySettlement], now: datetime) -> None:
        """Write what came of retries that are still held: counted and removed, or put off."""
        tally, gone, took = Tally(), {}, Counter[tuple[int, str, float]]()
        with self._database.writing() as connection:
            for settled in settlements:
                if not _end_lease(connection, settled) or settled.again is not None:
                    continue
                service = settled.recipient.push_service
                tally.update({(settled.alert_id, service, "retrying"): -1})
                tally.update({(settled.alert_id, service, settled.outcome): 1})
                if settled.gone is not None:
                    gone[settled.recipient.subscription_id] = settled.gone
                if settled.took is not None:
                    took[settled.alert_id, ACCEPTED, settled.took] += 1
            endpoints = {s.recipient.subscription_id: s.recipient.keys.endpoint for s in settlements}
            _, moved = remove_subscriptions(connection, gone, now, tally, endpoints)
            for alert_id in {s.alert_id for s in settlements if s.recipient.subscription_id in moved}:
                _follow(connection, load_alerts(connection, [alert_id])[alert_id], moved, now, tally)
            add_counts(connection, tally)
            add_times(connection, took)
            finish_if_done(connection, tally.alerts, now)

    def _any(self, condition: ColumnElement[bool]) -> bool:
        with self._database.reading() as connection:
            return bool(connection.scalar(select(exists().where(condition))))


def _claimable(now: datetime) -> ColumnElement[bool]:
    ready = and_(chunk.c.state == "ready", chunk.c.not_before <= now)
    return or_(ready, and_(chunk.c.state == "leased", chunk.c.lease_until < now))


def _under_lease(connection: Connection, job: ChunkJob, values: dict[str, Any]) -> None:
    held = and_(chunk.c.id == job.chunk.id, chunk.c.state == "leased", chunk.c.lease_token == job.chunk.lease_token)
    if connection.execute(update(chunk).where(held).values(values)).rowcount != 1:
        raise LeaseLost(f"chunk {job.chunk.id} of alert {job.alert.id} is held by another worker now")


def _tally(job: ChunkJob, settlement: Settlement) -> Tally:
    return Tally(
        {
            (job.alert.id, service, outcome): count
            for service, outcomes in settlement.counts.items()
            for outcome, count in outcomes.items()
        }
    )


def _follow(connection: Connection, to: Alert, moved: Mapping[int, str], now: datetime, tally: Tally) -> None:
    """Who has another endpoint than the one that had ended gets the alert there: at once, by a retry."""
    for service in moved.values():
        tally[to.id, service, "gone"] -= 1
        tally[to.id, service, "retrying"] += 1
    again = [RetryLater(number, 1, MOVED, now, service) for number, service in moved.items()]
    _add_retries(connection, to, again, tally)


def _add_retries(connection: Connection, to: Alert, retries: Sequence[RetryLater], tally: Tally) -> None:
    if not retries:
        return
    expires = to.decided_at + timedelta(seconds=to.ttl_s)
    # A subscriber who left in the meantime is no longer there to be referred to; who is there stays until the commit.
    wanted = select(subscription.c.id).where(subscription.c.id.in_([later.subscription_id for later in retries]))
    alive = set(connection.scalars(wanted.order_by(subscription.c.id).with_for_update(read=True, key_share=True)))
    rows = []
    for later in retries:
        if later.subscription_id not in alive:
            tally.give_up(to.id, later.push_service)
            continue
        rows.append(
            {
                "alert_id": to.id,
                "subscription_id": later.subscription_id,
                "attempts": later.attempts,
                "reason": later.reason,
                "next_attempt_at": later.next_attempt_at,
                "expires_at": expires,
            }
        )
    if rows:
        connection.execute(upsert_into(connection, delivery_retry).on_conflict_do_nothing(), rows)


def _end_lease(connection: Connection, settled: RetrySettlement) -> bool:
    """Put the retry off, or delete it; False if another worker holds it now, or nobody."""
    held = and_(
        delivery_retry.c.alert_id == settled.alert_id,
        delivery_retry.c.subscription_id == settled.recipient.subscription_id,
        delivery_retry.c.lease_token == settled.lease_token,
    )
    if settled.again is None:
        return connection.execute(delete(delivery_retry).where(held)).rowcount == 1
    put_off = {
        "attempts": settled.again.attempts,
        "reason": settled.again.reason,
        "next_attempt_at": settled.again.next_attempt_at,
        "lease_until": None,
        "lease_token": None,
    }
    return connection.execute(update(delivery_retry).where(held).values(put_off)).rowcount == 1


def _retry_jobs(connection: Connection, alert_id: int, rows: Sequence[Any]) -> list[RetryJob]:
    held = load_alerts(connection, [alert_id])[alert_id]
    query = select(*RECIPIENT_COLUMNS).where(subscription.c.id.in_([row.subscription_id for row in rows]))
    recipients = {row.id: _recipient(row) for row in connection.execute(query)}
    return [RetryJob(held, recipients[row.subscription_id], row.attempts, row.lease_token) for row in rows]


def _recipient(row: Any, envelope: bytes | None = None) -> Recipient:
    subscription_id, endpoint, p256dh, auth, push_service, vapid_key_id = row
    return Recipient(subscription_id, PushKeys(endpoint, p256dh, auth), push_service, vapid_key_id, envelope)


def _chunk(row: Any) -> Chunk:
    return Chunk(row.id, row.alert_id, row.lo, row.hi, row.cursor, row.attempts, row.lease_token)
