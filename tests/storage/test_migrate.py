"""Migrations lead to the schema that the code has, on each database."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from notifier.storage.database import Database
from notifier.storage.migrate import newest_revision, upgrade
from notifier.storage.schema import metadata


def test_the_migrations_make_exactly_the_schema(empty_database: Database) -> None:
    upgrade(empty_database)
    with empty_database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_upgrading_twice_changes_nothing(empty_database: Database) -> None:
    upgrade(empty_database)
    upgrade(empty_database)
    with empty_database.reading() as connection:
        versions = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    assert versions == [newest_revision()]
