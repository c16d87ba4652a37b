"""What each process says of itself, on every backend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from notifier.storage.database import Database
from notifier.storage.schema import process_report
from notifier.storage.troubles import FORGOTTEN_AFTER, SqlReportStore
from notifier.troubles import Code, ProcessReport, Trouble
from tests.contracts.samples import NOON

FAILS = Trouble(Code.RULE_FAILING, "The rule “a” fails", "Mend it", "a", grave=True, since=NOON, count=3)
POLLER = ProcessReport("poller", "poll", NOON, (FAILS, Trouble(Code.BROKER_AWAY, "It is away", "Start it")))


def test_what_was_said_comes_back_as_it_was(database: Database) -> None:
    store = SqlReportStore(database)
    store.put(POLLER)

    assert store.reports(NOON) == [POLLER]


def test_the_newest_counts_and_silence_is_no_report(database: Database) -> None:
    store = SqlReportStore(database)
    store.put(POLLER)
    later = replace(POLLER, seen_at=NOON + timedelta(seconds=20), troubles=())
    store.put(later)
    store.put(ProcessReport("web", "web", NOON))

    assert store.reports(NOON + timedelta(seconds=1)) == [later]


def test_a_process_that_ends_is_forgotten_at_once_and_one_that_was_killed_in_a_day(database: Database) -> None:
    store = SqlReportStore(database)
    store.put(POLLER)
    store.put(ProcessReport("web", "web", NOON))
    store.remove("web")
    assert [said.process for said in store.reports(NOON)] == ["poller"]

    store.put(ProcessReport("next", "poll", NOON + FORGOTTEN_AFTER + timedelta(seconds=1)))
    with database.reading() as connection:
        assert connection.scalars(select(process_report.c.process)).all() == ["next"]


def test_a_code_of_another_version_is_passed_over(database: Database) -> None:
    store = SqlReportStore(database)
    store.put(POLLER)
    unknown = {"code": "of-tomorrow", "subject": "", "what": "", "do": "", "grave": False, "since": None, "count": 1}
    with database.writing() as connection:
        connection.execute(update(process_report).values(troubles=[unknown]))

    assert store.reports(NOON) == [replace(POLLER, troubles=())]
