"""The tables, in the order of the journey. SQLAlchemy Core: stores write set-based SQL, so there is nothing to map.

Times are stored as integer microseconds since the epoch: both databases compare and index them alike, and no driver
can hand back a naive datetime. Secrets (endpoint, keys) live in `subscription` only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime as integer microseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware datetime to microseconds."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Microseconds to aware UTC datetime."""
        return None if value is None else EPOCH + value * MICROSECOND


# SQLite gives only an INTEGER PRIMARY KEY its rowid; PostgreSQL wants 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")

feed = Table(
    "feed",
    metadata,
    Column("id", Id, primary_key=True),
    Column("url", Text, nullable=False, unique=True),  # as configured: the identity
    Column("moved_to", Text),  # where permanent redirects led, asked instead of url
    Column("moved_candidate", Text),  # where they lead since moved_seen polls, not yet believed
    Column("moved_seen", Integer, nullable=False, server_default="0"),
    Column("title", Text, nullable=False),
    Column("publisher", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("language", String(35)),
    Column("weight", Float, nullable=False, server_default="1"),
    Column("pinned_s", Float),
    Column("headers_env", Text),
    Column("state", String(16), nullable=False, server_default="new"),
    Column("active", Boolean, nullable=False, server_default="1"),  # in the file and not paused
    Column("etag", Text),
    Column("last_modified", Text),
    Column("body_hash", LargeBinary),
    Column("first_polled_at", UtcTime),
    Column("last_polled_at", UtcTime),
    Column("last_success_at", UtcTime),
    Column("last_change_at", UtcTime),
    Column("usual_gap_s", Float),  # between changes, smoothed
    Column("ttl_s", Float),  # the document's own wish
    Column("max_age_s", Float),  # the headers' wish
    Column("interval_s", Float),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("next_poll_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime),
    Column("lease_token", String(32)),
    Column("hub_url", Text),
    Column("hub_topic", Text),
    Column("hub_secret", LargeBinary),
    Column("hub_callback", String(32), unique=True),  # the unguessable part of our address that the hub posts to
    Column("hub_state", String(16)),
    Column("hub_subscribed_url", Text),  # the hub and the topic that hub_state is about
    Column("hub_subscribed_topic", Text),
    Column("hub_lease_until", UtcTime),
    Column("hub_next_at", UtcTime),  # when to talk to the hub again
    Column("hub_last_at", UtcTime),  # its last push
    Column("hub_missed", Integer, nullable=False, server_default="0"),  # polls that found what it had not pushed
    Column("broke_at", UtcTime),  # a story of it was last found to be breaking
    Index(None, "active", "next_poll_at"),
)

# The digests of the items in each feed's last body, side by side; apart from `feed`, whose rows every poll rewrites.
feed_body = Table(
    "feed_body",
    metadata,
    Column("feed_id", Id, ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True),
    Column("digests", LargeBinary, nullable=False),
)

item = Table(
    "item",
    metadata,
    Column("id", Id, primary_key=True),
    Column("feed_id", Id, ForeignKey("feed.id"), nullable=False),
    Column("guid_hash", LargeBinary, nullable=False),  # BLAKE2b, 16 bytes: guids may be long
    Column("url", Text, nullable=False),
    Column("canonical_url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_hash", LargeBinary, nullable=False),
    Column("summary", Text, nullable=False),
    Column("image_url", Text),
    Column("language", String(35)),
    Column("published_at", UtcTime),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),  # of the newest version
    Column("version", Integer, nullable=False, server_default="1"),
    Column("content_hash", LargeBinary, nullable=False),
    Column("may_alert", Boolean, nullable=False),
    Column("why_not", Text),  # in words, where may_alert is false
    Column("story_id", Id),
    Column("grouped_version", Integer, nullable=False, server_default="0"),  # < version: the desk has not seen it
    Index(None, "guid_hash"),  # not unique: a feed may use a guid again for another item
    Index(None, "title_hash"),
    Index(None, "canonical_url"),
    Index(None, "story_id"),
    Index(None, "seen_at"),
)
# What the desk still has to look at: a few rows among millions.
Index(
    "ix_item_ungrouped",
    item.c.id,
    sqlite_where=item.c.grouped_version < item.c.version,
    postgresql_where=item.c.grouped_version < item.c.version,
)

item_version = Table(
    "item_version",
    metadata,
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

story = Table(
    "story",
    metadata,
    Column("id", Id, primary_key=True),
    Column("lead_item_id", Id, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),  # the newest verdict's kind
    Column("verdict", JSON, nullable=False),  # and its evidence: why alerted, or why not
    Index(None, "updated_at"),
)

# Why each item is in its story: by which signal, with the figures.
grouping = Table(
    "grouping",
    metadata,
    Column("item_id", Id, ForeignKey("item.id", ondelete="CASCADE"), primary_key=True),
    Column("story_id", Id, nullable=False),
    Column("signal", String(32), nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("related", JSON, nullable=False),  # stories that may tell the same event, not surely enough to merge
    Index(None, "story_id"),
)

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
    Column("created_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
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

# What is left of a subscription that ended: why and when, and nobody's identity.
subscription_end = Table(
    "subscription_end",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("push_service", String(64), nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "at"),
)

alert = Table(
    "alert",
    metadata,
    Column("id", Id, primary_key=True),
    Column("story_id", Id, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("message", JSON, nullable=False),
    Column("breaking", Boolean, nullable=False),
    Column("urgency", String(16), nullable=False),
    Column("ttl_s", Integer, nullable=False),
    Column("why", JSON, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    Column("hold_until", UtcTime),
    Column("audience", Integer, nullable=False),
    Column("done_at", UtcTime),
    Column("withdrawn_at", UtcTime),  # an operator stopped it: nobody gets it from then on
    Index(None, "story_id"),
    Index(None, "decided_at"),
)

alert_topic = Table(
    "alert_topic",
    metadata,
    Column("alert_id", Id, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("topic_id", Id, ForeignKey("topic.id"), primary_key=True),
    Column("excluded", Boolean, nullable=False),  # its followers have the story already
)

chunk = Table(
    "chunk",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alert_id", Id, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("breaking", Boolean, nullable=False),
    Column("lo", BigInteger, nullable=False),
    Column("hi", BigInteger, nullable=False),
    Column("cursor", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),  # ready, leased, done
    Column("not_before", UtcTime, nullable=False),
    Column("lease_until", UtcTime),
    Column("lease_token", String(32)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index(None, "alert_id"),
    Index(None, "state", "breaking", "not_before"),
)

# What came of an alert, by push service: a handful of rows, added to once a sub-batch.
delivery_count = Table(
    "delivery_count",
    metadata,
    Column("alert_id", Id, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("push_service", String(64), primary_key=True),
    Column("outcome", String(16), primary_key=True),
    Column("count", Integer, nullable=False),
)

# A row for each push that has to be tried again; nothing is written for those that went well.
delivery_retry = Table(
    "delivery_retry",
    metadata,
    Column("alert_id", Id, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("subscription_id", Id, ForeignKey("subscription.id", ondelete="CASCADE"), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("next_attempt_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime),
    Column("lease_token", String(32)),
    Index(None, "next_attempt_at"),
)

# Sealed ahead (push/envelope.py): used once, by the transaction that deletes it, and only within `epoch`
# (storage/envelopes.py), so that a restored backup brings none back.
envelope = Table(
    "envelope",
    metadata,
    Column("subscription_id", Id, ForeignKey("subscription.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# One process at a time does what must not be done twice at once (the desk); the others wait for its lease to end.
lease = Table(
    "lease",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(32), nullable=False),
    Column("until", UtcTime, nullable=False),
)

# Who may sign in to the console. A password is kept as its Argon2 hash, a session's token as its SHA-256.
operator = Table(
    "operator",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

operator_session = Table(
    "operator_session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("operator_id", Id, ForeignKey("operator.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
)

# Every change made to an operators' file in the console, whole, so that it can be taken back.
config_change = Table(
    "config_change",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("file", String(64), nullable=False),
    Column("by", String(64), nullable=False),
    Column("what", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
)

# What an operator said of a story against the rules; the desk heeds it for as long as the story is open.
operator_choice = Table(
    "operator_choice",
    metadata,
    Column("story_id", Id, primary_key=True),
    Column("choice", String(16), nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
)
