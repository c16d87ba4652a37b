"""The room that each feed has left (see `feeds.flood`), and what was left out or refused of it: columns of `feed`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, select, update

from notifier.feeds.flood import FloodAllowance, FloodSettings, room_at
from notifier.storage.schema import feed

FLOODING_FOR = timedelta(hours=1)
"""So long after the last item that was left out a feed counts as flooding."""

_BY_ID = feed.c.id == bindparam("_id")
_ROOM = update(feed).where(_BY_ID).values({name: bindparam(name) for name in ("room_new", "room_edits", "room_at")})
_LEFT_OUT = (
    update(feed)
    .where(_BY_ID)
    .values(
        left_out=bindparam("_more") + case((feed.c.left_out_at >= bindparam("_since"), feed.c.left_out), else_=0),
        left_out_at=bindparam("_now"),
    )
)
_REFUSED = update(feed).where(_BY_ID).values(refused=bindparam("_words"), refused_at=bindparam("_now"))


@dataclass(frozen=True, slots=True)
class Brought:
    """What a poll brought beyond its items: the room after it, how many were left out, in words what was refused."""

    feed_id: int
    room: FloodAllowance
    left_out: int
    refused: str | None


def rooms(
    connection: Connection, feed_ids: Collection[int], now: datetime, settings: FloodSettings
) -> dict[int, FloodAllowance]:
    """The room of each of these feeds at `now`."""
    query = select(feed.c.id, feed.c.room_new, feed.c.room_edits, feed.c.room_at).where(feed.c.id.in_(set(feed_ids)))
    found = {row.id: _room(row) for row in connection.execute(query)}
    return {feed_id: room_at(found.get(feed_id), now, settings) for feed_id in feed_ids}


def keep_brought(connection: Connection, brought: Sequence[Brought], now: datetime) -> None:
    """Write it down; of several polls of a feed the last one's room counts."""
    if not brought:
        return
    rows: list[dict[str, Any]] = [
        {"_id": b.feed_id, "room_new": b.room.new, "room_edits": b.room.edits, "room_at": b.room.at} for b in brought
    ]
    connection.execute(_ROOM, rows)
    since = now - FLOODING_FOR
    if rows := [{"_id": b.feed_id, "_more": b.left_out, "_since": since, "_now": now} for b in brought if b.left_out]:
        connection.execute(_LEFT_OUT, rows)
    if rows := [{"_id": b.feed_id, "_words": b.refused, "_now": now} for b in brought if b.refused]:
        connection.execute(_REFUSED, rows)


def _room(row: Any) -> FloodAllowance | None:
    return None if row.room_at is None else FloodAllowance(row.room_new, row.room_edits, row.room_at)
