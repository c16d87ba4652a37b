"""Stories, and why each item is in its story."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, String, Table, Text

from notifier.storage.schema.base import Id, UtcTime, metadata

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

# What an operator said of a story against the rules; the decider applies it for as long as the story is open.
operator_choice = Table(
    "operator_choice",
    metadata,
    Column("story_id", Id, primary_key=True),
    Column("choice", String(16), nullable=False),
    Column("by", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
)

# Two items that an operator called the same story, or not: it outranks every signal. One act (a split, a merge) is one
# or more such pairs, undone as a whole. Kept as labelled examples with what was read, which outlives the items.
story_ruling = Table(
    "story_ruling",
    metadata,
    Column("id", Id, primary_key=True),
    Column("act", Id, nullable=False),  # the id of its first pair: how people name it
    Column("same", Boolean, nullable=False),
    Column("item_id", Id, nullable=False),
    Column("other_id", Id, nullable=False),
    Column("url", Text, nullable=False),
    Column("other_url", Text, nullable=False),
    Column("told", JSON, nullable=False),  # headline, standfirst, source, link and time of both
    Column("by", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("taken_back_at", UtcTime),
    Column("taken_back_by", String(64)),
    Index(None, "act"),
    Index(None, "at"),
)
