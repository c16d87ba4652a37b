"""A PostgreSQL that goes away and comes back: told once, by one line, and gone on with by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from structlog.testing import capture_logs

from notifier.errors import DatabaseUnwell
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.health import TroubleHealth
from notifier.storage.processes import SqlProcessStore
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.troubles import Code, Troubles
from tests.contracts.samples import NOON, a_subscription
from tests.postgres import SURE, PostgresServer


@pytest.fixture
def server(require: Callable[[str], str]) -> Iterator[PostgresServer]:
    server = PostgresServer(require("postgres"), SURE)
    server.psql("CREATE DATABASE notifier")
    yield server
    server.remove()


def test_what_all_loops_meet_is_one_trouble_and_over_when_the_server_is_back(server: PostgresServer) -> None:
    troubles = Troubles()
    with closing(Database(server.url("notifier"))) as database:
        database.create()
        database.health = TroubleHealth(troubles)
        subscriptions, deliveries = SqlSubscriptionStore(database), SqlDeliveryStore(database)
        processes = SqlProcessStore(database)
        processes.join("all", "host", 1)
        loops: list[Callable[[], object]] = [
            lambda: deliveries.claim_chunk(NOON, 90),
            lambda: subscriptions.subscribe(a_subscription("ada", "world"), NOON),
            subscriptions.by_key,
            processes.beat,
        ]
        server.stop("immediate")
        with capture_logs() as lines:
            for loop in 5 * loops:
                with pytest.raises(DatabaseUnwell) as away:
                    loop()
                assert away.value.fault == "away"
            assert [trouble.code for trouble in troubles.all()] == [Code.DATABASE_AWAY]
            server.start()
            for loop in loops:
                loop()
        assert troubles.all() == []
        assert [(line["event"], line.get("times")) for line in lines] == [("trouble.began", None), ("trouble.over", 20)]
