"""Moves everything from one database to another, SQLite or PostgreSQL, and can be killed and started again.

Enters: a source that nobody else uses, and a target that holds nothing. Leaves: the same rows under the same ids,
counted and compared. Each batch is one transaction in the target, together with the place that it ends at
(`move_place`), so that a move that was interrupted goes on where it was. The source is locked against writes meanwhile:
whoever still writes to it is told, instead of losing what was written.

Envelopes stay behind: a copy of one is a second chance to use it (docs/decisions/0012-envelopes-are-used-once.md).
So do the names of the processes, which serve the source.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    and_,
    func,
    insert,
    inspect,
    select,
    text,
    tuple_,
    update,
)

from notifier.errors import ConfigError
from notifier.storage.counters import keep_counters
from notifier.storage.database import Database
from notifier.storage.migrate import known_revisions, revision, upgrade
from notifier.storage.schema import UtcTime, chunk, envelope, feed, lease, metadata, process, process_report

BATCH = 2_000
LOCK_WAIT = "5s"
LIVES_S = 60.0
"""After a process's last beat, by whichever clock: more than any two hosts should differ."""
TABLES = tuple(table for table in metadata.sorted_tables if table not in (envelope, process, process_report))

place = Table(
    "move_place",
    MetaData(),
    Column("name", String(64), primary_key=True),  # a table's, or SOURCE
    Column("after", Text, nullable=False),  # the key of the last row that is here, as JSON; for SOURCE: where from
    Column("rows", BigInteger, nullable=False),
    Column("whole", Boolean, nullable=False),
)
SOURCE = "(source)"


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is: `done` of `total` rows of a table are `doing` ("copied" or "compared")."""

    table: str
    doing: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Sum:
    """A table's rows and a checksum that does not depend on their order."""

    rows: int
    checksum: int


Tell = Callable[[Step], None]


class DatabaseMove:
    """One move. Every refusal is a ConfigError that says what to do."""

    def __init__(self, source: Database, target: Database, tell: Tell = lambda _step: None) -> None:
        self._source, self._target, self._tell = source, target, tell
        # PostgreSQL stores no NUL in a text; nobody can see that it is gone.
        self._read = _values if target.is_sqlite else _values_without_nul

    def run(self, now: datetime, *, anew: bool = False) -> dict[str, int]:
        """Move what is missing, compare everything; returns {table: rows}.

        `anew`: throw away what an earlier move, that did not end, left in the target.
        """
        if self._source.url == self._target.url:
            raise ConfigError("source and target are the same database", fix="Give the address of the new one")
        with self._still(now) as source:
            if anew:
                self._clear()
            self._prepare()
            for table in TABLES:
                self._copy(source, table)
            with self._target.writing() as target:
                keep_counters(source, target)
            moved = self._compare(source)
        with self._target.writing() as target:
            place.drop(target)
        return moved

    @contextmanager
    def _still(self, now: datetime) -> Iterator[Connection]:
        """The source, locked against writes. Raises ConfigError where a service holds something in it."""
        with self._source.writing() as connection:
            if holders := in_use(connection, now):
                fix = "Stop every process of the service first; what was killed counts as running for its lease, 90 s"
                raise ConfigError(f"the service seems to be running: {', '.join(holders)}", fix=fix)
            if not self._source.is_sqlite:
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
                names = ", ".join(f'"{table.name}"' for table in TABLES)
                connection.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))
            yield connection

    def _clear(self) -> None:
        with self._target.writing() as connection:
            if not inspect(connection).has_table(place.name):
                raise ConfigError("the target holds no unfinished move", fix="Leave --anew out")
            metadata.drop_all(connection)
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
            place.drop(connection)

    def _prepare(self) -> None:
        """Make the target ready to take rows, or see that it is that already."""
        found = revision(self._target)
        if found is not None and found not in known_revisions():
            raise ConfigError("the target was made by a newer version of Notifier", fix="Update this one first")
        comes_from = self._source.url.render_as_string(hide_password=True)
        with self._target.reading() as connection:
            begun = inspect(connection).has_table(place.name)
            if begun:
                before = connection.scalar(select(place.c.after).where(place.c.name == SOURCE))
                if before != comes_from:
                    fix = "Go on from there, or throw that away with --anew"
                    raise ConfigError(f"the target holds an unfinished move from {before}", fix=fix)
                return
            if full := [name for name in _tables_of(connection) if _has_rows(connection, name)]:
                fix = "Give an empty database: nothing is ever mixed or overwritten"
                raise ConfigError(f"the target holds data already, in {', '.join(full[:5])}", fix=fix)
        upgrade(self._target)
        with self._target.writing() as connection:
            place.create(connection)
            connection.execute(insert(place).values(name=SOURCE, after=comes_from, rows=0, whole=False))

    def _copy(self, source: Connection, table: Table) -> None:
        """Copy the rows that are not here yet, by key."""
        raw = plain(table)
        total = _count(source, raw)
        after, done, whole = self._place(table)
        self._tell(Step(table.name, "copied", done, total))
        for rows in () if whole else batches(source, raw, after):
            values = [dict(zip(raw.c.keys(), self._read(row), strict=True)) for row in rows]
            done += len(rows)
            with self._target.writing() as target:
                target.execute(insert(raw), values)
                _note(target, table.name, key_of(raw, rows[-1]), done, whole=False)
            self._tell(Step(table.name, "copied", done, total))
        with self._target.writing() as target:
            _note(target, table.name, None, done, whole=True)

    def _place(self, table: Table) -> tuple[list[Any] | None, int, bool]:
        """(key of the last row that is here, rows that are here, whether that is all)."""
        with self._target.reading() as connection:
            row = connection.execute(select(place).where(place.c.name == table.name)).one_or_none()
        return (None, 0, False) if row is None else (_key_from(row.after, plain(table)), row.rows, row.whole)

    def _compare(self, source: Connection) -> dict[str, int]:
        """Count and compare everything. Raises ConfigError where the two are not alike."""
        differ, moved = [], {}
        with self._target.reading() as target:
            for table in TABLES:
                there, here = self._sum(source, table), self._sum(target, table)
                moved[table.name] = here.rows
                if there != here:
                    differ.append(f"{table.name} ({there.rows} rows there, {here.rows} here)")
        if differ:
            fix = "Stop whatever writes to either of them, then run this again with --anew"
            raise ConfigError(f"source and target are not alike, one of them was changed: {', '.join(differ)}", fix=fix)
        return moved

    def _sum(self, connection: Connection, table: Table) -> Sum:
        raw = plain(table)
        total = _count(connection, raw)
        rows = checksum = 0
        for batch in batches(connection, raw, None):
            rows += len(batch)
            checksum += sum(fingerprint(self._read(row)) for row in batch)
            self._tell(Step(table.name, "compared", rows, total))
        return Sum(rows, checksum % 2**128)


def in_use(connection: Connection, now: datetime) -> list[str]:
    """What says that a service runs on this database: leases that somebody renews."""
    sending = and_(chunk.c.state == "leased", chunk.c.lease_until > now)
    signs = {
        "an alert is being sent": select(chunk.c.id).where(sending),
        "feeds are being polled": select(feed.c.id).where(feed.c.lease_until > now),
    }
    found = [sign for sign, query in signs.items() if connection.execute(query.limit(1)).first() is not None]
    lives = process.c.seen_at > now - timedelta(seconds=LIVES_S)
    found += [f"process {row.pid} on {row.host} beats" for row in connection.execute(select(process).where(lives))]
    held = connection.scalars(select(lease.c.name).where(lease.c.until > now))
    return [*(f"the {name} is taken" for name in held), *found]


def plain(table: Table) -> Table:
    """The table with times as the integers that they are stored as, and SQL's NULL for no JSON."""
    known = _plain.get(table.name)
    if known is None:
        columns = [Column(c.name, _plain_type(c), primary_key=c.primary_key, autoincrement=False) for c in table.c]
        known = _plain[table.name] = Table(table.name, MetaData(), *columns)
    return known


_plain: dict[str, Table] = {}


def _plain_type(column: Column[Any]) -> Any:
    if isinstance(column.type, UtcTime):
        return BigInteger()
    if isinstance(column.type, JSON):
        return JSON(none_as_null=bool(column.nullable))
    return column.type


def batches(connection: Connection, raw: Table, after: Sequence[Any] | None) -> Iterator[Sequence[Any]]:
    """All rows in the order of their key, from the one behind `after` on."""
    keys = list(raw.primary_key)
    while True:
        query = select(raw).order_by(*keys).limit(BATCH)
        if after is not None:
            query = query.where(tuple_(*keys) > tuple_(*after) if len(keys) > 1 else keys[0] > after[0])
        rows = connection.execute(query).all()
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        after = key_of(raw, rows[-1])


def key_of(raw: Table, row: Any) -> list[Any]:
    """The row's primary key."""
    return [value for value, column in zip(row, raw.c, strict=True) if column.primary_key]


def fingerprint(values: tuple[Any, ...]) -> int:
    """128 bits that stand for a row, on either kind of database."""
    alike = tuple(json.dumps(v, sort_keys=True) if isinstance(v, dict | list) else v for v in values)
    return int.from_bytes(blake2b(repr(alike).encode(), digest_size=16).digest(), "big")


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(row)


def _values_without_nul(row: Any) -> tuple[Any, ...]:
    return tuple(v.replace("\0", "") if isinstance(v, str) and "\0" in v else v for v in row)


def _note(target: Connection, name: str, after: list[Any] | None, rows: int, *, whole: bool) -> None:
    """Keep the place in the transaction that moves it on; `after` None leaves it where it is."""
    values: dict[str, Any] = {"rows": rows, "whole": whole}
    if after is not None:
        values["after"] = json.dumps(after, default=bytes.hex)
    if target.execute(update(place).where(place.c.name == name).values(values)).rowcount != 1:
        target.execute(insert(place).values({"name": name, "after": "null"} | values))


def _key_from(noted: str, raw: Table) -> list[Any] | None:
    """The key as it was noted; bytes are noted in hexadecimal digits."""
    values = json.loads(noted)
    if values is None:
        return None
    kinds = [column.type for column in raw.primary_key]
    return [bytes.fromhex(v) if isinstance(k, LargeBinary) else v for v, k in zip(values, kinds, strict=True)]


def _count(connection: Connection, raw: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(raw)) or 0)


def _tables_of(connection: Connection) -> list[str]:
    """Every table there is, ours or not, without what Alembic keeps."""
    return [name for name in inspect(connection).get_table_names() if name != "alembic_version"]


def _has_rows(connection: Connection, name: str) -> bool:
    return connection.execute(select(text("1")).select_from(Table(name, MetaData())).limit(1)).first() is not None
