"""What each process of the service says of itself, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from notifier.storage.database import Store, upsert_into
from notifier.storage.schema import process_report
from notifier.troubles import Code, ProcessReport, Trouble, as_json

FORGOTTEN_AFTER = timedelta(days=1)


class SqlReportStore(Store):
    """Where each process, and the command line, can read what all say; on SQLite or PostgreSQL."""

    def put(self, report: ProcessReport) -> None:
        """Replace what this process said before; forget those who have long been silent."""
        said = {"role": report.role, "seen_at": report.seen_at, "troubles": [as_json(one) for one in report.troubles]}
        with self._database.writing() as connection:
            made = upsert_into(connection, process_report).values(process=report.process, **said)
            connection.execute(made.on_conflict_do_update(index_elements=["process"], set_=said))
            old = report.seen_at - FORGOTTEN_AFTER
            connection.execute(delete(process_report).where(process_report.c.seen_at < old))

    def reports(self, since: datetime) -> Sequence[ProcessReport]:
        """What was said since then, by each process that is running."""
        query = select(process_report).where(process_report.c.seen_at >= since).order_by(process_report.c.process)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [ProcessReport(row.process, row.role, row.seen_at, _troubles(row.troubles)) for row in rows]

    def remove(self, process: str) -> None:
        """This process ends."""
        with self._database.writing() as connection:
            connection.execute(delete(process_report).where(process_report.c.process == process))


def _troubles(rows: Sequence[Mapping[str, Any]]) -> tuple[Trouble, ...]:
    """Those whose code this version knows: another version's process may share the database during an upgrade."""
    known = {code.value for code in Code}
    return tuple(
        Trouble(
            Code(row["code"]),
            row["what"],
            row["do"],
            row["subject"],
            grave=row["grave"],
            since=datetime.fromisoformat(row["since"]) if row["since"] else None,
            count=row["count"],
        )
        for row in rows
        if row["code"] in known
    )
