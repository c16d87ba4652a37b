"""Two real processes on PostgreSQL: one is killed or suspended under an hour's lease; the other has it in seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from notifier.clock import system_clock
from notifier.engine.heartbeat import Heartbeat
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.processes import SqlProcessStore
from notifier.storage.subscriptions import SqlSubscriptionStore
from tests.browser.background import until
from tests.contracts.samples import NOON, a_subscription, an_alert
from tests.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
# Ten of silence, two between looks, and room for a busy machine; the lease would last an hour.
WITHIN_S = 30.0


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[Database]:
    postgres_server.psql("CREATE DATABASE silent TEMPLATE template_notifier")
    with closing(Database(postgres_server.url("silent"))) as database:
        SqlSubscriptionStore(database).subscribe(a_subscription("ada", "world"), NOON)
        SqlAlertStore(database).accept(an_alert("world"), NOON)
        yield database
    postgres_server.psql("DROP DATABASE silent WITH (FORCE)")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_who_falls_silent_loses_its_chunk_within_seconds_and_settles_nothing(
    database: Database, how: signal.Signals, require: Callable[[str], str]
) -> None:
    deliveries, freed = SqlDeliveryStore(database), []
    command = [sys.executable, "-m", "tests.engine.holder", database.url.render_as_string(hide_password=False)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        heartbeat = Heartbeat(
            SqlProcessStore(database), ("work", "host", os.getpid()), lambda: freed.append(monotonic())
        )
        heartbeat.start()
        try:
            assert other.stdout.readline() == "held\n"
            assert deliveries.claim_chunk(system_clock(), 90) is None
            other.send_signal(how)
            began = monotonic()
            until(lambda: freed, "the silence to be noticed", 60)
            assert freed[0] - began < WITHIN_S
            assert deliveries.claim_chunk(system_clock(), 90) is not None
            if how is signal.SIGSTOP:
                other.send_signal(signal.SIGCONT)
                said, _ = other.communicate("settle\n", timeout=60)
                assert said.splitlines()[-1] == "lost"
        finally:
            other.kill()
            heartbeat.stop(5)
