"""Times in the database that a clock wrote which was ahead: they must not put off for days what is due.

Enters: the time now. Leaves: the statements and conditions by which feeds, leases and hubs come back. Nobody tells here
when a clock stepped: a time that lies further ahead than anybody would have set it says so itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, Update, and_, case, func, or_, type_coerce, update

from notifier.feeds import hub
from notifier.feeds.cadence import CadenceSettings, longest_s
from notifier.feeds.hosts import LONGEST_LINE_S
from notifier.storage.schema import feed
from notifier.storage.schema.base import microseconds

SWEEP_EVERY = timedelta(minutes=1)
CLOCKS_DIFFER = timedelta(minutes=2)
"""The clocks of several pollers may differ by so much."""


class Sweep:
    """When to look: at the start, once a minute, and at once when the clock is behind the last look."""

    def __init__(self) -> None:
        self._looked_at: datetime | None = None

    def is_time(self, now: datetime) -> bool:
        """Whether to look now; the next time is counted from here."""
        if self._looked_at is not None and self._looked_at <= now < self._looked_at + SWEEP_EVERY:
            return False
        self._looked_at = now
        return True


def call_back(now: datetime, settings: CadenceSettings) -> Update:
    """Make the feeds due that were polled in the future, or that wait for longer than any interval is."""
    interval_s = func.coalesce(feed.c.interval_s, 0.0)
    pinned_s = func.coalesce(feed.c.pinned_s, 0.0)
    longest = case((interval_s > pinned_s, interval_s), else_=pinned_s) * (1 + settings.jitter)
    bound_s = case((longest > longest_s(None, settings), longest), else_=longest_s(None, settings)) + LONGEST_LINE_S
    waits = type_coerce(feed.c.next_poll_at, BigInteger) - _now(now) > bound_s * 1_000_000
    return (
        update(feed)
        .where(feed.c.active, feed.c.next_poll_at > now, or_(feed.c.last_polled_at > now + CLOCKS_DIFFER, waits))
        .values(next_poll_at=now)
    )


def lease_is_void(now: datetime, lease_s: float) -> ColumnElement[bool]:
    """A lease that ends later than a lease of this length can."""
    return feed.c.lease_until > now + timedelta(seconds=lease_s) + max(timedelta(seconds=lease_s), CLOCKS_DIFFER)


def hub_waits_too_long(now: datetime) -> ColumnElement[bool]:
    """Rows of which `hub.waits` may say that their time was set by a clock that was ahead."""
    next_at, lease = (type_coerce(column, BigInteger) for column in (feed.c.hub_next_at, feed.c.hub_lease_until))
    of_lease = next_at - _now(now) > (lease - next_at) * hub.WAIT_PER_REST
    return or_(
        feed.c.hub_next_at > now + hub.LONGEST_WAIT,
        and_(feed.c.hub_state == hub.ASKED, feed.c.hub_next_at > now + hub.ASK_AGAIN + hub.CLOCKS_DIFFER),
        and_(
            feed.c.hub_state.in_((hub.DENIED, hub.LEAVING)),
            feed.c.hub_next_at > now + hub.ASK_DENIED_AGAIN + hub.CLOCKS_DIFFER,
        ),
        and_(feed.c.hub_state == hub.ACTIVE, feed.c.hub_next_at > now + hub.ASK_AGAIN + hub.CLOCKS_DIFFER, of_lease),
    )


def _now(now: datetime) -> int:
    return microseconds(now) or 0
