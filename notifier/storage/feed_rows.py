"""Rows of the feed table as the feeds room knows them: claimed feeds out, and the ticks of calm polls in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, select

from notifier.feeds.feed import HealthStatus
from notifier.feeds.hub import ACTIVE, LONGEST_LEASE
from notifier.feeds.poll_state import ClaimedFeed, PollResult, PollState, Recorded
from notifier.storage.schema import feed, feed_body
from notifier.storage.schema.base import microseconds

MEMORY = tuple(field.name for field in fields(PollState))

# Most polls find nothing: of their memory only these columns move, and they are written past SQLAlchemy's types, which
# take four times as long as the database.
_TICKING = ("next_poll_at", "last_polled_at", "last_success_at", "interval_s")
_RESTING = attrgetter(*(name for name in MEMORY if name not in _TICKING))
_TICK = (
    "UPDATE feed SET next_poll_at = ?, last_polled_at = ?, last_success_at = ?, interval_s = ?,"
    " lease_until = NULL, lease_token = NULL WHERE id = ?"
)


def select_claimed(now: datetime) -> Select[Any]:
    """The columns of a ClaimedFeed, the memory's first."""
    return select(
        *(feed.c[name] for name in MEMORY),
        feed.c.id,
        feed.c.url,
        feed.c.publisher,
        feed.c.lease_token,
        feed.c.headers_env,
        feed.c.pinned_s,
        feed.c.broke_at,
        feed_body.c.digests,
        hub_is_active(now).label("hub_active"),
    ).select_from(feed.outerjoin(feed_body))


def hub_is_active(now: datetime) -> ColumnElement[bool]:
    """A WebSub subscription stands at `now`. A lease beyond the longest was noted by a clock that was ahead."""
    lease = and_(feed.c.hub_lease_until > now, feed.c.hub_lease_until < now + LONGEST_LEASE)
    return case((and_(feed.c.hub_state == ACTIVE, lease), True), else_=False)


def claimed_feed(row: Row[Any]) -> ClaimedFeed:
    """A row of `select_claimed`, in its own type."""
    size = len(MEMORY)
    next_poll_at, state, *rest = row[:size]
    feed_id, url, publisher, token, headers_env, pinned_s, broke_at, digests, hub_active = row[size : size + 9]
    return ClaimedFeed(
        id=feed_id,
        url=url,
        publisher=publisher,
        lease_token=token,
        poll_state=PollState(next_poll_at, HealthStatus(state), *rest),
        headers_env=headers_env,
        pinned_s=pinned_s,
        digests=digests or b"",
        hub_active=bool(hub_active),
        broke_at=broke_at,
    )


def is_calm(result: PollResult, found: Recorded) -> bool:
    """Whether after a poll the feed is as it was, but for its times."""
    before = result.before
    if before is None or result.lease_token is None or found.new or found.edited:
        return False
    return bool(_RESTING(result.poll_state) == _RESTING(before))


def tick(connection: Connection, calm: Sequence[PollResult]) -> None:
    """Write the times of calm polls, and end their leases."""
    statement = _TICK if connection.dialect.name == "sqlite" else _TICK.replace("?", "%s")
    connection.exec_driver_sql(statement, [_tick_row(result) for result in calm])


def _tick_row(result: PollResult) -> tuple[Any, ...]:
    poll_state = result.poll_state
    times = (poll_state.next_poll_at, poll_state.last_polled_at, poll_state.last_success_at)
    return (*map(microseconds, times), poll_state.interval_s, result.feed_id)
