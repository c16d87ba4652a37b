"""Migrations lead to the schema that the code has, on each database."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from notifier.operators.operator import Role
from notifier.storage.database import Database
from notifier.storage.migrate import alembic_config, newest_revision, upgrade
from notifier.storage.operators import SqlOperatorStore
from notifier.storage.schema import metadata
from tests.contracts.samples import NOON


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


def test_a_service_that_had_operators_before_prints_no_link_for_the_first(empty_database: Database) -> None:
    upgrade(empty_database)
    operators = SqlOperatorStore(empty_database)
    for name, at in (("Ada", NOON), ("Bea", NOON)):
        operators.add(name, "hash", Role.ADMIN, at)
    with empty_database.writing() as connection:
        command.downgrade(alembic_config(connection), "0005")

    upgrade(empty_database)

    operators.remove("Ada")
    operators.remove("Bea")
    assert operators.ever_any()
