"""Parsing beside the event loop: a few processes, each with a time limit and a memory limit.

Enters: a fetched body. Leaves: what `read.read` made of it. A process that hangs is killed, one that died is replaced;
either costs the poll that it was busy with, which gets an `Unreadable`, and nothing else.
"""

from __future__ import annotations

import asyncio
import math
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from notifier.feeds import wire
from notifier.feeds.feed import ParsedFeed, Unreadable
from notifier.feeds.scan import DIGEST_BYTES

# The parent's limit comes first; the worker's own alarm is for a worker whose parent is gone.
_ALARM_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """`workers` processes; a document may take `time_limit_s` of wall time and `memory_limit_bytes` of address space.

    A worker takes about 40 MiB before it reads anything; a document of 10 MiB some 200 MiB more.
    """

    workers: int = 1
    time_limit_s: float = 10.0
    memory_limit_bytes: int = 512 << 20


class Reader:
    """Reads documents in worker processes: `async with Reader(ReaderSettings()) as reader`."""

    def __init__(self, settings: ReaderSettings) -> None:
        self._settings = settings
        self._idle: asyncio.LifoQueue[Process | None] = asyncio.LifoQueue()
        self._running: set[Process] = set()

    async def __aenter__(self) -> Self:
        for _ in range(self._settings.workers):
            self._idle.put_nowait(await self._start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(self._end(process) for process in tuple(self._running)))

    async def read(
        self, body: bytes, *, content_type: str | None, url: str, known: Collection[bytes] = ()
    ) -> ParsedFeed | Unreadable:
        """`read.read` in a worker, as soon as one is free. Cancelling it ends that worker's work too."""
        frames = wire.request_frames(wire.Request(body, content_type, url, frozenset(known)))
        process = await self._idle.get()
        usable = False
        try:
            process = process or await self._start()
            async with asyncio.timeout(self._settings.time_limit_s):
                answer = await _exchange(process, frames)
            usable = True
            return wire.answer_of(answer, DIGEST_BYTES)
        except TimeoutError:
            limit = self._settings.time_limit_s
            return Unreadable(f"Reading it takes longer than {limit:g} s: it is not a usual feed. Look at it by hand.")
        except (asyncio.IncompleteReadError, ConnectionError):
            return Unreadable(self._cause_of_death(await process.wait() if process else 0))
        finally:
            self._idle.put_nowait(process if usable else None)
            if process and not usable:
                await self._end(process)

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
        if status == wire.OUT_OF_MEMORY:
            limit = self._settings.memory_limit_bytes >> 20
            return f"Reading it takes more than {limit} MiB of memory: it is not a usual feed. Look at it by hand."
        return f"The parser died of it (exit status {status}): it is broken, or made to do harm. Look at it by hand."

    async def _end(self, process: Process) -> None:
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
    (length,) = wire.LENGTH.unpack(await process.stdout.readexactly(wire.LENGTH.size))
    return await process.stdout.readexactly(length)
