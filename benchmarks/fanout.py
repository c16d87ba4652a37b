"""One alert to everybody: CPU, time and memory of the sender, everything included, beside what else one could use.

    python -m benchmarks.fanout [--subscribers 50000] [--peers] [--database-url URL] [--delay 0.0] [--sub-batch 1000]

Reading subscribers, finishing or sealing, sending, outcomes and cursors are all counted: CPU time (user and system) of
the sending process, an engine as `notifier run` builds it. The push service is `tests.pushsink`, a TLS HTTP/2 server in
another process, on the other core. `cold` is the same without envelopes, over a tenth of the subscribers. Peers (see
benchmarks/wire.py) send to the same sink in the same run. One JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import monotonic

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from benchmarks.wire import SUBJECT, cpu_s, install_web_push, measure_node, measure_webpush_async, pin
from notifier.addresses import AddressGuard
from notifier.alerts.alert import Alert
from notifier.alerts.delivery import ChunkJob, Settlement
from notifier.clock import system_clock
from notifier.engine.courier import Courier
from notifier.engine.local import LocalEngine
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.engine.sealing import Sealer
from notifier.push.envelope import seal_now
from notifier.push.http2.wire import Http2Wire
from notifier.push.paced_wire import PacedWire, Pacer
from notifier.push.pycurl_wire import PycurlWire
from notifier.push.vapid import VapidKey, VapidSigner, vapid_key
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.transfer import SqlTransfer
from notifier.subscribers.subscriber import NewSubscription
from notifier.telemetry import Metrics
from tests.contracts.samples import an_alert
from tests.pushsink.browser import keys_of
from tests.pushsink.process import PushSink

IMPORT_BATCH = 5_000
THREADS = 2
PATIENCE_S = 1_800.0


class TimedStore(SqlDeliveryStore):
    """A delivery store that remembers when each sub-batch was settled."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.settled: list[tuple[datetime, int]] = []

    def settle(self, job: ChunkJob, settlement: Settlement, now: datetime, lease_s: float) -> None:
        """Settle, and note when how many were accepted."""
        super().settle(job, settlement, now, lease_s)
        accepted = sum(words.get("delivered", 0) for words in settlement.counts.values())
        self.settled.append((now, accepted))


@dataclass(frozen=True, slots=True)
class FanOut:
    """What one alert came to; times in seconds after the decision."""

    accepted: int
    cpu_us: float
    wall_s: float
    p50_s: float
    p90_s: float
    p99_s: float


class Bench:
    """A database of subscribers and an engine, beside a sink."""

    def __init__(self, database: Database, sink: PushSink, key: VapidKey, sub_batch: int) -> None:
        self.database, self.sink, self.key, self.sub_batch = database, sink, key, sub_batch
        self.store = TimedStore(database)
        self.alerts = SqlAlertStore(database)
        self.metrics = Metrics()

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

    def seal_ahead(self) -> float:
        """Seal for everybody; returns how many a second of CPU, the sealing process's and what feeds and stores."""
        sealer = Sealer(SqlEnvelopeStore(self.database), lambda: False, self.metrics)
        began = cpu_s() + _children_s()
        with ProcessPoolExecutor(1) as pool:
            kept = sealer.seal_all(pool)
        return kept / (cpu_s() + _children_s() - began)

    def send(self, topic: str) -> FanOut:
        """One alert, from its decision to the last acceptance."""
        self.store.settled.clear()
        engine = LocalEngine(self._runner, THREADS)
        engine.start()
        cpu, decided_at = cpu_s(), system_clock()
        new = replace(an_alert(topic, breaking=True), decided_at=decided_at)
        alert = self.alerts.accept(new, decided_at)
        engine.wake()
        self._wait(alert)
        used = cpu_s() - cpu
        engine.stop(60)
        times = sorted((at - decided_at).total_seconds() for at, count in self.store.settled for _ in range(count))
        accepted = len(times)
        p50, p90, p99 = (times[min(accepted - 1, accepted * share // 100)] for share in (50, 90, 99))
        return FanOut(accepted, used / accepted * 1e6, times[-1], p50, p90, p99)

    def _wait(self, alert: Alert) -> None:
        until = monotonic() + PATIENCE_S
        while monotonic() < until:
            threading.Event().wait(0.2)
            found = self.alerts.find(alert.id)
            if found is not None and found.done_at is not None:
                return
        raise TimeoutError("the fan-out did not end")

    def _runner(self) -> Runner:
        guard = AddressGuard.allowing([self.sink.local])
        wire = Http2Wire(guard, PycurlWire(guard, self.sink.ca_file), self.sink.ca_file)
        pacer = Pacer(system_clock)
        courier = Courier(PacedWire(wire, pacer), VapidSigner([self.key], SUBJECT), seal_now)
        settings = RunSettings(sub_batch=self.sub_batch)
        return Runner(self.store, courier, Pauses(self.metrics), self.metrics, system_clock, settings)


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


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=50_000)
    parser.add_argument("--peers", action="store_true", help="also node web-push (npm) and webpush_async")
    parser.add_argument("--database-url", default="", help="an empty database; SQLite in a temporary folder without it")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that the sink waits before each answer")
    parser.add_argument("--sub-batch", type=int, default=1000)
    options = parser.parse_args()
    key = vapid_key(generate_private_key(SECP256R1()))
    found: dict[str, float | int | str | None] = {"subscribers": options.subscribers}
    with PushSink("--sample", "1000", "--delay", str(options.delay)) as sink, opened(options.database_url) as database:
        found["database"] = database.url.get_backend_name()
        bench = Bench(database, sink, key, options.sub_batch)
        began = monotonic()
        bench.subscribe(
            0, options.subscribers, lambda number: frozenset({"news", *(["tenth"] if number % 10 == 0 else [])})
        )
        found["import_s"] = monotonic() - began
        found["sealed_per_cpu_s"] = bench.seal_ahead()
        pin(sink.pid, 1)
        pin(0, 0)
        warm = bench.send("news")
        found |= {"accepted": warm.accepted, "lost": options.subscribers - sink.report()["browsers"]}
        found |= {"cpu_us_per_message": warm.cpu_us, "wall_s": warm.wall_s}
        found |= {"p50_s": warm.p50_s, "p90_s": warm.p90_s, "p99_s": warm.p99_s}
        found["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found["cold_cpu_us_per_message"] = bench.send("tenth").cpu_us
        if options.peers:
            found["webpush_async_cpu_us"] = other = asyncio.run(measure_webpush_async(sink, key, 2000))
            found["node_web_push_cpu_us"] = node = measure_node(sink, key, 2000, install_web_push())
            found["ratio_webpush_async"] = other / warm.cpu_us
            found["ratio_node_web_push"] = node / warm.cpu_us
        report = sink.report()
        assert report["problems"] == [], report["problems"][:3]
    print(json.dumps({name: round(value, 2) if isinstance(value, float) else value for name, value in found.items()}))


if __name__ == "__main__":
    main()
