"""Alembic runs this file: migrate over the connection that `migrate.upgrade` holds."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from notifier.storage.schema import UtcTime, metadata


def render_item(_kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A migration is history: it names the column's type of then, not a class of ours that may change."""
    return "sa.BigInteger()" if isinstance(item, UtcTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=render_item,
    # The caller's transaction is ours: all migrations, or none.
    transaction_per_migration=False,
)
context.run_migrations()
