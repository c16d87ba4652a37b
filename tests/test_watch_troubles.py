"""One list for all processes: each hears what the others say, and none fails because the database is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notifier.clock import system_clock
from notifier.config.settings import Settings
from notifier.engine.engine import ProcessRole
from notifier.push.vapid import load_or_create_key
from notifier.storage.database import Database
from notifier.telemetry import Metrics
from notifier.troubles import Code, Trouble
from notifier.wiring.service import Files, Service
from tests.databases import sqlite_database

MakeService = Callable[..., Service]

FEEDS = "feeds:\n  - {url: 'https://news.example/rss', publisher: The Example, section: world}\n"
TOPICS = "topics:\n  - {slug: rivers, title: Rivers, match: river OR dam}\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "feeds.yaml").write_text(FEEDS)
    (tmp_path / "topics.yaml").write_text(TOPICS)
    settings = Settings(
        data_dir=tmp_path / "data",
        config_dir=tmp_path,
        base_url="https://alerts.news.org",
        contact="mailto:desk@news.org",
    )
    settings.vapid_key_path.parent.mkdir(parents=True)
    load_or_create_key(settings.vapid_key_path)
    return settings


@pytest.fixture
def harness(settings: Settings) -> Iterator[MakeService]:
    made: list[Service] = []

    def make(database: Database, role: ProcessRole = ProcessRole.ALL) -> Service:
        metrics = Metrics()
        made.append(Service(settings, Files.of(settings, metrics), database, metrics, system_clock, role))
        return made[-1]

    yield make
    for one in made:
        one.tester_threads.shutdown()
        one.tester.close()


def codes(one: Service) -> list[Code]:
    return [trouble.code for trouble in one.watch.all()]


def test_where_all_is_well_no_process_tells_of_a_trouble(harness: MakeService, database: Database) -> None:
    one = harness(database)
    one.watch.look()

    assert one.watch.all() == []


def test_what_the_poller_notices_is_told_by_the_web_process_until_it_is_over(
    harness: MakeService, database: Database
) -> None:
    poller, web = harness(database, ProcessRole.POLL), harness(database, ProcessRole.WEB)
    poller.troubles.report(Trouble(Code.FEED_NOT_RECORDED, "The Example cannot be stored", "Look at it", "The Example"))
    poller.watch.look()
    web.watch.look()
    assert codes(web) == [Code.FEED_NOT_RECORDED]

    poller.troubles.clear(Code.FEED_NOT_RECORDED, "The Example")
    poller.watch.look()
    web.watch.look()
    assert codes(web) == []


def test_a_process_that_ended_tells_nothing_any_more(harness: MakeService, database: Database) -> None:
    poller, web = harness(database, ProcessRole.POLL), harness(database, ProcessRole.WEB)
    poller.troubles.report(Trouble(Code.DECISIONS_FAILING, "An item cannot be decided", "Report it"))
    poller.watch.look()
    poller.watch.end()
    web.watch.look()

    assert codes(web) == []


def test_a_database_that_is_away_is_told_and_hides_nothing_else(harness: MakeService, tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "made" / "it.db")
    one = harness(database)
    one.troubles.report(Trouble(Code.RULE_FAILING, "The rule of Rivers fails", "Mend it", "rivers"))
    database.close()
    for file in (tmp_path / "made").iterdir():
        file.unlink()
    (tmp_path / "made").rmdir()
    one.watch.look()
    one.watch.end()
    database.close()

    assert codes(one) == [Code.DATABASE_AWAY, Code.RULE_FAILING]


def test_the_metric_counts_what_is_wrong(harness: MakeService, database: Database) -> None:
    one = harness(database)
    one.troubles.report(Trouble(Code.RULE_FAILING, "It fails", "Mend it", "a"))
    one.troubles.report(Trouble(Code.RULE_FAILING, "It fails", "Mend it", "b"))
    one.watch.look()

    assert b'notifier_troubles{code="rule-failing"} 2.0' in one.metrics.exposition()
    assert b'notifier_troubles{code="decisions-failing"} 0.0' in one.metrics.exposition()
