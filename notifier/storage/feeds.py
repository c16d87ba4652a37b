"""Feeds in the database: the configuration, the claims with their leases, and the bookkeeping of polls.

`record` is the transaction that matters: the memory of a batch of polls and the items that they brought (`items`)
become visible together, so that no crash can lose an item whose feed would then say "not modified".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from notifier.feeds.decide import PollRules, remembered
from notifier.feeds.feed import FeedConfig, HealthStatus
from notifier.feeds.health import FeedFacts, LeftOut
from notifier.feeds.moves import moves
from notifier.feeds.poll_state import ClaimedFeed, PollResult, Recorded
from notifier.feeds.store import Synced
from notifier.storage import stepped
from notifier.storage.database import Database
from notifier.storage.feed_rows import MEMORY, claimed_feed, is_calm, select_claimed, tick
from notifier.storage.items import store_items
from notifier.storage.schema import feed, feed_body
from notifier.storage.storable import storable_text

FIRST_POLLS_PER_S = 20.0

# What was learned of one address says nothing of another.
_OF_AN_ADDRESS = (
    "moved_to",
    "moved_candidate",
    "etag",
    "last_modified",
    "body_hash",
    "first_polled_at",
    "last_success_at",
    "last_body_at",
    "error",
    "hub_url",
    "hub_topic",
)
_TOLD = (
    *(feed.c.title, feed.c.section, feed.c.hub_state),
    *(feed.c.left_out, feed.c.left_out_at, feed.c.refused, feed.c.refused_at),
)
_BY_ID = feed.c.id == bindparam("_id")

# One statement for every poll of a batch; what a poll replaces is all of its feed's memory, and its lease ends.
_REMEMBER = (
    update(feed)
    .where(_BY_ID)
    .values({name: bindparam(name) for name in MEMORY} | {"lease_until": null(), "lease_token": null()})
)
_PUSHED = (
    update(feed)
    .where(_BY_ID)
    .values({name: bindparam(name) for name in ("last_change_at", "usual_gap_s", "hub_missed", "hub_last_at")})
)
_POSTPONE = (
    update(feed)
    .where(_BY_ID, feed.c.lease_token == bindparam("_token"))
    .values(next_poll_at=bindparam("_until"), lease_until=null(), lease_token=null())
)
_KEEP = update(feed).where(_BY_ID, feed.c.lease_token == bindparam("_token")).values(lease_until=bindparam("_until"))


class SqlFeedStore:
    """The FeedStore on SQLite and PostgreSQL."""

    def __init__(self, database: Database, rules: PollRules | None = None) -> None:
        """`rules` are those of the deciders (feeds/decide.py) that are asked within a transaction."""
        self._database, self._rules = database, rules or PollRules()
        self._sweep = stepped.Sweep()

    def sync_config(self, configs: Sequence[FeedConfig], now: datetime) -> Synced:
        """See FeedStore."""
        with self._database.writing() as connection:
            _move(connection, configs, now)
            stored = {row.url: row for row in connection.execute(select(feed))}
            wanted = {config.url: _config_row(config) for config in configs}
            added = [row for url, row in wanted.items() if url not in stored]
            changed = [
                {**row, "_id": stored[url].id} | _fresh_start(stored[url], now)
                for url, row in wanted.items()
                if url in stored and any(getattr(stored[url], key) != value for key, value in row.items())
            ]
            dropped = [row.id for url, row in stored.items() if url not in wanted and row.active]
            if added:
                span_s = len(added) / FIRST_POLLS_PER_S
                connection.execute(
                    insert(feed), [{**row, "next_poll_at": _spread(row["url"], now, span_s)} for row in added]
                )
            for row in changed:
                connection.execute(update(feed).where(_BY_ID), row)
            _switch_off(connection, dropped)
        return Synced(len(added), len(changed), len(dropped))

    def claim_due(self, now: datetime, limit: int, lease_s: float) -> list[ClaimedFeed]:
        """See FeedStore. PostgreSQL skips rows that others are claiming; SQLite has one writer at a time."""
        token = self._database.lease_token()
        is_free = or_(feed.c.lease_until.is_(None), feed.c.lease_until < now, stepped.lease_is_void(now, lease_s))
        due = (
            select(feed.c.id)
            .where(
                feed.c.active,
                feed.c.next_poll_at <= now,
                feed.c.state != HealthStatus.RETIRED.value,
                is_free,
            )
            .order_by(feed.c.next_poll_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        claim = (
            update(feed)
            .where(feed.c.id.in_(select(due.c.id)))
            .values(lease_until=now + timedelta(seconds=lease_s), lease_token=token)
            .returning(feed.c.id)
        )
        with self._database.writing() as connection:
            if self._sweep.is_time(now):
                connection.execute(stepped.call_back(now, self._rules.cadence))
            ids = connection.execute(claim).scalars().all()
            rows = connection.execute(select_claimed(now).where(feed.c.id.in_(ids)).order_by(feed.c.next_poll_at))
            return [claimed_feed(row) for row in rows]

    def keep(self, claimed: Sequence[ClaimedFeed], now: datetime, lease_s: float) -> None:
        """See FeedStore."""
        until = now + timedelta(seconds=lease_s)
        rows = [{"_id": one.id, "_token": one.lease_token, "_until": until} for one in claimed]
        if rows:
            with self._database.writing() as connection:
                connection.execute(_KEEP, rows)

    def look(self, feed_id: int, now: datetime) -> ClaimedFeed | None:
        """See FeedStore."""
        with self._database.reading() as connection:
            row = connection.execute(select_claimed(now).where(feed.c.id == feed_id, feed.c.active)).first()
        return None if row is None else claimed_feed(row)

    def postpone(self, later: Sequence[tuple[ClaimedFeed, datetime]]) -> None:
        """See FeedStore."""
        rows = [{"_id": one.id, "_token": one.lease_token, "_until": at} for one, at in later]
        if rows:
            with self._database.writing() as connection:
                connection.execute(_POSTPONE, rows)

    def record(self, results: Sequence[PollResult], now: datetime) -> Recorded:
        """See FeedStore."""
        with self._database.writing() as connection:
            kept = self._still_ours(connection, results)
            found = store_items(connection, kept, now, self._rules)
            pairs = list(zip(kept, found, strict=True))
            calm = [r for r, counts in pairs if is_calm(r, counts)]
            polled = [_poll_state_row(r, n, now) for r, n in pairs if r.lease_token is not None and not is_calm(r, n)]
            pushed = [_pushed_row(r, counts, now) for r, counts in pairs if r.lease_token is None]
            if calm:
                tick(connection, calm)
            if polled:
                connection.execute(_REMEMBER, polled)
            if pushed:
                connection.execute(_PUSHED, pushed)
            _keep_digests(connection, [r for r in kept if r.digests])
        return sum(found, Recorded(lost=len(results) - len(kept)))

    def broke(self, feed_ids: Sequence[int], now: datetime) -> None:
        """See FeedStore."""
        with self._database.writing() as connection:
            connection.execute(update(feed).where(feed.c.id.in_(feed_ids)).values(broke_at=now))

    def facts(self, now: datetime) -> list[FeedFacts]:
        """See FeedStore."""
        query = select_claimed(now).add_columns(*_TOLD).where(feed.c.active)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(feed.c.publisher, feed.c.title)).all()
        return [
            FeedFacts(
                claimed_feed(row),
                row.title,
                row.section,
                row.hub_state,
                LeftOut(row.left_out, row.left_out_at, row.refused, row.refused_at),
            )
            for row in rows
        ]

    def _still_ours(self, connection: Connection, results: Sequence[PollResult]) -> list[PollResult]:
        """The results whose lease nobody else has taken. Locks the feeds, so that their items have one writer."""
        ids = sorted({result.feed_id for result in results})
        query = select(feed.c.id, feed.c.lease_token).where(feed.c.id.in_(ids)).order_by(feed.c.id).with_for_update()
        tokens = {row[0]: row[1] for row in connection.execute(query)}
        return [r for r in results if r.feed_id in tokens and r.lease_token in (None, tokens[r.feed_id])]


def _poll_state_row(result: PollResult, found: Recorded, now: datetime) -> dict[str, Any]:
    poll_state = remembered(result, found, now)
    row = {name: _taken(getattr(poll_state, name)) for name in MEMORY}
    row["state"] = poll_state.state.value
    row["_id"] = result.feed_id
    return row


def _taken(value: Any) -> Any:
    """What a publisher sent in a header, or is named in an error, may hold what a database refuses."""
    return storable_text(value) if type(value) is str else value


def _pushed_row(result: PollResult, found: Recorded, now: datetime) -> dict[str, Any]:
    poll_state = remembered(result, found, now)
    return {
        "_id": result.feed_id,
        "last_change_at": poll_state.last_change_at,
        "usual_gap_s": poll_state.usual_gap_s,
        "hub_missed": 0,
        "hub_last_at": now,
    }


def _keep_digests(connection: Connection, results: Sequence[PollResult]) -> None:
    if not results:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    upsert = dialect.insert(feed_body)
    statement = upsert.on_conflict_do_update(index_elements=["feed_id"], set_={"digests": upsert.excluded.digests})
    connection.execute(statement, [{"feed_id": r.feed_id, "digests": b"".join(r.digests)} for r in results])


def _config_row(config: FeedConfig) -> dict[str, Any]:
    return {
        "url": config.url,
        "title": config.title,
        "publisher": config.publisher,
        "section": config.section,
        "language": config.language,
        "weight": config.weight,
        "pinned_s": config.poll_every_s,
        "headers_env": config.headers_env,
        "active": not config.paused,
    }


def _fresh_start(stored: Row[Any], now: datetime) -> dict[str, Any]:
    """A changed entry is asked soon, whatever stood in the way before: a retired or failing feed gets its chance."""
    if stored.active and stored.state not in (HealthStatus.RETIRED.value, HealthStatus.FAILING.value):
        return {}
    state = HealthStatus.OK if stored.last_success_at else HealthStatus.NEW
    return {"state": state.value, "failures": 0, "error": None, "next_poll_at": now}


def _move(connection: Connection, configs: Sequence[FeedConfig], now: datetime) -> None:
    """Give feeds that only have another address in the file what is known of them; see `feeds.moves`.

    What the first poll there finds is a backlog, as for any feed that is asked for the first time.
    """
    stored = connection.execute(select(feed.c.url, feed.c.publisher, feed.c.title, feed.c.section, feed.c.active)).all()
    known, wanted = {row.url for row in stored}, {config.url for config in configs}
    left = [row for row in stored if row.url not in wanted]
    came = [config for config in configs if config.url not in known]
    found = dict(moves([row for row in left if row.active], came))
    # One that was paused, or out of the file for a while, may come back elsewhere too.
    found |= moves([row for row in left if not row.active], [one for one in came if one.url not in found.values()])
    for old, new in found.items():
        forgotten = dict.fromkeys(_OF_AN_ADDRESS, null())
        fresh = {"url": new, "state": HealthStatus.NEW.value, "failures": 0, "moved_seen": 0, "next_poll_at": now}
        owner = select(feed.c.id).where(feed.c.url == old).scalar_subquery()
        connection.execute(delete(feed_body).where(feed_body.c.feed_id == owner))
        connection.execute(update(feed).where(feed.c.url == old).values(forgotten | fresh))


def _spread(url: str, now: datetime, span_s: float) -> datetime:
    """Each new feed's first poll at its own instant of the span: the same at every start, and none at once."""
    return now + timedelta(seconds=span_s * (crc32(url.encode()) / 2**32))


def _switch_off(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        connection.execute(update(feed).where(feed.c.id.in_(ids)).values(active=False))
