"""Brings a database to the schema of this version (Alembic), whatever version it was left at.

Runs at every start. On PostgreSQL an advisory lock lets several processes start at once; SQLite's own write lock does.
"""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from notifier.storage.database import Database

ADVISORY_LOCK = 7_205_759_403


def upgrade(database: Database) -> None:
    """Apply the migrations that are missing, in one transaction."""
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        command.upgrade(alembic_config(connection), "head")


def revision(database: Database) -> str | None:
    """The revision that the database is at; None where nothing was made yet."""
    with database.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision that this version of the code wants."""
    return str(ScriptDirectory.from_config(alembic_config(None)).get_current_head())


def known_revisions() -> frozenset[str]:
    """Every revision that this version of the code knows."""
    return frozenset(found.revision for found in ScriptDirectory.from_config(alembic_config(None)).walk_revisions())


def alembic_config(connection: Connection | None) -> Config:
    """Alembic's settings without a file; the environment script takes the connection from the attributes."""
    config = Config()
    config.set_main_option("script_location", str(files("notifier.storage") / "migrations"))
    config.attributes["connection"] = connection
    return config
