"""The processes of the service."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from notifier.storage.schema.base import UtcTime, metadata

# Each running process. `id` begins the token of every lease that it holds. On PostgreSQL `beats` counts up every two
# seconds; `seen_at` is when, by the database's own clock.
process = Table(
    "process",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("beats", BigInteger, nullable=False),
)
