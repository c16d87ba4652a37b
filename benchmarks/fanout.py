"""One alert to everybody: CPU, time and memory of the sender, everything included, beside what else one could use.

    python -m benchmarks.fanout [--subscribers 50000] [--engine embedded|distributed] [--peers] [--breaking-during]
                                [--database-url URL] [--broker-url URL] [--delay 0.0] [--sub-batch 1000]

Reading subscribers, finishing or sealing, sending, outcomes and cursors are all counted: CPU time (user and system) of
the sending process, an engine as `notifier run` builds it; with `distributed`, of two workers in processes of their
own, over PostgreSQL and RabbitMQ (servers of the benchmark's own, unless URLs are given). The push service is
`tests.pushsink`, a TLS HTTP/2 server in another process, on the other core. `cold` is the same without envelopes, over
a tenth of the subscribers. Peers (see benchmarks/transport.py) send to the same sink in the same run.
`--breaking-during` accepts breaking news for a tenth in the middle of an ordinary alert to all: seconds from its
decision to its first message on the transport, and to its last acceptance. One JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from benchmarks.fanout_parts import Distributed, Embedded, Fleet, Sender, TimedStore
from benchmarks.transport import cpu_s, curve_us, install_web_push, measure_node, measure_webpush_async, pin
from notifier.alerts.alert import Alert
from notifier.clock import system_clock
from notifier.engine.sealing import Sealer
from notifier.push.request import topic_of
from notifier.push.vapid import VapidKey, load_or_create_key
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.transfer import SqlTransfer
from notifier.subscribers.subscriber import NewSubscription
from notifier.telemetry import Metrics
from tests.conftest import PROGRAMS
from tests.contracts.samples import an_alert
from tests.postgres import PostgresServer
from tests.pushsink.browser import keys_of
from tests.pushsink.process import PushSink
from tests.rabbitmq import RabbitServer

IMPORT_BATCH = 10_000
PATIENCE_S = 1_800.0
LOOK_S = 0.05
AMID_STORY = 2


@dataclass(frozen=True, slots=True)
class FanOut:
    """What one alert came to; times in seconds after the decision. The percentiles are known of the embedded engine."""

    accepted: int
    cpu_us: float
    wall_s: float
    rss_mb: float
    percentiles_s: dict[str, float]


class Bench:
    """A database of subscribers and a sink."""

    def __init__(self, database: Database, sink: PushSink, key: VapidKey) -> None:
        self.database, self.sink, self.key = database, sink, key
        self.store = TimedStore(database)
        self.alerts = SqlAlertStore(database)

    def subscribe(self, first: int, last: int, topics: Callable[[int], frozenset[str]]) -> None:
        """Make browsers `first` to `last`."""
        transfer = SqlTransfer(self.database)
        for low in range(first, last, IMPORT_BATCH):
            batch = [
                NewSubscription(
                    keys_of(number, f"{self.sink.origin}/ok/{'x' * 140}/{number}"),
                    secrets.token_bytes(32),
                    topics(number),
                    "sink",
                    self.key.key_id,
                )
                for number in range(low, min(low + IMPORT_BATCH, last))
            ]
            transfer.add(batch, system_clock())
        self.database.close()  # and with it the large cache that an import has

    def seal_ahead(self) -> dict[str, float]:
        """Seal for everybody: how many a second of CPU, the sealing process's and what feeds and stores.

        Beside it the rate at which the curve alone could be done in the same minutes: the most that there could be.
        """
        point = keys_of(0, self.sink.origin).p256dh
        before_us = curve_us(point)
        sealer = Sealer(SqlEnvelopeStore(self.database), lambda: False, Metrics())
        began = cpu_s() + _children_s()
        with ProcessPoolExecutor(1) as pool:
            kept = sealer.seal_all(pool)
        sealed_us = (cpu_s() + _children_s() - began) / kept * 1e6
        return {"sealed_per_cpu_s": 1e6 / sealed_us, "curve_per_cpu_s": 2e6 / (before_us + curve_us(point))}

    def send(self, topic: str, fleet: Fleet) -> FanOut:
        """One alert, from its decision to the last acceptance."""
        self.store.settled.clear()
        cpu, _ = fleet.used()
        alert = self.accept(topic, breaking=True)
        fleet.wake()
        done = self.wait(alert)
        after, rss_mb = fleet.used()
        accepted, used = done.counts["delivered"], after - cpu
        times = sorted((at - alert.decided_at).total_seconds() for _, at, n in self.store.settled for _ in range(n))
        wall_s = (done.done_at - alert.decided_at).total_seconds() if done.done_at else 0.0
        shares = {
            f"p{share}_s": times[min(len(times) - 1, len(times) * share // 100)] for share in (50, 90, 99) if times
        }
        return FanOut(accepted, used / accepted * 1e6, wall_s, rss_mb, shares)

    def send_breaking_during(self, fleet: Fleet) -> dict[str, float]:
        """Breaking news for a tenth, when a tenth of everybody has an ordinary alert."""
        ordinary = self.accept("news", breaking=False)
        fleet.wake()
        tenth = ordinary.audience / 10
        self._until(lambda: self.find(ordinary).counts.get("delivered", 0) > tenth)
        breaking = self.accept("tenth", breaking=True, story=AMID_STORY)
        fleet.wake()
        done = self.wait(breaking)
        first_at = fleet.first_at(topic_of(breaking.message.tag))
        assert self.find(ordinary).done_at is None, "the ordinary alert ended too early to say anything"
        assert done.done_at is not None
        self.wait(ordinary)
        return {
            "breaking_first_s": (first_at - breaking.decided_at).total_seconds(),
            "breaking_all_s": (done.done_at - breaking.decided_at).total_seconds(),
        }

    def accept(self, topic: str, *, breaking: bool, story: int = 1) -> Alert:
        """Decide and accept."""
        now = system_clock()
        new = an_alert(topic, breaking=breaking, story=story)
        return self.alerts.accept(replace(new, decided_at=now), now)

    def wait(self, alert: Alert) -> Alert:
        """The alert when it is done."""
        self._until(lambda: self.find(alert).done_at is not None)
        return self.find(alert)

    def find(self, alert: Alert) -> Alert:
        """The alert as it is now."""
        found = self.alerts.find(alert.id)
        assert found is not None
        return found

    @staticmethod
    def _until(reached: Callable[[], bool]) -> None:
        until = monotonic() + PATIENCE_S
        while not reached():
            if monotonic() > until:
                raise TimeoutError("the fan-out did not end")
            threading.Event().wait(LOOK_S)


def _children_s() -> float:
    """CPU time of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database at `url`, or a fresh SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(url or f"sqlite:///{Path(folder) / 'notifier.db'}")
        database.create()
        yield database
        database.close()


def servers(options: argparse.Namespace, stack: ExitStack) -> tuple[str, str]:
    """The URLs of the database and the broker, of servers that are started if none are given."""
    url, broker_url = options.database_url, options.broker_url
    if options.engine == "distributed" and not url:
        postgres = PostgresServer(_program("postgres"))
        stack.callback(postgres.remove)
        postgres.psql("CREATE DATABASE bench")
        url = postgres.url("bench")
    if options.engine == "distributed" and not broker_url:
        rabbit = RabbitServer(_program("rabbitmq"))
        stack.callback(rabbit.remove)
        broker_url = rabbit.url
    return url, broker_url


def _program(name: str) -> str:
    names, install = PROGRAMS[name]
    found = next((path for program in names if (path := shutil.which(program))), None)
    if found is None:
        raise SystemExit(f"{name} is missing: {install}")
    return found


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=50_000)
    parser.add_argument("--engine", choices=["embedded", "distributed"], default="embedded")
    parser.add_argument("--peers", action="store_true", help="also node web-push (npm) and webpush_async")
    parser.add_argument("--breaking-during", action="store_true", help="breaking news amid an ordinary alert")
    parser.add_argument("--database-url", default="", help="an empty database; SQLite in a temporary folder without it")
    parser.add_argument("--broker-url", default="", help="RabbitMQ, for distributed")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that the sink waits before each answer")
    parser.add_argument("--sub-batch", type=int, default=1000)
    return parser


def measure(bench: Bench, fleet: Fleet, subscribers: int) -> tuple[FanOut, FanOut, int]:
    """Warm, cold, and how many got nothing of the warm one."""
    warm = bench.send("news", fleet)
    lost = subscribers - bench.sink.report()["browsers"]
    return warm, bench.send("tenth", fleet), lost


def main() -> None:
    """See the top of this file."""
    options = arguments().parse_args()
    found: dict[str, float | int | str | None] = {"subscribers": options.subscribers, "engine": options.engine}
    with ExitStack() as stack:
        sink = stack.enter_context(PushSink("--sample", "1000", "--delay", str(options.delay)))
        url, broker_url = servers(options, stack)
        database = stack.enter_context(opened(url))
        key = load_or_create_key(sink.ca_file.with_name("vapid.pem"))
        found["database"] = database.url.get_backend_name()
        bench = Bench(database, sink, key)
        began = monotonic()
        bench.subscribe(
            0, options.subscribers, lambda number: frozenset({"news", *(["tenth"] if number % 10 == 0 else [])})
        )
        found["import_s"] = monotonic() - began
        found |= bench.seal_ahead()
        pin(sink.pid, 1)
        pin(0, 0)
        sender = Sender(bench.store, sink.origin, sink.ca_file, options.sub_batch)
        fleet: Fleet
        if options.engine == "distributed":
            fleet = Distributed(database, broker_url, sink.origin, sink.ca_file, options.sub_batch)
        else:
            fleet = Embedded(sender)
        stack.callback(fleet.stop)
        warm, cold, lost = measure(bench, fleet, options.subscribers)
        found |= {"accepted": warm.accepted, "lost": lost, "cpu_us_per_message": warm.cpu_us, "wall_s": warm.wall_s}
        found |= warm.percentiles_s | {"rss_mb": warm.rss_mb, "cold_cpu_us_per_message": cold.cpu_us}
        if options.breaking_during:
            found |= bench.send_breaking_during(fleet)
        if options.peers:
            found["webpush_async_cpu_us"] = other = asyncio.run(measure_webpush_async(sink, key, 2000))
            found["node_web_push_cpu_us"] = node = measure_node(sink, key, 2000, install_web_push())
            found["ratio_webpush_async"] = other / warm.cpu_us
            found["ratio_node_web_push"] = node / warm.cpu_us
            found["cold_ratio_webpush_async"] = other / cold.cpu_us
        report = sink.report()
        assert report["problems"] == [], report["problems"][:3]
    print(json.dumps({name: round(value, 2) if isinstance(value, float) else value for name, value in found.items()}))


if __name__ == "__main__":
    main()
