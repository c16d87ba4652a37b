"""Operators, what they changed, and what one process at a time holds."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, LargeBinary, String, Table, Text, false

from notifier.storage.schema.base import Id, UtcTime, metadata

# One process at a time does what must not be done twice at once (the decider); the others wait for its lease to end.
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
    Column("browser", String(16), nullable=False, server_default="other"),
)

# Every change made to an operators' file in the console, whole, so that it can be undone.
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

# What a program asked for under a key of its own choice, so that asking again does nothing twice (a day long).
api_request = Table(
    "api_request",
    metadata,
    Column("operator_id", Id, ForeignKey("operator.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("alert_id", Id, nullable=False),
    Column("at", UtcTime, nullable=False),
)

# A sign-in that a provider was asked for and has not answered. The browser has the token, this its SHA-256.
provider_visit = Table(
    "provider_visit",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("until", UtcTime, nullable=False),
)

# An operator as an OpenID provider knows them. `managed`: their role is what the provider's claims say.
operator_identity = Table(
    "operator_identity",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("operator_id", Id, ForeignKey("operator.id", ondelete="CASCADE"), nullable=False),
    Column("linked_at", UtcTime, nullable=False),
    Column("managed", Boolean, nullable=False, server_default=false()),
)

# What each running process says of itself, for the others and for `notifier check`; replaced every few seconds.
process_report = Table(
    "process_report",
    metadata,
    Column("process", String(32), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("troubles", JSON, nullable=False),
)

# Who got in, who was refused, and who changed what others may do (operators/audit.py).
audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("act", String(32), nullable=False),
    Column("who", String(64), nullable=False),
    Column("by", String(64), nullable=False),
    Column("client", String(64), nullable=False),
    Column("detail", String(200), nullable=False),
    Index(None, "who", "client"),
)

# What has happened once and must not happen again: that there was a first operator.
service_fact = Table(
    "house_fact",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False),
)
