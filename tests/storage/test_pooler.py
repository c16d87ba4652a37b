"""A pooler in transaction mode between us and PostgreSQL: no statement meets another's name, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import text

from notifier.feeds.feed import FeedConfig
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import PREPARE_AFTER, Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.feeds import SqlFeedStore
from notifier.storage.migrate import newest_revision, revision, upgrade
from notifier.storage.processes import SqlProcessStore
from notifier.storage.stories import SqlStoryStore
from notifier.storage.subscriptions import SqlSubscriptionStore
from tests.contracts.samples import NOON, a_subscription, an_alert
from tests.pgbouncer import Bouncer
from tests.postgres import PostgresServer


@pytest.fixture(scope="module")
def bouncer(require: Callable[[str], str], postgres_server: PostgresServer) -> Iterator[Bouncer]:
    bouncer = Bouncer(require("pgbouncer"), postgres_server.port)
    yield bouncer
    bouncer.remove()


@contextmanager
def opened(bouncer: Bouncer, name: str) -> Iterator[Database]:
    with closing(Database(bouncer.url(name))) as database:
        yield database


def prepares(database: Database) -> bool:
    with database.reading() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        return driver.prepare_threshold is not None


def test_statements_are_prepared_only_where_nobody_stands_between(
    bouncer: Bouncer, postgres_server: PostgresServer
) -> None:
    with closing(Database(postgres_server.url("template_notifier"))) as direct:
        assert prepares(direct)
    with closing(Database(postgres_server.url("template_notifier"), pooler=True)) as told:
        assert not prepares(told)
    with opened(bouncer, "template_notifier") as pooled:
        assert not prepares(pooled)


def test_many_clients_on_few_connections_never_meet_each_others_statements(
    bouncer: Bouncer, postgres_server: PostgresServer
) -> None:
    """Each client asks for other numbers by its own statements, more often than psycopg needs to prepare one."""
    clients = 6
    together = Barrier(clients, timeout=30)

    def ask(number: int) -> None:
        with opened(bouncer, "template_notifier") as database:
            together.wait()
            for turn in range(4 * PREPARE_AFTER):
                with database.writing() as connection:
                    for other in range(3):
                        query = text(f"SELECT {number}, {other}, CAST(:turn AS int)")
                        assert tuple(connection.execute(query, {"turn": turn}).one()) == (number, other, turn)

    with ThreadPoolExecutor(clients) as threads:
        for done in [threads.submit(ask, number) for number in range(clients)]:
            done.result()


def test_the_whole_journey_goes_through_a_pooler(bouncer: Bouncer, postgres_server: PostgresServer) -> None:
    postgres_server.psql("CREATE DATABASE pooled")
    with opened(bouncer, "pooled") as database, opened(bouncer, "pooled") as another:
        upgrade(database)
        upgrade(another)
        assert revision(database) == newest_revision()
        for _ in range(2 * PREPARE_AFTER):
            for one in (database, another):
                processes = SqlProcessStore(one)
                processes.join("work", "host", 1)
                assert processes.beat()
                SqlSubscriptionStore(one).subscribe(a_subscription("ada", "world"), NOON)
                SqlAlertStore(one).accept(an_alert("world"), NOON)
                deliveries = SqlDeliveryStore(one)
                job = deliveries.claim_chunk(NOON, 90)
                assert job is not None
                assert len(deliveries.take(job, 0, 10)) == 1
                deliveries.release(job, NOON)
                feeds = SqlFeedStore(one)
                feeds.sync_config([FeedConfig("https://news.example/feed.xml", "A", "A", "world")], NOON)
                feeds.claim_due(NOON, 10, 90)
                assert SqlStoryStore(one).lease_decisions("holder", NOON, 90)
