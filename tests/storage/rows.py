"""A few rows for every table there is, whatever its columns: what moving a database has to bring along."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Float, Integer, LargeBinary, Table, insert

from notifier.storage.schema import UtcTime, metadata
from tests.contracts.samples import NOON

ROWS = 3


def fill(connection: Connection) -> None:
    """Put ROWS rows into each table, tables that are referred to first."""
    for table in metadata.sorted_tables:
        rows = [{c.name: _value(table, c, number) for c in table.c} for number in range(1, ROWS + 1)]
        connection.execute(insert(table), rows)


def _value(table: Table, column: Column[Any], number: int) -> Any:
    """Something of the column's type, which differs from row to row; every third is empty where that is allowed."""
    if column.nullable and number == ROWS:
        return None
    by_kind = {
        # Leases of a service that stopped long ago, and times with their microseconds.
        UtcTime: NOON - timedelta(days=2 * number, microseconds=123_456 + number),
        Boolean: number % 2 == 0,
        JSON: {"z": [number, 0.1, None], "a": {"text": "“grüße” ✓", "number": number}},
        LargeBinary: bytes([number, 0, 255]) * 7,
        Float: number + 0.1,
        Integer: number,
    }
    found = next((value for kind, value in by_kind.items() if isinstance(column.type, kind)), None)
    return _words(table, column, number) if found is None else found


def _words(table: Table, column: Column[Any], number: int) -> str:
    length = getattr(column.type, "length", None) or 60
    return f"{number} {column.name} “ü” {table.name}"[:length]
