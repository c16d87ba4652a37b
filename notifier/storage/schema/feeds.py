"""Feeds, and the items that came of them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from notifier.storage.schema.base import Id, UtcTime, metadata

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
    Column("last_body_at", UtcTime),  # its whole document was last seen, and not a "not modified"
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
    Column("room_new", Float),  # new items and edits that it may still bring, as of room_at (see feeds.flood)
    Column("room_edits", Float),
    Column("room_at", UtcTime),
    Column("left_out", Integer, nullable=False, server_default="0"),  # items and edits beyond that, since it began
    Column("left_out_at", UtcTime),  # the last of them
    Column("refused", Text),  # what of it could not be stored last, in words
    Column("refused_at", UtcTime),
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
    Column("credit", Text),  # the agency or photographer, where the feed names one
    Column("language", String(35)),
    Column("published_at", UtcTime),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),  # of the newest version
    Column("version", Integer, nullable=False, server_default="1"),
    Column("content_hash", LargeBinary, nullable=False),
    Column("may_alert", Boolean, nullable=False),
    Column("why_not", Text),  # in words, where may_alert is false
    Column("story_id", Id),
    Column("grouped_version", Integer, nullable=False, server_default="0"),  # < version: the decider has not seen it
    Index(None, "guid_hash"),  # not unique: a feed may use a guid again for another item
    Index(None, "title_hash"),
    Index(None, "canonical_url"),
    Index(None, "story_id"),
    Index(None, "seen_at"),
)
# What the decider still has to look at: a few rows among millions.
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
