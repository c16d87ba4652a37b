"""Subscriptions in bulk: what `notifier subscribers import` and `export` move in and out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, func, select

from notifier.storage.database import Store
from notifier.storage.schema import day_us, subscription, subscription_topic, topic
from notifier.storage.subscriptions import subscription_of
from notifier.storage.topics import topic_ids
from notifier.subscribers.subscriber import NewSubscription, Subscription

PAGE = 2_000
CACHE_KIB = 256 * 1024

# Column -> PostgreSQL's type. Rows go past SQLAlchemy, which took three quarters of the time that an import took.
COLUMNS = {
    "endpoint": "text",
    "endpoint_hash": "bytea",
    "p256dh": "bytea",
    "auth": "bytea",
    "token_hash": "bytea",
    "push_service": "text",
    "vapid_key_id": "text",
    "browser": "text",
    "created_at": "bigint",
    "last_seen_at": "bigint",
}
_UNLESS_HERE = "ON CONFLICT (endpoint_hash) DO NOTHING"
_INSERT = f"INSERT INTO subscription ({', '.join(COLUMNS)})"
_INTO_SQLITE = f"{_INSERT} VALUES ({', '.join('?' * len(COLUMNS))}) {_UNLESS_HERE}"
_ARRAYS = ", ".join(f"%({name})b::{kind}[]" for name, kind in COLUMNS.items())
_INTO_POSTGRES = f"{_INSERT} SELECT * FROM unnest({_ARRAYS}) {_UNLESS_HERE} RETURNING id, endpoint_hash"  # noqa: S608


class SqlTransfer(Store):
    """Bulk reads and writes on SQLite or PostgreSQL."""

    def add(self, batch: Sequence[NewSubscription], now: datetime) -> int:
        """Add those whose endpoint is not here yet, in one transaction; returns how many were.

        To import the same file again is safe, and goes on where an interrupted import ended.
        """
        by_hash = {hashlib.sha256(new.keys.endpoint.encode()).digest(): new for new in batch}
        if not by_hash:
            return 0
        rows = [_columns(endpoint_hash, new, now) for endpoint_hash, new in by_hash.items()]
        with self._database.writing() as connection:
            insert_all = _insert_into_sqlite if self._database.is_sqlite else _insert_into_postgres
            made = insert_all(connection, rows)
            _add_topics(connection, [(number, by_hash[endpoint_hash].topics) for number, endpoint_hash in made])
            return len(made)

    def count(self) -> int:
        """How many subscriptions there are."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.count()).select_from(subscription)) or 0)

    def every(self) -> Iterator[Subscription]:
        """All subscriptions by id, a page at a time: memory stays flat, and nobody is kept waiting."""
        after = 0
        while True:
            with self._database.reading() as connection:
                page = select(subscription).where(subscription.c.id > after).order_by(subscription.c.id).limit(PAGE)
                rows = connection.execute(page).all()
                topics = _topics_between(connection, after, rows[-1].id) if rows else {}
            for row in rows:
                yield subscription_of(row, frozenset(topics.get(row.id, ())))
            if len(rows) < PAGE:
                return
            after = rows[-1].id


def _columns(endpoint_hash: bytes, new: NewSubscription, now: datetime) -> tuple[Any, ...]:
    """In the order of COLUMNS."""
    keys, at = new.keys, day_us(now)
    return (
        *(keys.endpoint, endpoint_hash, keys.p256dh, keys.auth, new.token_hash),
        *(new.push_service, new.vapid_key_id, new.browser, at, at),
    )


def _insert_into_sqlite(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[int, bytes]]:
    """Insert those that are not here; returns (id, endpoint hash) of each."""
    # Hashes are spread over their whole index: with the usual 2 MB of it in memory, each costs a read.
    connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
    # Nobody else writes meanwhile, and an id is never used again: what is above the highest is new.
    highest = connection.scalar(select(func.max(subscription.c.id))) or 0
    connection.exec_driver_sql(_INTO_SQLITE, list(rows))
    made = connection.exec_driver_sql("SELECT id, endpoint_hash FROM subscription WHERE id > ?", (highest,))
    return cast("Sequence[tuple[int, bytes]]", made.cursor.fetchall())  # past SQLAlchemy, as above


def _insert_into_postgres(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[int, bytes]]:
    """As `_insert_into_sqlite`, by one statement."""
    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    made = connection.exec_driver_sql(_INTO_POSTGRES, columns)
    return [(number, endpoint_hash) for number, endpoint_hash in made]


def _add_topics(connection: Connection, made: Sequence[tuple[int, frozenset[str]]]) -> None:
    ids = topic_ids(connection, {slug for _, slugs in made for slug in slugs}, make=True)
    pairs = [(ids[slug], number) for number, slugs in made for slug in slugs]
    if not pairs:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO subscription_topic (topic_id, subscription_id) VALUES (?, ?)", pairs)
    else:
        topics, numbers = map(list, zip(*pairs, strict=True))
        connection.exec_driver_sql(
            "INSERT INTO subscription_topic (topic_id, subscription_id)"
            " SELECT * FROM unnest(%(topics)b::bigint[], %(numbers)b::bigint[])",
            {"topics": topics, "numbers": numbers},
        )


def _topics_between(connection: Connection, after: int, last: int) -> dict[int, list[str]]:
    member = subscription_topic.c.subscription_id
    pairs = select(member, topic.c.slug).join(topic, topic.c.id == subscription_topic.c.topic_id)
    found: dict[int, list[str]] = {}
    for number, slug in connection.execute(pairs.where(member > after, member <= last)):
        found.setdefault(number, []).append(slug)
    return found
