"""Pushes that have to be tried again: a row each, claimed by a lease, those first who were here most recently.

What the delivery store does with `delivery_retry`, in its transactions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, delete, exists, func, or_, select, update

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import Held, LeasedRetry, Recipient, RetryLater, RetrySettlement, Standing
from notifier.storage.alerts import load_alerts
from notifier.storage.counts import OutcomeCounts
from notifier.storage.database import upsert_into
from notifier.storage.schema import alert, delivery_count, delivery_retry, subscription
from notifier.storage.standing import standings_of
from notifier.subscribers.subscriber import PushKeys

MOVED = "moved"
MANY_DUE = 2_000
RECIPIENT_COLUMNS = (
    subscription.c.id,
    subscription.c.endpoint,
    subscription.c.p256dh,
    subscription.c.auth,
    subscription.c.push_service,
    subscription.c.vapid_key_id,
)


def due(now: datetime) -> ColumnElement[bool]:
    free = or_(delivery_retry.c.lease_until.is_(None), delivery_retry.c.lease_until < now)
    return and_(delivery_retry.c.next_attempt_at <= now, free)


def first_due(now: datetime, held: Held) -> Select[tuple[int, str]]:
    """(alert, push service) whose turn it is: by the few rows that count them, not by the many that wait."""
    service = delivery_count.c.push_service
    theirs = (delivery_retry.c.alert_id == delivery_count.c.alert_id, delivery_retry.c.push_service == service)
    return (
        select(delivery_count.c.alert_id, service)
        .join(alert, alert.c.id == delivery_count.c.alert_id)
        .where(
            delivery_count.c.outcome == "retrying",
            delivery_count.c["count"] > 0,
            *(or_(alert.c.breaking != breaking, service.not_in(services)) for breaking, services in held.items()),
            exists().where(*theirs, due(now)),
        )
        .order_by(alert.c.breaking.desc(), alert.c.id, service)
        .limit(1)
    )


def most_engaged(connection: Connection, alert_id: int, service: str, now: datetime, limit: int) -> list[int]:
    """Of those who are due, the subscribers who were here most recently."""
    theirs = and_(delivery_retry.c.alert_id == alert_id, delivery_retry.c.push_service == service)
    columns = (delivery_retry.c.subscription_id, delivery_retry.c.seen_at)
    query = select(*columns).where(theirs).with_for_update(skip_locked=True)
    few = connection.execute(query.where(due(now)).order_by(delivery_retry.c.next_attempt_at).limit(MANY_DUE)).all()
    if len(few) < MANY_DUE:
        return [row.subscription_id for row in sorted(few, key=lambda row: row.seen_at, reverse=True)[:limit]]
    # Most of them are due, then: go through those who were here last until enough are. Written so that no index of
    # times to try again is used, which would sort everybody who waits each time.
    free = or_(delivery_retry.c.lease_until.is_(None), delivery_retry.c.lease_until < now)
    reached = func.coalesce(delivery_retry.c.next_attempt_at, delivery_retry.c.next_attempt_at) <= now
    walk = query.where(reached, free).order_by(delivery_retry.c.seen_at.desc()).limit(limit)
    return [row.subscription_id for row in connection.execute(walk)]


def follow(connection: Connection, to: Alert, moved: Mapping[int, str], now: datetime, tally: OutcomeCounts) -> None:
    """Who has another endpoint than the one that had ended gets the alert there: at once, by a retry."""
    for service in moved.values():
        tally[to.id, service, "gone"] -= 1
        tally[to.id, service, "retrying"] += 1
    again = [RetryLater(number, 1, MOVED, now, service) for number, service in moved.items()]
    add_retries(connection, to, again, tally)


def add_retries(connection: Connection, to: Alert, retries: Sequence[RetryLater], tally: OutcomeCounts) -> None:
    if not retries:
        return
    expires = to.decided_at + timedelta(seconds=to.ttl_s)
    # A subscriber who left in the meantime is no longer there to be referred to; who is there stays until the commit.
    columns = (subscription.c.id, subscription.c.push_service, subscription.c.last_seen_at)
    wanted = select(*columns).where(subscription.c.id.in_([later.subscription_id for later in retries]))
    held = connection.execute(wanted.order_by(subscription.c.id).with_for_update(read=True, key_share=True))
    alive = {row.id: row for row in held}
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
                "push_service": alive[later.subscription_id].push_service,
                "seen_at": alive[later.subscription_id].last_seen_at,
                "lease_until": later.lease_until,
                "lease_token": later.lease_token,
            }
        )
    if rows:
        connection.execute(upsert_into(connection, delivery_retry).on_conflict_do_nothing(), rows)


def end(connection: Connection, settlements: Sequence[RetrySettlement]) -> set[tuple[int, int]]:
    """Delete retries that are over; returns {(alert, subscription)} of those that this worker still held."""
    held: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for settled in settlements:
        held[settled.alert_id, settled.lease_token].append(settled.recipient.subscription_id)
    ended = set()
    for (alert_id, lease_token), ids in held.items():
        ours = and_(
            delivery_retry.c.alert_id == alert_id,
            delivery_retry.c.lease_token == lease_token,
            delivery_retry.c.subscription_id.in_(ids),
        )
        gone = connection.scalars(delete(delivery_retry).where(ours).returning(delivery_retry.c.subscription_id))
        ended |= {(alert_id, number) for number in gone}
    return ended


def put_off(connection: Connection, settlements: Sequence[RetrySettlement]) -> None:
    """Let those who have to be tried again wait, unless another worker holds them now."""
    rows = [
        {
            "alert": settled.alert_id,
            "who": settled.recipient.subscription_id,
            "token": settled.lease_token,
            "tried": settled.again.attempts,
            "why": settled.again.reason,
            "at": settled.again.next_attempt_at,
        }
        for settled in settlements
        if settled.again is not None
    ]
    if not rows:
        return
    held = and_(
        delivery_retry.c.alert_id == bindparam("alert"),
        delivery_retry.c.subscription_id == bindparam("who"),
        delivery_retry.c.lease_token == bindparam("token"),
    )
    waits: dict[str, Any] = {
        "attempts": bindparam("tried"),
        "reason": bindparam("why"),
        "next_attempt_at": bindparam("at"),
        "lease_until": None,
        "lease_token": None,
    }
    connection.execute(update(delivery_retry).where(held).values(waits), rows)


def retry_jobs(connection: Connection, alert_id: int, rows: Sequence[Any]) -> list[LeasedRetry]:
    held = load_alerts(connection, [alert_id])[alert_id]
    query = select(*RECIPIENT_COLUMNS).where(subscription.c.id.in_([row.subscription_id for row in rows]))
    found = connection.execute(query).all()
    standings = standings_of(connection, [row.id for row in found])
    recipients = {row.id: recipient(row, standing=standings.get(row.id)) for row in found}
    return [
        LeasedRetry(held, _to_try(recipients[row.subscription_id], row.attempts), row.attempts, row.lease_token)
        for row in rows
    ]


def _to_try(to: Recipient, attempts: int) -> Recipient:
    """Who failed with this alert before tells nothing of the service by failing again."""
    return replace(to, tells=False) if attempts else to


def recipient(row: Sequence[Any], envelope: bytes | None = None, standing: Standing | None = None) -> Recipient:
    """`row` has the RECIPIENT_COLUMNS."""
    subscription_id, endpoint, p256dh, auth, push_service, vapid_key_id = row
    keys, tells = PushKeys(endpoint, p256dh, auth), standing is None or standing.is_proven
    return Recipient(subscription_id, keys, push_service, vapid_key_id, envelope, standing, tells)
