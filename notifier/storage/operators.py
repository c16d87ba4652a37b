"""Operators, their sessions and what they changed. Implements `OperatorStore` and `ChangeStore`.

Their tokens and accounts are in `access`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, delete, false, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from notifier.errors import Conflict
from notifier.operators.change import Change, NewChange
from notifier.operators.operator import OpenSession, Operator, Role, handle_of
from notifier.storage.database import Store, upsert_into
from notifier.storage.schema import EPOCH, config_change, operator, operator_session, service_fact

FIRST = "first-operator"


class SqlOperatorStore(Store):
    """OperatorStore on SQLite or PostgreSQL."""

    def all(self, now: datetime) -> Sequence[Operator]:
        """Every operator by name, with their open sessions."""
        open_sessions = (
            select(operator_session.c.operator_id, func.count().label("open"))
            .where(operator_session.c.until > now)
            .group_by(operator_session.c.operator_id)
            .subquery()
        )
        query = (
            select(operator, open_sessions.c.open)
            .join(open_sessions, open_sessions.c.operator_id == operator.c.id, isouter=True)
            .order_by(operator.c.name)
        )
        with self._database.reading() as connection:
            return [_operator(row, row.open or 0) for row in connection.execute(query)]

    def add(self, name: str, password_hash: str, role: Role, now: datetime, *, only_first: bool = False) -> Operator:
        """Make an operator. Raises Conflict where the name is taken or, with `only_first`, where there ever was one."""
        values = {"name": name, "password_hash": password_hash, "role": role.value, "created_at": now}
        try:
            with self._database.writing() as connection:
                fact = upsert_into(connection, service_fact).values(name=FIRST, at=now).on_conflict_do_nothing()
                # Of two that use the link at once, one writes the fact; the other waits for it, and comes too late.
                first = connection.scalar(fact.returning(service_fact.c.name))
                if first is None and only_first:
                    raise Conflict("there has been an operator already")
                made = connection.execute(insert(operator).values(values).returning(operator)).one()
        except IntegrityError as taken:
            raise Conflict(f"there is an operator named {name} already") from taken
        return _operator(made)

    def ever_any(self) -> bool:
        """Whether there is an operator, or ever was one."""
        with self._database.reading() as connection:
            return connection.scalar(select(service_fact.c.name).where(service_fact.c.name == FIRST)) is not None

    def remove(self, name: str) -> bool:
        """Forget an operator and their sessions; False if there is none of this name."""
        with self._database.writing() as connection:
            return connection.execute(delete(operator).where(_named(name))).rowcount == 1

    def credentials(self, name: str) -> tuple[Operator, str] | None:
        """The operator of this name and the hash of their password."""
        with self._database.reading() as connection:
            row = connection.execute(select(operator).where(_named(name))).one_or_none()
            return None if row is None else (_operator(row), row.password_hash)

    def set_role(self, name: str, role: Role) -> bool:
        """Give another role, from the next request on; False if there is none of this name."""
        with self._database.writing() as connection:
            changed = update(operator).where(_named(name)).values(role=role.value)
            return connection.execute(changed).rowcount == 1

    def set_password(self, name: str, password_hash: str) -> bool:
        """Give another password and end their sessions; False if there is none of this name."""
        with self._database.writing() as connection:
            connection.execute(delete(operator_session).where(operator_session.c.operator_id == _id_of(name)))
            changed = update(operator).where(_named(name)).values(password_hash=password_hash)
            return connection.execute(changed).rowcount == 1

    def open_session(
        self, operator_id: int, token_hash: bytes, now: datetime, until: datetime, browser: str = "other"
    ) -> None:
        """Let whoever has the token act for the operator until then; sessions that ended are forgotten."""
        values = {
            "operator_id": operator_id,
            "token_hash": token_hash,
            "created_at": now,
            "until": until,
            "browser": browser,
        }
        with self._database.writing() as connection:
            connection.execute(delete(operator_session).where(operator_session.c.until <= now))
            connection.execute(insert(operator_session).values(values))

    def session(self, token_hash: bytes, now: datetime) -> Operator | None:
        """Whom an open session belongs to."""
        query = (
            select(operator)
            .join(operator_session, operator_session.c.operator_id == operator.c.id)
            .where(operator_session.c.token_hash == token_hash, operator_session.c.until > now)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else _operator(row)

    def sessions(self, now: datetime, name: str | None = None) -> Sequence[OpenSession]:
        """The open sessions, of one operator where they are named; the newest first."""
        with self._database.reading() as connection:
            return [
                OpenSession(handle_of(row.token_hash), row.name, row.browser, row.created_at, row.until)
                for row in connection.execute(_open_sessions(now, name))
            ]

    def close_session(self, token_hash: bytes) -> None:
        """End one session."""
        with self._database.writing() as connection:
            connection.execute(delete(operator_session).where(operator_session.c.token_hash == token_hash))

    def close_by_handle(self, handle: str, name: str | None = None) -> bool:
        """End the session of this handle (and operator, where one is named); False if it is not open."""
        with self._database.writing() as connection:
            hashes = connection.execute(_open_sessions(EPOCH, name)).scalars("token_hash")
            meant = [token_hash for token_hash in hashes if handle_of(token_hash) == handle]
            ended = delete(operator_session).where(operator_session.c.token_hash.in_(meant))
            return connection.execute(ended).rowcount > 0

    def close_sessions(self, name: str) -> int:
        """End every session of an operator; returns how many there were."""
        with self._database.writing() as connection:
            statement = delete(operator_session).where(operator_session.c.operator_id == _id_of(name))
            return int(connection.execute(statement).rowcount)


class SqlChangeStore(Store):
    """ChangeStore on SQLite or PostgreSQL."""

    def record(self, change: NewChange, now: datetime) -> int:
        """Keep a change; returns its id."""
        values = {
            "at": now,
            "file": change.file,
            "by": change.by,
            "what": change.what,
            "before": change.before,
            "after": change.after,
        }
        with self._database.writing() as connection:
            made = insert(config_change).values(values).returning(config_change.c.id)
            return int(connection.execute(made).scalar_one())

    def recent(self, limit: int, before: int | None = None) -> Sequence[Change]:
        """The newest first; `before` pages on from a change's id."""
        query = select(config_change).order_by(config_change.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(config_change.c.id < before)
        with self._database.reading() as connection:
            return [Change(**row) for row in connection.execute(query).mappings()]

    def find(self, change_id: int) -> Change | None:
        """One change, or None."""
        with self._database.reading() as connection:
            query = select(config_change).where(config_change.c.id == change_id)
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else Change(**row)


def _named(name: str) -> ColumnElement[bool]:
    """Nobody is named with a NUL; PostgreSQL would not even be asked."""
    return false() if "\x00" in name else operator.c.name == name


def _id_of(name: str) -> ScalarSelect[int]:
    return select(operator.c.id).where(_named(name)).scalar_subquery()


def _open_sessions(now: datetime, name: str | None) -> Select[Any]:
    query = (
        select(operator_session, operator.c.name)
        .join(operator, operator.c.id == operator_session.c.operator_id)
        .where(operator_session.c.until > now)
        .order_by(operator_session.c.created_at.desc())
    )
    return query if name is None else query.where(_named(name))


def _operator(row: Row[Any], signed_in: int = 0) -> Operator:
    return Operator(row.id, row.name, Role(row.role), row.created_at, signed_in)
