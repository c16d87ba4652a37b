"""What all workers together know of push services that limit the site. Implements `SharedLimits`.

A row for each service, changed under its lock: of two workers that ask for the last message of a minute, one gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from notifier.errors import DatabaseUnwell
from notifier.push.pacing import Limit, Minute
from notifier.storage.database import Database, upsert_into
from notifier.storage.schema import push_limit

log = structlog.get_logger()


class SqlSharedLimits:
    """SharedLimits on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Limit] = {}

    def change(self, origin: str, step: Callable[[Limit], Limit]) -> None:
        """Replace a service's Limit by what `step` makes of it, while nobody else does; see SharedLimits."""
        try:
            with self._database.writing() as connection:
                state = _held(connection, origin)
                after = state_of(step(limit_of(state)))
                if after != state:
                    connection.execute(update(push_limit).where(push_limit.c.origin == origin).values(state=after))
        except (DatabaseUnwell, SQLAlchemyError) as away:
            # What is sent must not wait for the database: this worker keeps to what it knew.
            log.warning("push.limit-not-shared", problem=type(away).__name__)
            self._known[origin] = step(self._known.get(origin, Limit()))
        else:
            self._known[origin] = limit_of(after)


def _held(connection: Connection, origin: str) -> Mapping[str, Any]:
    """The service's row, which nobody else changes until the transaction is over."""
    query = select(push_limit.c.state).where(push_limit.c.origin == origin).with_for_update()
    found = connection.execute(query).one_or_none()
    if found is None:
        made = upsert_into(connection, push_limit).values(origin=origin, state={}).on_conflict_do_nothing()
        connection.execute(made)
        found = connection.execute(query).one()
    return found.state  # type: ignore[no-any-return]


def state_of(limit: Limit) -> dict[str, Any]:
    """A Limit as it is stored."""
    return {
        "minute": _minute_state(limit.minute),
        "before": _minute_state(limit.before),
        "limited_minutes": limit.limited_minutes,
        "per_minute": limit.per_minute,
        "lifts_at": _text(limit.lifts_at),
    }


def limit_of(state: Mapping[str, Any]) -> Limit:
    """What `state_of` made, or a fresh Limit of nothing."""
    if not state:
        return Limit()
    return Limit(
        _minute(state["minute"]),
        _minute(state["before"]),
        state["limited_minutes"],
        state["per_minute"],
        _time(state["lifts_at"]),
    )


def _minute_state(minute: Minute) -> list[Any]:
    return [_text(minute.started_at), minute.sent, minute.accepted, minute.throttled]


def _minute(state: list[Any]) -> Minute:
    started_at, sent, accepted, throttled = state
    return Minute(_time(started_at), sent, accepted, throttled)


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
