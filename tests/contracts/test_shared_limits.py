"""What workers know together of a service that limits the site: on each database, nobody sends on another's account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

from structlog.testing import capture_logs

from notifier.push.pacing import Limit, Minute
from notifier.storage.database import Database
from notifier.storage.limits import SqlSharedLimits
from tests.contracts.samples import NOON

ORIGIN = "https://push.example"
WORKERS, EACH = 4, 25
KEPT = Limit(
    minute=Minute(NOON, sent=7, accepted=5, throttled=2),
    before=Minute(NOON - timedelta(seconds=60, microseconds=1), sent=900),
    limited_minutes=3,
    per_minute=1000,
    lifts_at=NOON,
)


def read(limits: SqlSharedLimits, origin: str = ORIGIN) -> Limit:
    seen: list[Limit] = []

    def look(limit: Limit) -> Limit:
        seen.append(limit)
        return limit

    limits.change(origin, look)
    return seen[-1]


def one_more(limit: Limit) -> Limit:
    return replace(limit, minute=replace(limit.minute, sent=limit.minute.sent + 1))


def test_a_service_that_nobody_knows_has_no_limit(database: Database) -> None:
    assert read(SqlSharedLimits(database)) == Limit()


def test_what_one_worker_learns_the_others_know(database: Database) -> None:
    SqlSharedLimits(database).change(ORIGIN, lambda limit: KEPT)
    assert read(SqlSharedLimits(database)) == KEPT
    assert read(SqlSharedLimits(database), "https://another.example") == Limit()


def test_workers_that_count_at_once_count_everything(database: Database) -> None:
    together = Barrier(WORKERS)

    def work(_: int) -> None:
        limits = SqlSharedLimits(database)
        together.wait(10)
        for _ in range(EACH):
            limits.change(ORIGIN, one_more)

    with ThreadPoolExecutor(WORKERS) as workers:
        list(workers.map(work, range(WORKERS)))
    assert read(SqlSharedLimits(database)).minute.sent == WORKERS * EACH


def test_while_the_database_is_away_a_worker_keeps_to_what_it_knew(empty_database: Database) -> None:
    limits = SqlSharedLimits(empty_database)
    empty_database.create()
    limits.change(ORIGIN, lambda limit: KEPT)
    with empty_database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE push_limit")
    with capture_logs() as logs:
        limits.change(ORIGIN, one_more)
        assert read(limits) == one_more(KEPT)
    assert {line["event"] for line in logs} == {"push.limit-not-shared"}
