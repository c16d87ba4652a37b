"""Topics, and the browsers that follow them. Secrets (endpoint, keys) live in `subscription` only."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from notifier.storage.schema.base import Id, UtcDay, UtcTime, metadata

topic = Table(
    "topic",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", String(64), nullable=False, unique=True),
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Id, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("endpoint_hash", LargeBinary, nullable=False, unique=True),
    Column("p256dh", LargeBinary, nullable=False),
    Column("auth", LargeBinary, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("push_service", String(64), nullable=False),
    Column("vapid_key_id", String(16), nullable=False),
    Column("browser", String(32), nullable=False),
    Column("created_at", UtcDay, nullable=False),
    Column("last_seen_at", UtcDay, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),  # of its topics: grows with each change
    sqlite_autoincrement=True,  # an id is never used again: cursors and chunks compare them
)

subscription_topic = Table(
    "subscription_topic",
    metadata,
    Column("topic_id", Id, ForeignKey("topic.id"), primary_key=True),
    Column("subscription_id", Id, ForeignKey("subscription.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "subscription_id"),
    sqlite_with_rowid=False,
)

# Of those that prove themselves first, or fail while others are accepted (engine/refusals.py); most have no row.
standing = Table(
    "standing",
    metadata,
    Column("subscription_id", Id, ForeignKey("subscription.id", ondelete="CASCADE"), primary_key=True),
    Column("is_proven", Boolean, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),  # alerts that failed there
    Column("since", UtcDay),  # the day of the first of them
    sqlite_with_rowid=False,
)

# What is left of a subscription that ended: why and when, and nobody's identity.
subscription_end = Table(
    "subscription_end",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDay, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("push_service", String(64), nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "at"),
)

# How many there were on a day (UTC), by topic, browser and push service; nobody's identity.
audience_day = Table(
    "audience_day",
    metadata,
    Column("day", UtcTime, primary_key=True),
    Column("kind", String(16), primary_key=True),  # all, topic, browser, push service
    Column("name", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
)
