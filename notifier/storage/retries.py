"""Pushes that have to be tried again: a row each, claimed by a lease, those first who were here most recently.

What the delivery store does with `delivery_retry`, in its transactions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Integer, and_, bindparam, delete, exists, func, or_, select, update

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import Deferred, LeasedRetry, Recipient, RetryLater, RetrySettlement, Standing
from notifier.storage.alerts import load_alerts
from notifier.storage.counts import OutcomeCounts
from notifier.storage.database import insert_for
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
# Statements that are run for every sub-batch are made once: that costs more than to run them.
_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_RECIPIENTS = select(*RECIPIENT_COLUMNS).where(subscription.c.id.in_(_IDS))
_STAYING = (
    select(subscription.c.id, subscription.c.push_service, subscription.c.last_seen_at)
    .where(subscription.c.id.in_(_IDS))
    .order_by(subscription.c.id)
    .with_for_update(read=True, key_share=True)
)
_HELD = and_(delivery_retry.c.alert_id == bindparam("alert"), delivery_retry.c.lease_token == bindparam("token"))
_END = (
    delete(delivery_retry)
    .where(_HELD, delivery_retry.c.subscription_id.in_(_IDS))
    .returning(delivery_retry.c.subscription_id)
)
_PUT_OFF = (
    update(delivery_retry)
    .where(_HELD, delivery_retry.c.subscription_id == bindparam("who"))
    .values(
        attempts=bindparam("tried"),
        reason=bindparam("why"),
        next_attempt_at=bindparam("at"),
        lease_until=None,
        lease_token=None,
    )
)


# `now` twice: who waits until then, and whose lease is over by then.
_NOW = bindparam("now", type_=delivery_retry.c.next_attempt_at.type)
_FREE = or_(delivery_retry.c.lease_until.is_(None), delivery_retry.c.lease_until < _NOW)
DUE = and_(delivery_retry.c.next_attempt_at <= _NOW, _FREE)
_SERVICE = delivery_count.c.push_service
_MAY_GO = and_(
    or_(alert.c.breaking.is_(False), _SERVICE.not_in(bindparam("held_breaking", expanding=True))),
    or_(alert.c.breaking.is_(True), _SERVICE.not_in(bindparam("held_ordinary", expanding=True))),
)
# Whose turn it is: by the few rows that count them, not by the many that wait.
_FIRST_DUE = (
    select(delivery_count.c.alert_id, _SERVICE)
    .join(alert, alert.c.id == delivery_count.c.alert_id)
    .where(
        delivery_count.c.outcome == "retrying",
        delivery_count.c["count"] > 0,
        exists().where(
            delivery_retry.c.alert_id == delivery_count.c.alert_id,
            delivery_retry.c.push_service == _SERVICE,
            DUE,
            # Once the alert's time is over nobody is sent to: that is to be counted, held or not.
            or_(_MAY_GO, delivery_retry.c.expires_at <= _NOW),
        ),
    )
    .order_by(alert.c.breaking.desc(), alert.c.id, _SERVICE)
    .limit(1)
)
_WAITING = (
    select(delivery_retry.c.subscription_id, delivery_retry.c.seen_at)
    .where(delivery_retry.c.alert_id == bindparam("alert"), delivery_retry.c.push_service == bindparam("service"))
    .with_for_update(skip_locked=True)
)
_SOONEST = _WAITING.where(DUE).order_by(delivery_retry.c.next_attempt_at).limit(MANY_DUE)
# Written so that no index of times to try again is used, which would sort everybody who waits each time.
_REACHED = func.coalesce(delivery_retry.c.next_attempt_at, delivery_retry.c.next_attempt_at) <= _NOW
_LAST_SEEN = (
    _WAITING.where(_REACHED, _FREE).order_by(delivery_retry.c.seen_at.desc()).limit(bindparam("limit", type_=Integer))
)


def first_due(connection: Connection, now: datetime, deferred: Deferred) -> tuple[int, str] | None:
    """(alert, push service) whose turn it is; None if nothing is due."""
    named = {"now": now, "held_breaking": list(deferred.get(True, ())), "held_ordinary": list(deferred.get(False, ()))}
    found = connection.execute(_FIRST_DUE, named).one_or_none()
    return None if found is None else (found.alert_id, found.push_service)


def most_engaged(connection: Connection, alert_id: int, service: str, now: datetime, limit: int) -> list[int]:
    """Of those who are due, the subscribers who were here most recently."""
    named = {"alert": alert_id, "service": service, "now": now}
    few = connection.execute(_SOONEST, named).all()
    if len(few) < MANY_DUE:
        return [row.subscription_id for row in sorted(few, key=lambda row: row.seen_at, reverse=True)[:limit]]
    # Most of them are due, then: go through those who were here last until enough are.
    return [row.subscription_id for row in connection.execute(_LAST_SEEN, named | {"limit": limit})]


def follow(connection: Connection, to: Alert, moved: Mapping[int, str], now: datetime, tally: OutcomeCounts) -> None:
    """Who has another endpoint than the one that had ended gets the alert there: at once, by a retry."""
    for service in moved.values():
        tally[to.id, service, "gone"] -= 1
        tally[to.id, service, "retrying"] += 1
    again = [RetryLater(number, 1, MOVED, now, service) for number, service in moved.items()]
    add_retries(connection, to, again, tally)


def add_retries(connection: Connection, to: Alert, retries: Sequence[RetryLater], tally: OutcomeCounts) -> None:
    """Write down who is to be tried again, and give up who left meanwhile."""
    if not retries:
        return
    expires = to.decided_at + timedelta(seconds=to.ttl_s)
    # A subscriber who left in the meantime is no longer there to be referred to.
    alive = staying(connection, [later.subscription_id for later in retries])
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
        connection.execute(_adding(connection.dialect.name), rows)


def staying(connection: Connection, ids: Sequence[int]) -> Mapping[int, Any]:
    """{subscription id: row} of those who did not leave meanwhile, and stay until the caller's transaction ends."""
    return {row.id: row for row in connection.execute(_STAYING, {"ids": ids})} if ids else {}


@cache
def _adding(dialect: str) -> Any:
    return insert_for(dialect, delivery_retry).on_conflict_do_nothing()


def end(connection: Connection, settlements: Sequence[RetrySettlement]) -> set[tuple[int, int]]:
    """Delete retries that are over; returns {(alert, subscription)} of those that this worker still held."""
    held: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for settled in settlements:
        held[settled.alert_id, settled.lease_token].append(settled.recipient.subscription_id)
    ended = set()
    for (alert_id, lease_token), ids in held.items():
        gone = connection.scalars(_END, {"alert": alert_id, "token": lease_token, "ids": ids})
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
    if rows:
        connection.execute(_PUT_OFF, rows)


def retry_jobs(connection: Connection, alert_id: int, rows: Sequence[Any]) -> list[LeasedRetry]:
    """The retries of one alert that `rows` of `delivery_retry` are, each with its recipient."""
    held = load_alerts(connection, [alert_id])[alert_id]
    found = connection.execute(_RECIPIENTS, {"ids": [row.subscription_id for row in rows]}).all()
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
