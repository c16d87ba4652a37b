"""Subscriptions in bulk: what `notifier subscribers import` and `export` move in and out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from notifier.storage.database import Database, upsert_into
from notifier.storage.schema import subscription, subscription_topic, topic
from notifier.storage.topics import topic_ids
from notifier.subscribers.subscriber import NewSubscription, PushKeys, Subscription

PAGE = 2_000
CACHE_KIB = 256 * 1024


class SqlTransfer:
    """Bulk reads and writes on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, batch: Sequence[NewSubscription], now: datetime) -> int:
        """Add those whose endpoint is not here yet, in one transaction; returns how many were.

        To import the same file again is safe, and goes on where an interrupted import ended.
        """
        by_hash: dict[bytes, NewSubscription] = {
            hashlib.sha256(new.keys.endpoint.encode()).digest(): new for new in batch
        }
        with self._database.writing() as connection:
            if self._database.is_sqlite:
                # Hashes are spread over their whole index: with the usual 2 MB of it in memory, each costs a read.
                connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
            known = select(subscription.c.endpoint_hash).where(subscription.c.endpoint_hash.in_(by_hash))
            for endpoint_hash in connection.scalars(known).all():
                del by_hash[endpoint_hash]
            if not by_hash:
                return 0
            rows = [_columns(endpoint_hash, new, now) for endpoint_hash, new in by_hash.items()]
            connection.execute(upsert_into(connection, subscription).on_conflict_do_nothing(), rows)
            _add_topics(connection, by_hash)
            return len(rows)

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
                yield Subscription(
                    id=row.id,
                    keys=PushKeys(row.endpoint, row.p256dh, row.auth),
                    push_service=row.push_service,
                    vapid_key_id=row.vapid_key_id,
                    browser=row.browser,
                    topics=frozenset(topics.get(row.id, ())),
                    created_at=row.created_at,
                    last_seen_at=row.last_seen_at,
                )
            if len(rows) < PAGE:
                return
            after = rows[-1].id


def _columns(endpoint_hash: bytes, new: NewSubscription, now: datetime) -> dict[str, Any]:
    return {
        "endpoint": new.keys.endpoint,
        "endpoint_hash": endpoint_hash,
        "p256dh": new.keys.p256dh,
        "auth": new.keys.auth,
        "token_hash": new.token_hash,
        "push_service": new.push_service,
        "vapid_key_id": new.vapid_key_id,
        "browser": new.browser,
        "created_at": now,
        "last_seen_at": now,
    }


def _add_topics(connection: Connection, by_hash: dict[bytes, NewSubscription]) -> None:
    slugs = frozenset(slug for new in by_hash.values() for slug in new.topics)
    ids = topic_ids(connection, slugs, make=True)
    made = select(subscription.c.id, subscription.c.endpoint_hash).where(subscription.c.endpoint_hash.in_(by_hash))
    rows = [
        {"topic_id": ids[slug], "subscription_id": number}
        for number, endpoint_hash in connection.execute(made)
        for slug in by_hash[endpoint_hash].topics
    ]
    if rows:
        connection.execute(insert(subscription_topic), rows)


def _topics_between(connection: Connection, after: int, last: int) -> dict[int, list[str]]:
    member = subscription_topic.c.subscription_id
    pairs = select(member, topic.c.slug).join(topic, topic.c.id == subscription_topic.c.topic_id)
    found: dict[int, list[str]] = {}
    for number, slug in connection.execute(pairs.where(member > after, member <= last)):
        found.setdefault(number, []).append(slug)
    return found
