"""The engine over RabbitMQ, on PostgreSQL: announced work is done at once, and nothing depends on the announcement."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from threading import Lock, Thread, current_thread

import pytest
from aio_pika.abc import AbstractConnection

from notifier.engine.broker import BrokerEngine, WorkerPool
from notifier.engine.run import Runner
from notifier.storage.database import Database
from tests.engine.harness import EngineHarness, ScriptedTransport
from tests.engine.test_crash import wait_until
from tests.postgres import PostgresServer
from tests.rabbitmq import RabbitServer

ENOUGH_S = 30.0
NAMES = [f"browser-{number}" for number in range(30)]


@pytest.fixture(scope="module")
def rabbit(require: Callable[[str], str]) -> Iterator[RabbitServer]:
    server = RabbitServer(require("rabbitmq"))
    yield server
    server.remove()


@pytest.fixture
def far_harness(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[EngineHarness]:
    name = f"broker_{abs(hash(request.node.name)) % 10**9}"
    postgres_server.psql(f"CREATE DATABASE {name} TEMPLATE template_notifier")
    database = Database(postgres_server.url(name))
    yield EngineHarness(database)
    database.close()


class Workers:
    """Some worker processes' engines, here as threads, whose transports note whom they reach."""

    def __init__(self, harness: EngineHarness, url: str, count: int) -> None:
        self.reached: list[str] = []
        self.threads: set[str] = set()
        self._lock = Lock()
        self._house = harness
        self.engines = [
            BrokerEngine(url, harness.deliveries, harness.clock, WorkerPool(self._runner, 2)) for _ in range(count)
        ]
        for engine in self.engines:
            engine.start()

    def stop(self) -> None:
        for engine in self.engines:
            engine.stop(ENOUGH_S)

    def _runner(self) -> Runner:
        transport = ScriptedTransport()

        def note() -> None:
            with self._lock:
                self.threads.add(current_thread().name)
                self.reached.extend(transport.reached[-len(transport.batches[-1]) :])

        transport.then = note
        return self._house.worker(transport)


def test_what_the_poller_accepts_the_workers_send_and_nobody_is_reached_twice(
    far_harness: EngineHarness, rabbit: RabbitServer
) -> None:
    far_harness.subscribe(*NAMES)
    announcer = BrokerEngine(rabbit.url, far_harness.deliveries, far_harness.clock, worker_pool=None)
    announcer.start()
    workers = Workers(far_harness, rabbit.url, count=2)
    first, second = far_harness.accept(story=1), far_harness.accept(story=2, breaking=True)
    announcer.wake()
    wait_until(lambda: all(far_harness.read(alert).done_at for alert in (first, second)))
    workers.stop()
    announcer.stop(ENOUGH_S)
    assert sorted(workers.reached) == sorted(NAMES * 2)


def test_a_message_wakes_the_queues_own_threads(far_harness: EngineHarness, rabbit: RabbitServer) -> None:
    far_harness.subscribe(*NAMES)
    workers = Workers(far_harness, rabbit.url, count=1)
    stories = count()

    def announced() -> bool:
        far_harness.accept(story=next(stories))
        workers.engines[0].wake()
        return any("notifier.ordinary" in name for name in workers.threads)

    wait_until(announced)
    workers.stop()


def test_without_a_broker_the_reconciler_finds_the_work(far_harness: EngineHarness) -> None:
    far_harness.subscribe(*NAMES)
    workers = Workers(far_harness, "amqp://guest:guest@127.0.0.1:9/", count=1)
    alert = far_harness.accept()
    wait_until(lambda: far_harness.read(alert).done_at is not None)
    workers.stop()
    assert sorted(workers.reached) == sorted(NAMES)


def test_a_broker_that_is_restarted_loses_nobody_and_is_used_again(
    far_harness: EngineHarness, rabbit: RabbitServer
) -> None:
    far_harness.subscribe(*NAMES)
    workers = Workers(far_harness, rabbit.url, count=1)
    rabbit.stop()
    before = far_harness.accept(story=1)
    wait_until(lambda: far_harness.read(before).done_at is not None)
    rabbit.start()
    after = far_harness.accept(story=2)
    workers.engines[0].wake()
    wait_until(lambda: far_harness.read(after).done_at is not None)
    workers.stop()
    assert sorted(workers.reached) == sorted(NAMES * 2)


def test_a_connection_cut_while_it_is_made_is_closed_and_not_left_to_the_collector(far_harness: EngineHarness) -> None:
    cuts: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut() -> None:
            with suppress(OSError):
                while True:
                    cuts.append(server.accept()[0])
                    cuts[-1].close()

        Thread(target=cut, daemon=True).start()
        host, port = server.getsockname()
        announcer = BrokerEngine(
            f"amqp://guest:guest@{host}:{port}/", far_harness.deliveries, far_harness.clock, worker_pool=None
        )
        announcer.start()
        wait_until(lambda: len(cuts) > 5)
        announcer.stop(ENOUGH_S)
        left = [made for made in gc.get_objects() if isinstance(made, AbstractConnection) and not made.is_closed]
    assert left == []
