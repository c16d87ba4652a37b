"""Chunks and retries: claimed by a conditional UPDATE, settled under the lease that claimed them.

Implements `DeliveryStore`. A chunk whose lease ran out is claimable like a fresh one, so the reconciler is the claim
itself: whoever asks next takes it over where its cursor stands.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from notifier.alerts.alert import Chunk
from notifier.alerts.delivery import (
    ChunkJob,
    Recipient,
    RetryJob,
    RetryLater,
    RetrySettlement,
    Settlement,
)
from notifier.errors import LeaseLost
from notifier.storage.alerts import load_alerts
from notifier.storage.database import Database, upsert_into
from notifier.storage.envelopes import take_envelopes
from notifier.storage.schema import (
    alert,
    alert_topic,
    chunk,
    delivery_count,
    delivery_retry,
    subscription,
    subscription_topic,
)
from notifier.storage.subscriptions import has_topic, remove_subscriptions
from notifier.subscribers.subscriber import PushKeys

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
            add_counts(connection, job.alert.id, settlement.counts)
            _add_retries(connection, job, settlement.retries)
            remove_subscriptions(connection, dict(settlement.gone), now)
            if settlement.done:
                _finish_if_done(connection, job.alert.id, now)

    def release(self, job: ChunkJob, now: datetime) -> None:
        """Give the chunk back where its cursor stands, for whoever is next."""
        with self._database.writing() as connection:
            _under_lease(connection, job, {"state": "ready", "lease_until": None, "lease_token": None})

    def claim_retries(self, now: datetime, limit: int, lease_s: float) -> Sequence[RetryJob]:
        """Due retries, breaking ones first, leased."""
        due = and_(
            delivery_retry.c.next_attempt_at <= now,
            or_(delivery_retry.c.lease_until.is_(None), delivery_retry.c.lease_until < now),
        )
        with self._database.reading() as connection:
            if not connection.scalar(select(exists().where(due))):
                return []
        with self._database.writing() as connection:
            keys = (
                select(delivery_retry.c.alert_id, delivery_retry.c.subscription_id, delivery_retry.c.attempts)
                .join(alert, alert.c.id == delivery_retry.c.alert_id)
                .where(due)
                .order_by(alert.c.breaking.desc(), delivery_retry.c.next_attempt_at)
                .limit(limit)
                .with_for_update(skip_locked=True, of=delivery_retry)
            )
            rows = connection.execute(keys).all()
            if not rows:
                return []
            lease = update(delivery_retry).where(
                delivery_retry.c.alert_id == bindparam("a"), delivery_retry.c.subscription_id == bindparam("s")
            )
            until = now + timedelta(seconds=lease_s)
            connection.execute(
                lease.values(lease_until=until), [{"a": r.alert_id, "s": r.subscription_id} for r in rows]
            )
            return _retry_jobs(connection, rows)

    def settle_retries(self, settlements: Sequence[RetrySettlement], now: datetime) -> None:
        """Write what came of retries: counted and removed, or put off."""
        with self._database.writing() as connection:
            for settled in settlements:
                row = and_(
                    delivery_retry.c.alert_id == settled.alert_id,
                    delivery_retry.c.subscription_id == settled.recipient.subscription_id,
                )
                if settled.again is not None:
                    again = settled.again
                    connection.execute(
                        update(delivery_retry)
                        .where(row)
                        .values(
                            attempts=again.attempts,
                            reason=again.reason,
                            next_attempt_at=again.next_attempt_at,
                            lease_until=None,
                        )
                    )
                elif connection.execute(delete(delivery_retry).where(row)).rowcount:
                    service = settled.recipient.push_service
                    add_counts(connection, settled.alert_id, {service: {"retrying": -1, settled.outcome: 1}})
            gone = {s.recipient.subscription_id: "gone" for s in settlements if s.outcome == "gone"}
            remove_subscriptions(connection, gone, now)
            for alert_id in {s.alert_id for s in settlements if s.again is None}:
                _finish_if_done(connection, alert_id, now)

    def _any(self, condition: ColumnElement[bool]) -> bool:
        with self._database.reading() as connection:
            return bool(connection.scalar(select(exists().where(condition))))


def add_counts(connection: Connection, alert_id: int, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Add {push service: {outcome: pushes}} to what is counted for the alert."""
    # One order for everybody, so that two workers of one alert cannot lock each other out.
    rows = [
        {"alert_id": alert_id, "push_service": service, "outcome": outcome, "count": count}
        for service, outcomes in sorted(counts.items())
        for outcome, count in sorted(outcomes.items())
        if count
    ]
    if not rows:
        return
    statement = upsert_into(connection, delivery_count)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(delivery_count.primary_key),
            set_={"count": delivery_count.c.count + statement.excluded["count"]},
        ),
        rows,
    )


def _claimable(now: datetime) -> ColumnElement[bool]:
    ready = and_(chunk.c.state == "ready", chunk.c.not_before <= now)
    return or_(ready, and_(chunk.c.state == "leased", chunk.c.lease_until < now))


def _under_lease(connection: Connection, job: ChunkJob, values: dict[str, Any]) -> None:
    held = and_(chunk.c.id == job.chunk.id, chunk.c.state == "leased", chunk.c.lease_token == job.chunk.lease_token)
    if connection.execute(update(chunk).where(held).values(values)).rowcount != 1:
        raise LeaseLost(f"chunk {job.chunk.id} of alert {job.alert.id} is held by another worker now")


def _add_retries(connection: Connection, job: ChunkJob, retries: Sequence[RetryLater]) -> None:
    if not retries:
        return
    expires = job.alert.decided_at + timedelta(seconds=job.alert.ttl_s)
    rows = [
        {
            "alert_id": job.alert.id,
            "subscription_id": later.subscription_id,
            "attempts": later.attempts,
            "reason": later.reason,
            "next_attempt_at": later.next_attempt_at,
            "expires_at": expires,
        }
        for later in retries
    ]
    # A subscriber who left in the meantime is no longer there to be referred to.
    alive = set(
        connection.scalars(
            select(subscription.c.id).where(subscription.c.id.in_([later.subscription_id for later in retries]))
        )
    )
    if rows := [row for row in rows if row["subscription_id"] in alive]:
        connection.execute(upsert_into(connection, delivery_retry).on_conflict_do_nothing(), rows)


def _finish_if_done(connection: Connection, alert_id: int, now: datetime) -> None:
    """Mark the alert done once no chunk and no retry of it is left."""
    open_chunk = exists().where(chunk.c.alert_id == alert_id, chunk.c.state != "done")
    open_retry = exists().where(delivery_retry.c.alert_id == alert_id)
    connection.execute(
        update(alert)
        .where(alert.c.id == alert_id, alert.c.done_at.is_(None), ~open_chunk, ~open_retry)
        .values(done_at=now)
    )


def _retry_jobs(connection: Connection, rows: Sequence[Any]) -> list[RetryJob]:
    alerts = load_alerts(connection, {row.alert_id for row in rows})
    query = select(*RECIPIENT_COLUMNS).where(subscription.c.id.in_({row.subscription_id for row in rows}))
    recipients = {row.id: _recipient(row) for row in connection.execute(query)}
    return [RetryJob(alerts[row.alert_id], recipients[row.subscription_id], row.attempts) for row in rows]


def _recipient(row: Any, envelope: bytes | None = None) -> Recipient:
    subscription_id, endpoint, p256dh, auth, push_service, vapid_key_id = row
    return Recipient(subscription_id, PushKeys(endpoint, p256dh, auth), push_service, vapid_key_id, envelope)


def _chunk(row: Any) -> Chunk:
    return Chunk(row.id, row.alert_id, row.lo, row.hi, row.cursor, row.attempts, row.lease_token)
