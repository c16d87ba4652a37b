"""Parsing beside the event loop: a few processes, each with a time limit and a memory limit.

Enters: a fetched body. Leaves: what `read.read` made of it. A process that hangs is killed, one that died is replaced;
either costs the poll that it was busy with, which gets an `Unreadable`, and nothing else.

A feed has one document at a time with the parsers. One that takes longer than `quick_s` is read aside, in a process of
low priority that is not one of the `workers`: they go on with the documents of others. Its feed is remembered, and
begins aside the next time.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from notifier.feeds import worker_frames
from notifier.feeds.feed import ParsedFeed, Unreadable
from notifier.feeds.hosts import HostGate
from notifier.feeds.scan import DIGEST_BYTES
from notifier.feeds.slow_feeds import SlowFeeds
from notifier.feeds.worker_frames import ReadRequest

# The parent's limit comes first; the worker's own alarm is for a worker whose parent is gone.
_ALARM_AFTER_S = 5
_LOW_PRIORITY = 10
MAX_ANSWER_BYTES = 8 << 20

CROWDED = Unreadable(
    "Reading it takes long, and so do the documents of other feeds that came before: it is tried again later."
)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """`workers` processes; a document may take `time_limit_s` of wall time and `memory_limit_bytes` of address space.

    After `quick_s` it is read aside, where there are `aside` places. For one of them a document waits `patience_s` at
    most, and all that wait have `aside_bytes` together. A worker takes about 40 MiB before it reads anything; a
    document of 10 MiB some 200 MiB more. Processes are started when they are needed.
    """

    workers: int = field(default_factory=lambda: max(2, cores()))
    time_limit_s: float = 10.0
    memory_limit_bytes: int = 512 << 20
    quick_s: float = 1.0
    aside: int = field(default_factory=lambda: max(1, cores() // 2))
    patience_s: float = 60.0
    aside_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class _ReadUnderWay:
    """A document that a process is busy with."""

    process: Process
    answer: asyncio.Task[bytes]


class Reader:
    """Reads documents in worker processes: `async with Reader(ReaderSettings()) as reader`."""

    def __init__(self, settings: ReaderSettings) -> None:
        self._settings = settings
        self._idle: list[Process] = []
        self._running: set[Process] = set()
        self._quick, self._aside = asyncio.Semaphore(settings.workers), asyncio.Semaphore(settings.aside)
        self._of_a_feed = HostGate(1)
        self._slow_feeds = SlowFeeds()
        self._waiting_bytes = 0

    async def __aenter__(self) -> Self:
        self._idle.append(await self._start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(self._end(process) for process in tuple(self._running)))

    async def read(
        self, body: bytes, *, content_type: str | None, url: str, known: Collection[bytes] = ()
    ) -> ParsedFeed | Unreadable:
        """`read.read` in a worker, as soon as one is free. Cancelling it ends that worker's work too.

        Raises OSError where no process can be started.
        """
        request = ReadRequest(body, content_type, url, frozenset(known))
        async with self._of_a_feed.of(url):
            if refused := self._slow_feeds.refused(url, body):
                return refused
            job: _ReadUnderWay | None = None
            if not self._slow_feeds.knows(url):
                found = await self._quickly(request)
                if isinstance(found, (ParsedFeed, Unreadable)):
                    return found
                job = found
            return await self._read_aside(request, job)

    async def _quickly(self, request: ReadRequest) -> ParsedFeed | Unreadable | _ReadUnderWay | None:
        """What was read; if that takes too long, the job that goes on aside, or None if there is no place for it."""
        async with self._quick:
            job = await self._begin(request, self._idle.pop() if self._idle else None)
            try:
                limit_s = min(self._settings.quick_s, self._settings.time_limit_s)
                await asyncio.wait({job.answer}, timeout=limit_s)
            except BaseException:
                await self._drop(job)
                raise
            if job.answer.done():
                return await self._found(job, keep=True)
            self._slow_feeds.note(request.url)
            if not self._aside.locked():
                return job
            await self._drop(job)
            return None

    async def _read_aside(self, request: ReadRequest, job: _ReadUnderWay | None) -> ParsedFeed | Unreadable:
        """Go on with a job, or begin one once there is a place."""
        try:
            if job is not None:
                await self._aside.acquire()  # at once: it was free, and nothing came between
            elif not await self._place(request):
                return CROWDED
            try:
                is_new = job is None
                job = job or await self._begin(request, None)
                return await self._to_the_end(request, job, is_new=is_new)
            finally:
                self._aside.release()
        finally:
            if job is not None:
                await self._drop(job)

    async def _place(self, request: ReadRequest) -> bool:
        """Wait for a place aside."""
        size = len(request.body)
        if self._waiting_bytes + size > self._settings.aside_bytes:
            return False
        self._waiting_bytes += size
        try:
            async with asyncio.timeout(self._settings.patience_s):
                return await self._aside.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting_bytes -= size

    async def _to_the_end(self, request: ReadRequest, job: _ReadUnderWay, *, is_new: bool) -> ParsedFeed | Unreadable:
        with suppress(OSError, AttributeError):  # it may be over, and not every system has priorities
            os.setpriority(os.PRIO_PROCESS, job.process.pid, _LOW_PRIORITY)
        limit_s, quick_s = self._settings.time_limit_s, self._settings.quick_s
        if is_new:
            await asyncio.wait({job.answer}, timeout=min(quick_s, limit_s))
            if job.answer.done():
                self._slow_feeds.forget(request.url)
        if not job.answer.done():
            await asyncio.wait({job.answer}, timeout=max(limit_s - quick_s, 0.0))
        if job.answer.done():
            return await self._found(job, keep=False)
        late = Unreadable(f"Reading it takes longer than {limit_s:g} s: it is not a usual feed. Look at it by hand.")
        self._slow_feeds.refuse(request.url, request.body, late)
        return late

    async def _begin(self, request: ReadRequest, process: Process | None) -> _ReadUnderWay:
        if process is not None and process.returncode is not None:
            await self._end(process)
            process = None
        process = process or await self._start()
        return _ReadUnderWay(process, asyncio.create_task(_exchange(process, worker_frames.request_frames(request))))

    async def _found(self, job: _ReadUnderWay, *, keep: bool) -> ParsedFeed | Unreadable:
        """What the answer of a job says; its process reads on if it may, and ends otherwise."""
        try:
            found = worker_frames.answer_of(job.answer.result(), DIGEST_BYTES)
        except (asyncio.IncompleteReadError, ConnectionError):
            found = Unreadable(self._cause_of_death(await job.process.wait()))
            keep = False
        except ValueError as error:  # more than it may say
            found = Unreadable(f"{error}. Look at it by hand.")
            keep = False
        if keep:
            self._idle.append(job.process)
        else:
            await self._end(job.process)
        return found

    async def _drop(self, job: _ReadUnderWay) -> None:
        job.answer.cancel()
        await asyncio.gather(job.answer, return_exceptions=True)
        await self._end(job.process)

    async def _start(self) -> Process:
        limits = (str(self._settings.memory_limit_bytes), str(math.ceil(self._settings.time_limit_s) + _ALARM_AFTER_S))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "notifier.feeds.worker", *limits, stdin=PIPE, stdout=PIPE
        )
        self._running.add(process)
        try:
            await _answer(process)  # it is ready: what it loads first is not the time of a document
        except BaseException:
            await self._end(process)
            raise
        return process

    def _cause_of_death(self, status: int) -> str:
        if status == worker_frames.OUT_OF_MEMORY:
            limit = self._settings.memory_limit_bytes >> 20
            return f"Reading it takes more than {limit} MiB of memory: it is not a usual feed. Look at it by hand."
        return f"The parser died of it (exit status {status}): it is broken, or made to do harm. Look at it by hand."

    async def _end(self, process: Process) -> None:
        """Kill it; nothing where it is over already."""
        self._running.discard(process)
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _exchange(process: Process, frames: bytes) -> bytes:
    if process.stdin is None:
        raise ConnectionError("a worker without pipes")
    process.stdin.write(frames)
    await process.stdin.drain()
    return await _answer(process)


async def _answer(process: Process) -> bytes:
    if process.stdout is None:
        raise ConnectionError("a worker without pipes")
    (length,) = worker_frames.LENGTH.unpack(await process.stdout.readexactly(worker_frames.LENGTH.size))
    if length > MAX_ANSWER_BYTES:
        raise ValueError(f"What was read of it is larger than {MAX_ANSWER_BYTES >> 20} MiB")
    return await process.stdout.readexactly(length)
