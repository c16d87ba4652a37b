"""kill -9 at twenty random instants of one alert to 100,000 browsers, and both servers restarted: promise 1, at length.

What a fan-out does at each instant is in test_crash.py; this is for the instants that nobody thought of.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from notifier.alerts.alert import Alert
from notifier.clock import system_clock
from notifier.engine.sealing import Sealer
from notifier.errors import DatabaseUnwell
from notifier.push.vapid import load_or_create_key
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.transfer import SqlTransfer
from notifier.telemetry import Metrics
from tests.contracts.samples import a_subscription, an_alert
from tests.databases import sqlite_database
from tests.engine.worker import THREADS
from tests.postgres import SURE, PostgresServer
from tests.pushsink.browser import keys_of
from tests.pushsink.process import ROOT, PushSink
from tests.rabbitmq import RabbitServer

SUBSCRIBERS = 100_000
KILLS = 20
SUB_BATCH = 100
# Longer than any sub-batch takes on a busy machine, so that nobody but the dead loses a lease.
LEASE_S = 6.0
STUCK_S = 90.0
JITTER_S = 0.05
SINK = ("--sample", "500", "--salts")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class FanOut:
    """One alert to everybody, its workers, and what the push service saw of it."""

    def __init__(self, database: Database, sink: PushSink, *options: str) -> None:
        self.database, self.sink = database, sink
        self.alerts = SqlAlertStore(database)
        url = database.url.render_as_string(hide_password=False)
        self._command = [sys.executable, "-m", "tests.engine.worker", url, sink.origin, str(sink.ca_file), *options]
        self._command += ["--sub-batch", str(SUB_BATCH), "--lease", str(LEASE_S), "--standby"]
        self.workers: list[subprocess.Popen[bytes]] = []
        self._standby = self._spawn()
        self._subscribe(load_or_create_key(sink.ca_file.with_name("vapid.pem")).key_id)

    def accept(self) -> Alert:
        return self.alerts.accept(replace(an_alert("world"), decided_at=system_clock()), system_clock())

    def start_worker(self) -> None:
        """Let the process that stands by begin, and have another one load its modules meanwhile."""
        assert self._standby.stdin is not None
        self._standby.stdin.write(b"\n")
        self._standby.stdin.flush()
        self.workers.append(self._standby)
        self._standby = self._spawn()

    def kill_oldest(self) -> None:
        _kill(self.workers.pop(0))

    def kill_all(self) -> None:
        for worker in [*self.workers, self._standby]:
            _kill(worker)

    def wait_for(self, browsers: int) -> None:
        """Until so many have the alert. Fails when nothing moves any more."""
        self._until(lambda: int(self.sink.report()["browsers"]), browsers)

    def wait_for_end(self, alert: Alert) -> None:
        """Until the alert is done."""

        def done() -> int:
            with suppress(DatabaseUnwell):  # a server that was restarted closed our connections
                found = self.alerts.find(alert.id)
                return int(found is not None and found.done_at is not None)
            return 0

        self._until(done, 1)

    @staticmethod
    def _until(look: Callable[[], int], enough: int) -> None:
        moved_at, last = monotonic(), -1
        while (now := look()) < enough:
            if now != last:
                moved_at, last = monotonic(), now
            assert monotonic() - moved_at < STUCK_S, f"stuck at {last} of {enough}"
            Event().wait(JITTER_S)

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.PIPE)

    def _subscribe(self, key_id: str) -> None:
        transfer = SqlTransfer(self.database)
        for low in range(0, SUBSCRIBERS, 10_000):
            batch = [
                replace(
                    a_subscription(f"{number}", "world"),
                    keys=keys_of(number, self.sink.endpoint("ok", number)),
                    vapid_key_id=key_id,
                )
                for number in range(low, low + 10_000)
            ]
            transfer.add(batch, system_clock())


@contextmanager
def ended(fan_out: FanOut) -> Iterator[FanOut]:
    """Leaves no worker behind, whatever the test found."""
    try:
        yield fan_out
    finally:
        fan_out.kill_all()
        fan_out.database.close()


def _kill(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.communicate(timeout=10)


def instants() -> list[int]:
    """So many browsers have the alert when a worker is killed: twenty random numbers, in order."""
    return sorted(random.sample(range(1, SUBSCRIBERS - SUB_BATCH), KILLS))


def test_twenty_kills_of_one_machine_lose_nobody_and_repeat_little(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "notifier.db")
    with PushSink(*SINK) as sink, ended(FanOut(database, sink)) as fan_out:
        alert = fan_out.accept()
        fan_out.start_worker()
        for browsers in instants():
            fan_out.wait_for(browsers)
            Event().wait(random.random() * JITTER_S)
            fan_out.kill_oldest()
            fan_out.start_worker()
        fan_out.wait_for_end(alert)
        seen = sink.report()
    assert (seen["browsers"], seen["problems"]) == (SUBSCRIBERS, [])
    assert seen["repeated"] <= KILLS * THREADS * SUB_BATCH


def test_twenty_kills_and_two_restarts_of_many_machines_lose_nobody_and_repeat_little(
    require: Callable[[str], str],
) -> None:
    postgres, rabbit = PostgresServer(require("postgres"), SURE), RabbitServer(require("rabbitmq"))
    try:
        postgres.psql("CREATE DATABASE notifier")
        database = Database(postgres.url("notifier"))
        database.create()
        with PushSink(*SINK) as sink, ended(FanOut(database, sink, "--broker", rabbit.url)) as fan_out:
            with ProcessPoolExecutor(1) as pool:
                Sealer(SqlEnvelopeStore(database), lambda: False, Metrics()).seal_all(pool)
            alert = fan_out.accept()
            fan_out.start_worker()
            fan_out.start_worker()
            for number, browsers in enumerate(instants()):
                fan_out.wait_for(browsers)
                Event().wait(random.random() * JITTER_S)
                if number == KILLS // 3:
                    postgres.stop("immediate")
                    postgres.start()
                if number == 2 * KILLS // 3:
                    rabbit.stop()
                    rabbit.start()
                fan_out.kill_oldest()
                fan_out.start_worker()
            fan_out.wait_for_end(alert)
            seen = sink.report()
    finally:
        rabbit.remove()
        postgres.remove()
    assert (seen["browsers"], seen["problems"]) == (SUBSCRIBERS, [])
    # Of each worker: the threads that its queue wakes, and the one that looks into the database. A kill interrupts one
    # worker, the restart of PostgreSQL both, that of RabbitMQ none.
    assert seen["repeated"] <= (KILLS + 2) * (THREADS + 1) * SUB_BATCH
