"""What browsers told of alerts, and how long alerts took: a handful of rows each, only ever added to.

Implements `ReceiptStore`. A name that no alert has changes nothing and says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, select

from notifier.alerts.receipts import (
    BUCKETS_S,
    KINDS,
    SHOWN,
    Histogram,
    Receipt,
    believable,
    share_asked,
)
from notifier.storage.database import Store, adding_to
from notifier.storage.schema import alert, alert_receipt, alert_time

# After its TTL no push service brings an alert any more; a screen may keep it for as long again.
TTL_TIMES = 2
LEAST_TOLD = timedelta(days=1)
# Names asked for in one statement, below SQLite's limit of parameters.
PAGE = 500


class SqlReceiptStore(Store):
    """ReceiptStore on SQLite or PostgreSQL."""

    def add(self, told: Mapping[Receipt, int], now: datetime) -> Mapping[tuple[str, float], int]:
        """Count what was told, in one transaction; returns {(kind, end of the bucket): how many were counted}."""
        named = sorted({one.receipt for one in told})
        with self._database.reading() as connection:
            alerts = _still_seen(connection, named, now)
        if not alerts:
            return {}
        kinds: Counter[tuple[int, str]] = Counter()
        took: Counter[tuple[int, str, float]] = Counter()
        counted: Counter[tuple[str, float]] = Counter()
        for one, count in told.items():
            found = alerts.get(one.receipt)
            if found is None or one.kind not in KINDS or not 0 <= one.bucket < len(BUCKETS_S):
                continue
            since_s = (now - max(found.decided_at, found.hold_until or found.decided_at)).total_seconds()
            le_s = BUCKETS_S[believable(one.bucket, since_s)]
            counted[one.kind, le_s] += count
            kinds[found.id, one.kind] += count
            if one.kind == SHOWN:
                took[found.id, SHOWN, le_s] += count
        with self._database.writing() as connection:
            add_receipts(connection, kinds)
            add_times(connection, took)
        return counted

    def receipts(self, alert_id: int) -> Mapping[str, int]:
        """{kind: browsers} that told so, projected from the share that was asked; never above the audience."""
        with self._database.reading() as connection:
            audience = connection.scalar(select(alert.c.audience).where(alert.c.id == alert_id)) or 0
            query = select(alert_receipt.c.kind, alert_receipt.c.count).where(alert_receipt.c.alert_id == alert_id)
            told = {kind: int(count) for kind, count in connection.execute(query).all()}
        if SHOWN in told:
            told[SHOWN] = round(told[SHOWN] / share_asked(audience))
        return {kind: min(count, audience) for kind, count in told.items()}

    def times(self, alert_id: int) -> Mapping[str, Histogram]:
        """{stage: histogram}, buckets in order, empty ones left out."""
        found: dict[str, list[tuple[float, int]]] = {}
        columns = (alert_time.c.stage, alert_time.c.le_s, alert_time.c.count)
        query = select(*columns).where(alert_time.c.alert_id == alert_id).order_by(alert_time.c.le_s)
        with self._database.reading() as connection:
            for stage, le_s, count in connection.execute(query).all():
                found.setdefault(stage, []).append((le_s, count))
        return found


def add_receipts(connection: Connection, counts: Mapping[tuple[int, str], int]) -> None:
    """Add {(alert id, kind): browsers}."""
    _add(connection, alert_receipt, [{"alert_id": a, "kind": k, "count": n} for (a, k), n in sorted(counts.items())])


def add_times(connection: Connection, counts: Mapping[tuple[int, str, float], int]) -> None:
    """Add {(alert id, stage, end of the bucket): how many}."""
    rows = [{"alert_id": a, "stage": s, "le_s": le_s, "count": n} for (a, s, le_s), n in sorted(counts.items())]
    _add(connection, alert_time, rows)


def _add(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add each row's `count` to what is there; rows come in one order, so that two writers never wait in a ring."""
    if rows:
        connection.execute(adding_to(connection.dialect.name, table), rows)


def _still_seen(connection: Connection, receipts: Sequence[str], now: datetime) -> dict[str, Any]:
    """{receipt: its alert}, of those that a screen can still have."""
    columns = (alert.c.id, alert.c.receipt, alert.c.decided_at, alert.c.hold_until, alert.c.ttl_s)
    found: dict[str, Any] = {}
    for start in range(0, len(receipts), PAGE):
        query = select(*columns).where(alert.c.receipt.in_(receipts[start : start + PAGE]))
        for row in connection.execute(query):
            if now <= row.decided_at + max(LEAST_TOLD, timedelta(seconds=TTL_TIMES * row.ttl_s)):
                found[row.receipt] = row
    return found
