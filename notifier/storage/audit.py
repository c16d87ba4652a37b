"""The audit log. Implements `AuditLog`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, or_, select

from notifier.operators.audit import KEPT, MOST, Act, AuditEntry
from notifier.storage.database import Store
from notifier.storage.schema import audit_entry

REFUSALS = [act.value for act in Act if act.is_refusal]
ENTRIES = [act.value for act in (Act.SIGNED_IN, Act.SIGNED_IN_BY_PROVIDER, Act.FIRST_ADMINISTRATOR)]
# Counting what is beyond the bound costs more than to let it stand for a while.
TIDIED_EVERY = 50


class SqlAuditLog(Store):
    """AuditLog on SQLite or PostgreSQL."""

    def record(self, entry: AuditEntry) -> None:
        """Keep an entry; what is older than KEPT, or beyond MOST, is let go."""
        values = {
            "at": entry.at,
            "act": entry.act.value,
            "who": _clean(entry.who, 64),
            "by": _clean(entry.by, 64),
            "client": _clean(entry.client, 64),
            "detail": _clean(entry.detail, 200),
        }
        with self._database.writing() as connection:
            made = connection.execute(insert(audit_entry).values(values).returning(audit_entry.c.id)).scalar_one()
            if made % TIDIED_EVERY == 0:
                connection.execute(delete(audit_entry).where(audit_entry.c.at < entry.at - KEPT))
                _keep_newest(connection, refusals=True)
                _keep_newest(connection, refusals=False)

    def recent(self, limit: int, who: str | None = None) -> Sequence[AuditEntry]:
        """The newest first; only what an operator did, or what was done to them, where one is named."""
        query = select(audit_entry).order_by(audit_entry.c.id.desc()).limit(limit)
        if who is not None:
            query = query.where(or_(audit_entry.c.who == who, audit_entry.c.by == who))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        known = set(Act)
        return [AuditEntry(r.at, Act(r.act), r.who, r.by, r.client, r.detail) for r in rows if r.act in known]

    def has_signed_in(self, who: str, client: str) -> bool:
        """Whether this operator has signed in from this client before."""
        query = select(audit_entry.c.id).where(
            audit_entry.c.who == _clean(who, 64), audit_entry.c.client == client, audit_entry.c.act.in_(ENTRIES)
        )
        with self._database.reading() as connection:
            return connection.scalar(query.limit(1)) is not None


def _keep_newest(connection: Connection, *, refusals: bool) -> None:
    act = audit_entry.c.act
    sort = act.in_(REFUSALS) if refusals else act.not_in(REFUSALS)
    beyond = select(audit_entry.c.id).where(sort).order_by(audit_entry.c.id.desc()).offset(MOST).limit(1)
    last = connection.scalar(beyond)
    if last is not None:
        connection.execute(delete(audit_entry).where(sort, audit_entry.c.id <= last))


def _clean(text: str, longest: int) -> str:
    """What any database holds, within its column."""
    return text.replace("\x00", "").encode(errors="replace").decode()[:longest]
