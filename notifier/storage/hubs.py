"""WebSub subscriptions in the database: columns of their feed's row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from notifier.feeds.cadence import MISSES_UNTIL_QUIET
from notifier.feeds.hub import ACTIVE, ASKED, LEAVING, Hub, HubRequest, steps_of
from notifier.storage.database import Store
from notifier.storage.schema import feed
from notifier.storage.stepped import hub_waits_too_long

SOON_AFTER = timedelta(seconds=30)
"""A hub that pushes without end has its feed polled no more often than the quickest."""

_HUB = (
    feed.c.id,
    feed.c.hub_url,
    feed.c.hub_topic,
    feed.c.active,
    feed.c.hub_callback,
    feed.c.hub_secret,
    feed.c.hub_state,
    feed.c.hub_subscribed_url,
    feed.c.hub_subscribed_topic,
    feed.c.hub_lease_until,
    feed.c.hub_next_at,
    feed.c.hub_missed,
)


class SqlHubStore(Store):
    """The HubStore on SQLite and PostgreSQL."""

    def take_steps(self, now: datetime, limit: int) -> list[HubRequest]:
        """See HubStore."""
        due = _is_due(now)
        with self._database.reading() as connection:  # mostly there is nothing to do: take no writer's turn for that
            if connection.execute(select(feed.c.id).where(due).limit(1)).first() is None:
                return []
        query = select(*_HUB).where(due).order_by(feed.c.hub_next_at).limit(limit).with_for_update(skip_locked=True)
        with self._database.writing() as connection:
            steps = steps_of([_hub(row) for row in connection.execute(query)], now)
            for hub, _ in steps:
                connection.execute(update(feed).where(feed.c.id == hub.feed_id).values(_row(hub)))
        return [request for _, request in steps if request is not None]

    def by_callback(self, callback: str) -> Hub | None:
        """See HubStore."""
        return self._one(feed.c.hub_callback == callback)

    def by_feed(self, feed_id: int) -> Hub | None:
        """See HubStore."""
        return self._one(feed.c.id == feed_id)

    def save(self, hub: Hub) -> None:
        """See HubStore."""
        with self._database.writing() as connection:
            connection.execute(update(feed).where(feed.c.id == hub.feed_id).values(_row(hub)))

    def poll_soon(self, feed_id: int, now: datetime) -> None:
        """See HubStore."""
        with self._database.reading() as connection:  # of a hub that pushes without end nothing is left to be written
            times = select(feed.c.last_polled_at, feed.c.next_poll_at).where(feed.c.id == feed_id)
            row = connection.execute(times).one_or_none()
        if row is None:
            return
        last = row.last_polled_at
        at = now if last is None else min(max(now, last + SOON_AFTER), now + SOON_AFTER)
        if row.next_poll_at > at:
            with self._database.writing() as connection:
                later = feed.c.next_poll_at > at
                connection.execute(update(feed).where(feed.c.id == feed_id, later).values(next_poll_at=at))

    def _one(self, condition: Any) -> Hub | None:
        with self._database.reading() as connection:
            row = connection.execute(select(*_HUB).where(condition)).first()
        return None if row is None else _hub(row)


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Rows for which `next_step` may have something to do: to join, to renew, to ask anew, to leave."""
    has_hub_to_join = and_(feed.c.active, feed.c.hub_url.is_not(None))
    moved = or_(feed.c.hub_subscribed_url != feed.c.hub_url, feed.c.hub_subscribed_topic != feed.c.hub_topic)
    quiet = and_(feed.c.hub_state == ACTIVE, feed.c.hub_missed >= MISSES_UNTIL_QUIET)
    its_time = or_(feed.c.hub_next_at.is_(None), feed.c.hub_next_at <= now, hub_waits_too_long(now))
    to_leave = and_(
        or_(~feed.c.active, feed.c.hub_url.is_(None)),
        or_(feed.c.hub_state.in_((ASKED, ACTIVE)), and_(feed.c.hub_state == LEAVING, its_time)),
    )
    return or_(and_(has_hub_to_join, or_(its_time, moved, quiet)), to_leave)


def _hub(row: Any) -> Hub:
    return Hub(*row)


def _row(hub: Hub) -> dict[str, Any]:
    return {
        "hub_callback": hub.callback,
        "hub_secret": hub.secret,
        "hub_state": hub.state,
        "hub_subscribed_url": hub.subscribed_url,
        "hub_subscribed_topic": hub.subscribed_topic,
        "hub_lease_until": hub.lease_until,
        "hub_next_at": hub.next_at,
        "hub_missed": hub.missed,
    }
