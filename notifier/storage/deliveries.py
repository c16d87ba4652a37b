"""Chunks and retries: claimed by a conditional UPDATE, settled under the lease that claimed them.

Implements `DeliveryStore`. A chunk whose lease ran out is claimable like a fresh one, so the reconciler is the claim
itself: whoever asks next takes it over where its cursor stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from notifier.alerts.alert import Chunk
from notifier.alerts.delivery import (
    NO_ROOMS,
    NOTHING_DEFERRED,
    Deferred,
    LeasedChunk,
    LeasedRetry,
    Recipient,
    RetrySettlement,
    Settlement,
)
from notifier.alerts.receipts import ACCEPTED
from notifier.errors import LeaseLost
from notifier.storage.alerts import load_alerts
from notifier.storage.counts import OutcomeCounts, add_counts, finish_if_done
from notifier.storage.database import Store
from notifier.storage.envelopes import take_envelopes
from notifier.storage.receipts import add_times
from notifier.storage.retries import (
    DUE,
    RECIPIENT_COLUMNS,
    add_retries,
    end,
    first_due,
    follow,
    most_engaged,
    put_off,
    recipient,
    retry_jobs,
    staying,
)
from notifier.storage.schema import (
    alert_topic,
    chunk,
    delivery_retry,
    subscription,
    subscription_topic,
)
from notifier.storage.standing import count_failures, prove, standings_between
from notifier.storage.subscriptions import has_topic, remove_subscriptions

# What is set is what is given with it.
_UNDER_LEASE = update(chunk).where(
    chunk.c.id == bindparam("held"), chunk.c.state == "leased", chunk.c.lease_token == bindparam("token")
)
_ANY_DUE = select(exists().where(DUE))
_LEASE_RETRIES = (
    update(delivery_retry)
    .where(
        delivery_retry.c.alert_id == bindparam("alert"),
        delivery_retry.c.subscription_id.in_(bindparam("ids", expanding=True)),
    )
    .values(lease_until=bindparam("until"), lease_token=bindparam("token"))
    .returning(delivery_retry)
)


class SqlDeliveryStore(Store):
    """DeliveryStore on SQLite or PostgreSQL."""

    def claim_chunk(self, now: datetime, lease_s: float, *, only_breaking: bool = False) -> LeasedChunk | None:
        """The next chunk nobody holds, breaking ones first, under a fresh lease; None if there is none."""
        wanted = and_(chunk.c.breaking, _claimable(now)) if only_breaking else _claimable(now)
        if not self._any(wanted):
            return None  # the common case costs a read, not a write lock
        with self._database.writing(may_be_repeated=True) as connection:
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
                    lease_token=self._database.lease_token(),
                    attempts=chunk.c.attempts + 1,
                )
                .returning(chunk)
            ).one()
            return LeasedChunk(load_alerts(connection, [row.alert_id])[row.alert_id], _chunk(row))

    def lease_token(self) -> str:
        """A new token for what this process holds; see DeliveryStore."""
        return self._database.lease_token()

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

    def take(self, job: LeasedChunk, after: int, limit: int) -> Sequence[Recipient]:
        """The chunk's next recipients by id, after the subscription id `after`, with the envelopes that they have."""
        with self._database.writing() as connection:
            named = select(alert_topic.c.topic_id, alert_topic.c.excluded)
            rows = connection.execute(named.where(alert_topic.c.alert_id == job.alert.id)).all()
            topics = [row.topic_id for row in rows if not row.excluded]
            left_out = [row.topic_id for row in rows if row.excluded]
            query = _recipients(several=len(topics) > 1, some_left_out=bool(left_out))
            bounds = {"topics": topics, "after": after, "hi": job.chunk.hi, "limit": limit}
            chosen = connection.execute(query, bounds | ({"left_out": left_out} if left_out else {}))
            found = chosen.cursor.fetchall()  # past SQLAlchemy, whose rows take longer than to read them
            envelopes = take_envelopes(connection, self._database, [row[0] for row in found])
            standings = standings_between(connection, after, found[-1][0]) if found else {}
            return [recipient(row, envelopes.get(row[0]), standings.get(row[0])) for row in found]

    def settle(self, job: LeasedChunk, settlement: Settlement, now: datetime, lease_s: float) -> None:
        """Write what came of a sub-batch, move the cursor and renew the lease, in one transaction."""
        with self._database.writing(may_be_repeated=True) as connection:
            values: dict[str, Any] = {"cursor": settlement.cursor, "lease_until": now + timedelta(seconds=lease_s)}
            if settlement.done:
                values |= {"state": "done", "lease_until": None, "lease_token": None}
            _under_lease(connection, job, values)
            tally = _tally(job, settlement)
            add_retries(connection, job.alert, settlement.retries, tally)
            _, moved = remove_subscriptions(connection, settlement.gone, now, tally, settlement.endpoints)
            prove(connection, settlement.proved)
            count_failures(connection, staying(connection, list(settlement.failed)), now)
            follow(connection, job.alert, moved, now, tally)
            add_counts(connection, tally)
            add_times(connection, {(job.alert.id, ACCEPTED, le_s): n for le_s, n in settlement.took.items()})
            others = tally.alerts - {job.alert.id}  # whose retries went with those who are gone
            finish_if_done(connection, others | {job.alert.id} if settlement.done else others, now)

    def release(self, job: LeasedChunk, now: datetime) -> None:
        """Give the chunk back where its cursor stands, for whoever is next."""
        with self._database.writing(may_be_repeated=True) as connection:
            _under_lease(connection, job, {"state": "ready", "lease_until": None, "lease_token": None})

    def claim_retries(
        self,
        now: datetime,
        limit: int,
        lease_s: float,
        held: Deferred = NOTHING_DEFERRED,
        rooms: Mapping[str, int] = NO_ROOMS,
    ) -> Sequence[LeasedRetry]:
        """Due retries of one alert at one push service that is not held, who was here most recently first."""
        with self._database.reading() as connection:
            found = first_due(connection, now, held) if connection.scalar(_ANY_DUE, {"now": now}) else None
        if found is None:
            return []
        alert_id, service = found
        with self._database.writing(may_be_repeated=True) as connection:
            ids = most_engaged(connection, alert_id, service, now, min(limit, rooms.get(service, limit)))
            lease = {"until": now + timedelta(seconds=lease_s), "token": self._database.lease_token()}
            rows = connection.execute(_LEASE_RETRIES, {"alert": alert_id, "ids": ids, **lease}).all()
            return retry_jobs(connection, alert_id, sorted(rows, key=lambda row: ids.index(row.subscription_id)))

    def settle_retries(self, settlements: Sequence[RetrySettlement], now: datetime) -> None:
        """Write what came of retries that are still held: counted and removed, or put off."""
        tally, gone, took = OutcomeCounts(), {}, Counter[tuple[int, str, float]]()
        with self._database.writing(may_be_repeated=True) as connection:
            put_off(connection, settlements)
            over = [settled for settled in settlements if settled.again is None]
            ended = end(connection, over)
            for settled in over:
                if (settled.alert_id, settled.recipient.subscription_id) not in ended:
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
            prove(connection, [s.recipient.subscription_id for s in settlements if s.proved])
            failed = [s.recipient.subscription_id for s in settlements if s.failed]
            count_failures(connection, staying(connection, failed), now)
            for alert_id in {s.alert_id for s in settlements if s.recipient.subscription_id in moved}:
                follow(connection, load_alerts(connection, [alert_id])[alert_id], moved, now, tally)
            add_counts(connection, tally)
            add_times(connection, took)
            finish_if_done(connection, tally.alerts, now)

    def _any(self, condition: ColumnElement[bool]) -> bool:
        with self._database.reading() as connection:
            return bool(connection.scalar(select(exists().where(condition))))


def _claimable(now: datetime) -> ColumnElement[bool]:
    ready = and_(chunk.c.state == "ready", chunk.c.not_before <= now)
    return or_(ready, and_(chunk.c.state == "leased", chunk.c.lease_until < now))


@cache
def _recipients(*, several: bool, some_left_out: bool) -> Select[Any]:
    """The next `limit` recipients of some topics (`several`: two or more), between two ids. Made once, for all."""
    member = subscription_topic.c.subscription_id
    after, hi = bindparam("after", type_=BigInteger), bindparam("hi", type_=BigInteger)
    topics = subscription_topic.c.topic_id.in_(bindparam("topics", expanding=True))
    query = (
        select(*RECIPIENT_COLUMNS)
        .join(subscription_topic, member == subscription.c.id)
        # The second bound repeats the first for the planner: without it PostgreSQL reads a tenth as fast.
        .where(member > after, member <= hi, topics, subscription.c.id > after, subscription.c.id <= hi)
        .order_by(subscription.c.id)
        .limit(bindparam("limit", type_=Integer))
    )
    if several:
        query = query.distinct()
    return query.where(~has_topic(subscription.c.id, bindparam("left_out", expanding=True))) if some_left_out else query


def _under_lease(connection: Connection, job: LeasedChunk, values: dict[str, Any]) -> None:
    held = {"held": job.chunk.id, "token": job.chunk.lease_token}
    if connection.execute(_UNDER_LEASE, held | values).rowcount != 1:
        raise LeaseLost(f"chunk {job.chunk.id} of alert {job.alert.id} is held by another worker now")


def _tally(job: LeasedChunk, settlement: Settlement) -> OutcomeCounts:
    return OutcomeCounts(
        {
            (job.alert.id, service, outcome): count
            for service, outcomes in settlement.counts.items()
            for outcome, count in outcomes.items()
        }
    )


def _chunk(row: Any) -> Chunk:
    return Chunk(row.id, row.alert_id, row.lo, row.hi, row.cursor, row.attempts, row.lease_token)
