"""Operators, what they changed, and what one process at a time holds."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, LargeBinary, String, Table, Text

from notifier.storage.schema.base import Id, UtcTime, metadata

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

# A program's access to the JSON API, on behalf of the operator who made it. The token is kept as its SHA-256.
api_token = Table(
    "api_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("operator_id", Id, ForeignKey("operator.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime),
    Column("until", UtcTime),
)

# An operator as an OpenID provider knows them.
operator_identity = Table(
    "operator_identity",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("operator_id", Id, ForeignKey("operator.id", ondelete="CASCADE"), nullable=False),
    Column("linked_at", UtcTime, nullable=False),
)
