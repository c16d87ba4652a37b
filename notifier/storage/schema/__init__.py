"""The tables, in the order of the journey. SQLAlchemy Core: stores write set-based SQL, so there is nothing to map.

Times are stored as integer microseconds since the epoch: both databases compare and index them alike, and no driver
can hand back a naive datetime. Secrets (endpoint, keys) live in `subscription` only.
"""

from __future__ import annotations

from notifier.storage.schema.alerts import (
    alert,
    alert_receipt,
    alert_time,
    alert_topic,
    chunk,
    delivery_count,
    delivery_retry,
    envelope,
    push_limit,
)
from notifier.storage.schema.base import EPOCH, MICROSECOND, Id, UtcDay, UtcTime, day_us, metadata
from notifier.storage.schema.feeds import feed, feed_body, item, item_version
from notifier.storage.schema.operators import (
    api_request,
    api_token,
    audit_entry,
    config_change,
    lease,
    operator,
    operator_identity,
    operator_session,
    process_report,
    provider_visit,
    service_fact,
)
from notifier.storage.schema.processes import process
from notifier.storage.schema.stories import grouping, operator_choice, story, story_ruling
from notifier.storage.schema.subscriptions import (
    audience_day,
    standing,
    subscription,
    subscription_end,
    subscription_topic,
    topic,
)

__all__ = [
    "EPOCH",
    "MICROSECOND",
    "Id",
    "UtcDay",
    "UtcTime",
    "alert",
    "alert_receipt",
    "alert_time",
    "alert_topic",
    "api_request",
    "api_token",
    "audience_day",
    "audit_entry",
    "chunk",
    "config_change",
    "day_us",
    "delivery_count",
    "delivery_retry",
    "envelope",
    "feed",
    "feed_body",
    "grouping",
    "item",
    "item_version",
    "lease",
    "metadata",
    "operator",
    "operator_choice",
    "operator_identity",
    "operator_session",
    "process",
    "process_report",
    "provider_visit",
    "push_limit",
    "service_fact",
    "standing",
    "story",
    "story_ruling",
    "subscription",
    "subscription_end",
    "subscription_topic",
    "topic",
]
