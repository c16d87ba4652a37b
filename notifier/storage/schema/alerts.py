"""Alerts, their chunks, and what came of them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table

from notifier.storage.schema.base import Id, UtcDay, UtcTime, metadata

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
    Column("published_at", UtcTime),  # the story, by its first outlet
    Column("fetched_at", UtcTime),  # by us
    Column("receipt", String(32)),  # a random name for it, which is all that a browser tells of what it showed
    Index(None, "story_id"),
    Index(None, "decided_at"),
    Index(None, "receipt", unique=True),
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
    Column("push_service", String(64), nullable=False, server_default=""),
    Column("seen_at", UtcDay, nullable=False, server_default="0"),  # when the subscriber was last here
    Index(None, "next_attempt_at"),
    Index("ix_delivery_retry_due", "alert_id", "push_service", "next_attempt_at"),
    Index("ix_delivery_retry_seen", "alert_id", "push_service", "seen_at"),
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

# What all workers together know of a push service that limits sites (push/pacing.py, `Limit`).
push_limit = Table(
    "push_limit",
    metadata,
    Column("origin", String(255), primary_key=True),
    Column("state", JSON, nullable=False),
)

# What browsers told: how many showed an alert, how many clicked it.
alert_receipt = Table(
    "alert_receipt",
    metadata,
    Column("alert_id", Id, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),  # shown, clicked
    Column("count", Integer, nullable=False),
)

# How long after the decision pushes of an alert were accepted, and notifications shown: a histogram of a few rows.
alert_time = Table(
    "alert_time",
    metadata,
    Column("alert_id", Id, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("stage", String(16), primary_key=True),  # accepted, shown
    Column("le_s", Float, primary_key=True),  # the bucket's upper end
    Column("count", Integer, nullable=False),
)
