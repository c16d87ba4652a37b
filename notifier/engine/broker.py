"""The engine of many machines: messages over RabbitMQ, one queue for breaking news and one for everything else.

The broker only wakes: a message says "there is a chunk", the worker that gets it claims one in the database, and
acknowledges when the chunk is run. Messages may be lost or come twice, and the broker may be away: a reconciler in each
worker looks into the database every second, as on one machine.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Protocol

import structlog
from aio_pika import Connection, DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, FieldValue
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from yarl import URL

from notifier.clock import Clock
from notifier.engine.local import LocalEngine
from notifier.engine.run import Runner
from notifier.engine.sealing import Sealer
from notifier.troubles import Code, Trouble, Troubles

log = structlog.get_logger()

BREAKING, ORDINARY = "notifier.breaking", "notifier.ordinary"
# As release 0.1.0 declared them: RabbitMQ refuses a queue of the same name with other arguments.
QUEUE: dict[str, FieldValue] = {
    "x-queue-type": "quorum",
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "notifier.dead",
}
# What the client raises where the broker is away, or went while it was asked.
AWAY = (AMQPError, OSError, ChannelInvalidStateError)
CONNECT_S = 10.0
# As many messages as there are chunks to run, up to this: more workers than this are awake anyway.
MOST_MESSAGES = 256
TRY_AGAIN_S = 2.0
TEND_S = 0.5


class ChunkQueue(Protocol):
    """What the database says is waiting."""

    def waiting(self, now: datetime) -> Mapping[bool, int]:
        """{is breaking: chunks that nobody holds}."""


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """How a process that works does it: `threads` for each queue, and a sealer."""

    make_runner: Callable[[], Runner]
    threads: int
    sealer: Sealer | None = None


class BrokerEngine:
    """Implements Engine. Without a worker pool it only announces what was accepted, for the workers elsewhere."""

    def __init__(
        self,
        url: str,
        chunks: ChunkQueue,
        clock: Clock,
        worker_pool: WorkerPool | None,
        troubles: Troubles | None = None,
    ) -> None:
        self._url, self._chunks, self._clock = url, chunks, clock
        self._worker_pool = worker_pool
        self._reconciler = LocalEngine(worker_pool.make_runner, 1, worker_pool.sealer) if worker_pool else None
        told = troubles or Troubles()
        self._lanes = {
            True: _QueueConsumer(url, BREAKING, worker_pool, told),
            False: _QueueConsumer(url, ORDINARY, worker_pool, told),
        }
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="broker", daemon=True)

    def start(self) -> None:
        """Connect, and begin to work with whatever was left from before."""
        self._thread.start()
        if self._reconciler is not None:
            self._reconciler.start()

    def wake(self) -> None:
        """Chunks were accepted just now: tell the workers."""
        for breaking, count in self._chunks.waiting(self._clock()).items():
            announcement = self._lanes[breaking].announce(min(count, MOST_MESSAGES))
            asyncio.run_coroutine_threadsafe(announcement, self._loop)

    def stop(self, timeout_s: float) -> None:
        """Finish the sub-batches under way, give the leases back, and end; all of it within `timeout_s`."""
        until = monotonic() + timeout_s
        for lane in self._lanes.values():
            lane.stopping.set()
            self._loop.call_soon_threadsafe(lane.finish.set)
        if self._reconciler is not None:
            self._reconciler.stop(timeout_s)
        self._thread.join(max(0.0, until - monotonic()))

    def _serve(self) -> None:
        # A Runner ends whatever the client library has left running.
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve_lanes())

    async def _serve_lanes(self) -> None:
        lanes = self._lanes.values()
        await asyncio.gather(*(lane.serve() for lane in lanes), *(lane.tend() for lane in lanes))


class _QueueConsumer:
    """One queue: its connection, made again whenever it is lost, and the threads that run what it announces."""

    def __init__(self, url: str, queue: str, worker_pool: WorkerPool | None, troubles: Troubles) -> None:
        self._url, self._queue, self._worker_pool, self._troubles = url, queue, worker_pool, troubles
        self.stopping = threading.Event()
        self.finish = asyncio.Event()
        self._channel: AbstractChannel | None = None
        self._under_way: set[asyncio.Task[object]] = set()
        self._own = threading.local()
        self._runners: list[tuple[Runner, threading.Lock]] = []

    async def announce(self, count: int) -> None:
        """Put `count` messages into the queue; if that fails, the reconcilers find the chunks."""
        channel = self._channel
        if channel is None:
            return
        try:
            for _ in range(count):
                wake = Message(b"", delivery_mode=DeliveryMode.PERSISTENT)
                await channel.default_exchange.publish(wake, routing_key=self._queue)
        except AWAY as away:
            self._tell_away(type(away).__name__)

    async def serve(self) -> None:
        """Stay connected until `finish`."""
        threads = self._worker_pool.threads if self._worker_pool else 1
        with ThreadPoolExecutor(threads, f"broker-{self._queue}") as executor:
            while not self.finish.is_set():
                try:
                    await self._connected(executor, threads)
                except AWAY as away:
                    self._tell_away(type(away).__name__)
                except Exception:
                    log.exception("broker.failed", queue=self._queue)
                finally:
                    self._channel = None
                await _until(self.finish, TRY_AGAIN_S)
        for runner, _ in self._runners:
            with suppress(Exception):  # whatever is not settled now is retried when its lease has ended
                runner.finish()
            runner.close()

    async def tend(self) -> None:
        """Between two messages: settle who was late to answer."""
        while not self.finish.is_set():
            await _until(self.finish, TEND_S)
            for runner, lock in list(self._runners):
                await asyncio.to_thread(_settle_late, runner, lock)

    async def _connected(self, executor: ThreadPoolExecutor, threads: int) -> None:
        """One connection: returns when it is lost, or when it is time to finish and what it brought is done."""
        lost = asyncio.Event()
        async with Connection(URL(self._url)) as connection:
            connection.close_callbacks.add(lambda *_: lost.set())
            await connection.connect(timeout=CONNECT_S)
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=threads)
            queue = await channel.declare_queue(self._queue, durable=True, arguments=QUEUE)
            self._channel = channel
            self._troubles.clear(Code.BROKER_AWAY, self._queue)
            tag = await queue.consume(partial(self._woken, executor)) if self._worker_pool else None
            while not (self.finish.is_set() or lost.is_set()):
                await _until(self.finish, TEND_S)
            self._channel = None
            if tag is not None and not lost.is_set():
                await queue.cancel(tag)
            if self._under_way:
                await asyncio.wait(self._under_way)

    async def _woken(self, executor: ThreadPoolExecutor, message: AbstractIncomingMessage) -> None:
        """Run a chunk in one of the executor's threads, then acknowledge."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            await asyncio.get_running_loop().run_in_executor(executor, self._run_chunk)
        except Exception:  # the chunk's lease ends, and it is claimed again
            log.exception("broker.chunk-failed", queue=self._queue)
        with suppress(*AWAY):  # the message comes again, and finds nothing to do
            await message.ack()

    def _tell_away(self, problem: str) -> None:
        what = f"RabbitMQ cannot be reached ({problem}): workers look into the database every second instead"
        do = "Look whether it runs, and at NOTIFIER_BROKER_URL; nothing is lost meanwhile"
        self._troubles.report(Trouble(Code.BROKER_AWAY, what, do, self._queue))

    def _make_runner(self) -> Runner:
        if self._worker_pool is None:
            raise RuntimeError("a process without a worker pool takes no messages")
        return self._worker_pool.make_runner()

    def _run_chunk(self) -> bool:
        """Claim a chunk and run it; False if others were faster. Runs in one of the executor's threads."""
        own: tuple[Runner, threading.Lock] | None = getattr(self._own, "runner", None)
        if own is None:
            own = self._own.runner = self._make_runner(), threading.Lock()
            self._runners.append(own)
        runner, lock = own
        with lock:
            return runner.work_once(self.stopping.is_set, only_breaking=self._queue == BREAKING)


def _settle_late(runner: Runner, lock: threading.Lock) -> None:
    """Unless the runner is at work, which settles them too."""
    if not lock.acquire(blocking=False):
        return
    try:
        runner.settle_late()
    except Exception:
        # A database that is away: their leases end, and they are tried again.
        log.exception("broker.late-not-settled")
    finally:
        lock.release()


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
