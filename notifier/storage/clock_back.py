"""Times that lie ahead because the clock did, brought back: nothing waits for a day that is not near.

Called at every start, and when the clock was set back. A lease, an alert or a session that was made while the clock was
ahead would otherwise stand still until it is that time again. The parts of a time keep their distance: an alert that
was to be held for a quarter of an hour still is, and one that waits for a person still waits.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, text, update

from notifier.storage.database import Database
from notifier.storage.limits import limit_of
from notifier.storage.schema import (
    alert,
    api_token,
    chunk,
    delivery_retry,
    feed,
    lease,
    provider_visit,
    push_limit,
    subscription,
)
from notifier.storage.schema.base import microseconds

SLACK = timedelta(minutes=1)
"""Between the clocks of two hosts this much is no fault."""
LONGEST_WAIT = timedelta(hours=1)
LONGEST_VISIT = timedelta(hours=1)

# What was made ahead of now was made now, and what hangs on it moves by as much. `:limit` is now with its slack.
_SHIFTS = (
    text(
        "UPDATE chunk SET not_before = not_before - (SELECT decided_at - :now FROM alert WHERE alert.id = alert_id)"
        " WHERE alert_id IN (SELECT id FROM alert WHERE decided_at > :limit)"
    ),
    text(
        "UPDATE delivery_retry SET"
        " next_attempt_at = next_attempt_at - (SELECT decided_at - :now FROM alert WHERE alert.id = alert_id),"
        " expires_at = expires_at - (SELECT decided_at - :now FROM alert WHERE alert.id = alert_id)"
        " WHERE alert_id IN (SELECT id FROM alert WHERE decided_at > :limit)"
    ),
    text("UPDATE alert SET hold_until = hold_until - (decided_at - :now), decided_at = :now WHERE decided_at > :limit"),
    text(
        "UPDATE operator_session SET until = until - (created_at - :now), created_at = :now WHERE created_at > :limit"
    ),
    text("UPDATE api_token SET until = until - (created_at - :now), created_at = :now WHERE created_at > :limit"),
    # An item was first seen before it was last seen, so the index of the latter finds them all.
    text(
        "UPDATE item_version SET seen_at = :now"
        " WHERE seen_at > :limit AND item_id IN (SELECT id FROM item WHERE seen_at > :limit)"
    ),
    text(
        "UPDATE item SET first_seen_at = CASE WHEN first_seen_at > :now THEN :now ELSE first_seen_at END,"
        " seen_at = :now WHERE seen_at > :limit"
    ),
    text(
        "UPDATE story SET first_seen_at = CASE WHEN first_seen_at > :now THEN :now ELSE first_seen_at END,"
        " updated_at = :now WHERE updated_at > :limit"
    ),
)


def bring_back(database: Database, now: datetime, lease_s: float) -> None:
    """Bound every time that something waits for. `lease_s` is the longest lease that is given.

    On PostgreSQL the later of this host's clock and the server's counts: a host whose own clock is behind must not move
    what the others made.
    """
    with database.writing() as connection:
        if not database.is_sqlite:
            now = max(now, connection.scalar(text("SELECT clock_timestamp()")) or now)
        bounds = {"now": microseconds(now), "limit": microseconds(now + SLACK)}
        for shift in _SHIFTS:
            connection.execute(shift, bounds)
        _bound_leases(connection, now, timedelta(seconds=lease_s))
        _bound_waits(connection, now)
        _bound_records(connection, now)


def _bound_leases(connection: Connection, now: datetime, longest: timedelta) -> None:
    until, limit = now + longest, now + longest + SLACK
    for table in (chunk, delivery_retry, feed):
        connection.execute(update(table).where(table.c.lease_until > limit).values(lease_until=until))
    connection.execute(update(lease).where(lease.c.until > limit).values(until=until))


def _bound_waits(connection: Connection, now: datetime) -> None:
    late = delivery_retry.c.next_attempt_at > now + LONGEST_WAIT
    connection.execute(update(delivery_retry).where(late).values(next_attempt_at=now + SLACK))
    connection.execute(delete(provider_visit).where(provider_visit.c.until > now + LONGEST_VISIT))
    ahead = api_token.c.last_used_at > now + SLACK
    connection.execute(update(api_token).where(ahead).values(last_used_at=now))
    for row in connection.execute(select(push_limit)).all():
        begun = limit_of(row.state).minute.started_at
        if begun is not None and begun > now + SLACK:  # of a minute that would not end
            connection.execute(delete(push_limit).where(push_limit.c.origin == row.origin))


def _bound_records(connection: Connection, now: datetime) -> None:
    for column in (alert.c.done_at, alert.c.withdrawn_at):
        connection.execute(update(alert).where(column > now + SLACK).values({column.name: now}))
    for column in (subscription.c.created_at, subscription.c.last_seen_at):
        connection.execute(update(subscription).where(column > now).values({column.name: now}))
