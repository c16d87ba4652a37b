"""Which subscriptions were never reached, or were refused since: a row each, and none for all the others.

In the transactions of the subscribers' and the delivery store. What it means is in engine/refusals.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, delete, func, select

from notifier.alerts.delivery import Standing
from notifier.storage.database import insert_for, upsert_into
from notifier.storage.schema import standing

# Between two ids, not by a list of them: where there are no rows, which is usual, this costs next to nothing.
_BETWEEN = select(standing).where(
    standing.c.subscription_id > bindparam("after", type_=BigInteger),
    standing.c.subscription_id <= bindparam("last", type_=BigInteger),
)
_THESE = standing.c.subscription_id.in_(bindparam("ids", expanding=True))
_OF_THESE, _PROVEN = select(standing).where(_THESE), delete(standing).where(_THESE)


def standings_between(connection: Connection, after: int, last: int) -> Mapping[int, Standing]:
    """{subscription id: Standing} of those above `after`, up to `last`, that have one."""
    return {row.subscription_id: _standing(row) for row in connection.execute(_BETWEEN, {"after": after, "last": last})}


def standings_of(connection: Connection, ids: Collection[int]) -> Mapping[int, Standing]:
    """The same of those with these ids."""
    found = connection.execute(_OF_THESE, {"ids": list(ids)})
    return {row.subscription_id: _standing(row) for row in found}


def begin_unproven(connection: Connection, subscription_id: int) -> None:
    """A new endpoint: until a push to it is accepted, what fails there says nothing of anybody else."""
    fresh = {"is_proven": False, "failures": 0, "since": None}
    made = upsert_into(connection, standing).values(subscription_id=subscription_id, **fresh)
    connection.execute(made.on_conflict_do_update(index_elements=[standing.c.subscription_id], set_=fresh))


def prove(connection: Connection, ids: Collection[int]) -> None:
    """A push to these was accepted."""
    if ids:
        connection.execute(_PROVEN, {"ids": list(ids)})


def count_failures(connection: Connection, ids: Collection[int], now: datetime) -> None:
    """One more alert failed at these, who are there: the caller has made sure that they stay."""
    if not ids:
        return
    rows = [{"subscription_id": number, "is_proven": True, "failures": 1, "since": now} for number in sorted(ids)]
    connection.execute(_counting(connection.dialect.name), rows)


@cache
def _counting(dialect: str) -> Any:
    made = insert_for(dialect, standing)
    again = {"failures": standing.c.failures + 1, "since": func.coalesce(standing.c.since, made.excluded.since)}
    return made.on_conflict_do_update(index_elements=[standing.c.subscription_id], set_=again)


def _standing(row: Any) -> Standing:
    return Standing(row.is_proven, row.failures, row.since)
