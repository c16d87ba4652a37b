"""The counters that give out ids, brought along when a database is moved: an id is never used a second time."""

from __future__ import annotations

from sqlalchemy import Connection, Integer, Table, func, select, text

from notifier.storage.schema import metadata


def keep_counters(source: Connection, target: Connection) -> None:
    """Let the target's counters go on where the source's are, also where the newest rows are gone already."""
    for table in metadata.sorted_tables:
        if [c.name for c in table.primary_key if isinstance(c.type, Integer)] == ["id"]:
            last = max(_last(source, table), int(target.scalar(select(func.max(table.c.id))) or 0))
            if last:
                _go_on(target, table, last)


def _last(connection: Connection, table: Table) -> int:
    """The highest id that was ever given out, as far as the database knows."""
    if connection.dialect.name == "sqlite":
        if not _remembers(table):
            return 0
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return int(connection.scalar(query, {"name": table.name}) or 0)
    query = text("SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:name, 'id') AS regclass))")
    return int(connection.scalar(query, {"name": f'"{table.name}"'}) or 0)


def _go_on(connection: Connection, table: Table, last: int) -> None:
    named = {"name": table.name, "last": last}
    if connection.dialect.name == "sqlite":
        # Without AUTOINCREMENT, SQLite counts on from the highest row by itself.
        if _remembers(table):
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), named)
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), named)
        return
    query = text("SELECT setval(CAST(pg_get_serial_sequence(:name, 'id') AS regclass), :last)")
    connection.execute(query, named | {"name": f'"{table.name}"'})


def _remembers(table: Table) -> bool:
    return bool(table.dialect_options["sqlite"]["autoincrement"])
