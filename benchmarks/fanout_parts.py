"""What a fan-out is measured with: the runner that every sender has, in this process or in workers of their own.

`python -m benchmarks.fanout_parts DATABASE_URL BROKER_URL ORIGIN CA_FILE SUB_BATCH` is one worker. It answers each line
of standard input with one of JSON: its CPU time (user and system, seconds), its peak memory (MB) so far, and when the
first message with each Topic was given to its transport. Workers share what they know of limits, as those of a site do.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from benchmarks.transport import SUBJECT, cpu_s, pin
from notifier.addresses import AddressGuard
from notifier.alerts.delivery import LeasedChunk, Settlement
from notifier.clock import system_clock
from notifier.engine.broker import BrokerEngine, WorkerPool
from notifier.engine.dispatcher import PushDispatcher
from notifier.engine.local import LocalEngine
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.push.curl_transport import CurlTransport
from notifier.push.envelope import seal_now
from notifier.push.http2.transport import Http2Transport
from notifier.push.paced_transport import PacedTransport, Pacer, SharedLimits
from notifier.push.request import PushRequest
from notifier.push.transport import NO_LIMITS, LanedTransport, Patience, PushResponse
from notifier.push.vapid import VapidSigner, load_or_create_key
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.limits import SqlSharedLimits
from notifier.telemetry import Metrics
from tests.pushsink.process import ROOT

THREADS = 2
WORKERS = 2
STOP_S = 60.0


class TimedStore(SqlDeliveryStore):
    """A delivery store that remembers when each sub-batch was settled."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.settled: list[tuple[int, datetime, int]] = []

    def settle(self, job: LeasedChunk, settlement: Settlement, now: datetime, lease_s: float) -> None:
        """Settle, and note for which alert, when, and how many were accepted."""
        super().settle(job, settlement, now, lease_s)
        accepted = sum(words.get("delivered", 0) for words in settlement.counts.values())
        self.settled.append((job.alert.id, now, accepted))


class WatchedTransport:
    """A PushTransport that notes when the first message with each Topic was given to it."""

    def __init__(self, transport: LanedTransport, first: dict[str | None, datetime]) -> None:
        self._transport, self._first = transport, first

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[PushResponse]:
        """See PushTransport.send."""
        self._note(batch)
        return self._transport.send(batch, deadline_s, streams)

    def begin(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int], patience: Patience
    ) -> list[PushResponse]:
        """See LanedTransport.begin."""
        self._note(batch)
        return self._transport.begin(batch, deadline_s, streams, patience)

    def late(self, wait_s: float = 0.0) -> list[tuple[int, PushResponse]]:
        """See LanedTransport.late."""
        return self._transport.late(wait_s)

    def _note(self, batch: Sequence[PushRequest]) -> None:
        if batch:
            self._first.setdefault(batch[0].headers.topic, system_clock())

    def close(self) -> None:
        """See PushTransport.close."""
        self._transport.close()


class Sender:
    """Makes runners for one process, with the service's own parts. The key is beside `ca_file`.

    `others`: further origins that may be sent to.
    """

    def __init__(
        self,
        store: SqlDeliveryStore,
        origin: str,
        ca_file: Path,
        sub_batch: int,
        shared: SharedLimits | None = None,
        others: Sequence[str] = (),
    ) -> None:
        self._store, self._origins, self._ca_file, self._sub_batch = store, (origin, *others), ca_file, sub_batch
        self._key = load_or_create_key(ca_file.with_name("vapid.pem"))
        self._metrics, self._pacer = Metrics(), Pacer(system_clock, [origin], shared)
        self._pauses = Pauses(self._metrics, self._pacer.limited, self._pacer.late, self._pacer.room)
        self.first: dict[str | None, datetime] = {}

    def runner(self) -> Runner:
        """One for a thread."""
        guard = AddressGuard.allowing([origin.partition("://")[2] for origin in self._origins])
        transport = Http2Transport(guard, CurlTransport(guard, self._ca_file), self._ca_file)
        watched = WatchedTransport(PacedTransport(transport, self._pacer), self.first)
        dispatcher = PushDispatcher(watched, VapidSigner([self._key], SUBJECT), seal_now)
        settings = RunSettings(sub_batch=self._sub_batch)
        return Runner(self._store, dispatcher, self._pauses, self._metrics, system_clock, settings)


class Fleet(Protocol):
    """Whatever sends, and what that cost."""

    def wake(self) -> None:
        """Chunks were accepted."""

    def used(self) -> tuple[float, float]:
        """CPU seconds of all senders, and the peak memory of the greatest in MB."""

    def first_at(self, topic: str) -> datetime:
        """When the first message with this Topic was given to a transport."""

    def stop(self) -> None:
        """End."""


class Embedded:
    """The engine of one machine, in this process."""

    def __init__(self, sender: Sender) -> None:
        forget_peak()
        self._first = sender.first
        self._engine = LocalEngine(sender.runner, THREADS)
        self._engine.start()

    def wake(self) -> None:
        """See Fleet."""
        self._engine.wake()

    def used(self) -> tuple[float, float]:
        """See Fleet."""
        return cpu_s(), peak_mb()

    def first_at(self, topic: str) -> datetime:
        """See Fleet."""
        return self._first[topic]

    def stop(self, limit_s: float = STOP_S) -> None:
        """See Fleet; `limit_s` for each thread."""
        self._engine.stop(limit_s)


class Distributed:
    """Workers in processes of their own, woken through the broker."""

    def __init__(self, database: Database, broker_url: str, origin: str, ca_file: Path, sub_batch: int) -> None:
        self._announcer = BrokerEngine(broker_url, SqlDeliveryStore(database), system_clock, None)
        self._announcer.start()
        url = database.url.render_as_string(hide_password=False)
        command = [sys.executable, "-m", "benchmarks.fanout_parts", url, broker_url, origin, str(ca_file)]
        self._workers = [
            subprocess.Popen(
                [*command, str(sub_batch)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(WORKERS)
        ]
        for worker in self._workers:
            pin(worker.pid, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wake(self) -> None:
        """See Fleet."""
        self._announcer.wake()

    def used(self) -> tuple[float, float]:
        """See Fleet."""
        reports = [self._ask(worker) for worker in self._workers]
        return sum(report["cpu_s"] for report in reports), max(report["rss_mb"] for report in reports)

    def first_at(self, topic: str) -> datetime:
        """See Fleet."""
        reports = [self._ask(worker) for worker in self._workers]
        return min(datetime.fromisoformat(report["first"][topic]) for report in reports if topic in report["first"])

    def stop(self) -> None:
        """See Fleet."""
        for worker in self._workers:
            worker.communicate(timeout=STOP_S)
        self._announcer.stop(STOP_S)

    @staticmethod
    def _ask(worker: subprocess.Popen[str]) -> dict[str, Any]:
        assert worker.stdin is not None
        assert worker.stdout is not None
        print("used", file=worker.stdin, flush=True)
        report: dict[str, Any] = json.loads(worker.stdout.readline())
        return report


def forget_peak() -> None:
    """Let `peak_mb` count from now: what made the subscribers is no part of a fan-out (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """The most memory that this process had at a time."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main(url: str, broker_url: str, origin: str, ca_file: str, sub_batch: str) -> None:
    """A worker, until standard input ends."""
    database = Database(url)
    store = SqlDeliveryStore(database)
    sender = Sender(store, origin, Path(ca_file), int(sub_batch), SqlSharedLimits(database))
    engine = BrokerEngine(broker_url, store, system_clock, WorkerPool(sender.runner, THREADS))
    engine.start()
    for _ in sys.stdin:
        first = {topic: at.isoformat() for topic, at in sender.first.copy().items() if topic is not None}
        print(json.dumps({"cpu_s": cpu_s(), "rss_mb": peak_mb(), "first": first}), flush=True)
    engine.stop(STOP_S)
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
