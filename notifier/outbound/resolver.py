"""Looks names up in threads of its own, so that a slow name server holds up neither the database nor other feeds.

A look-up that takes longer than `QUICK_S` gives its place to others while its thread waits on, and its name is
remembered: the next time it waits with its like. A thousand names whose servers are silent cost each other.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from notifier.outbound.names import AddrInfo

QUICK_S = 1.0
_QUICK, _ASIDE, _LATE = 32, 32, 192
_MOST_SLOW_NAMES = 2_000

LookUp = Callable[[str, int], Sequence[AddrInfo]]


class ThreadResolver:
    """getaddrinfo of the operating system, 32 look-ups of usual names at a time and as many of slow ones."""

    def __init__(self, look_up: LookUp | None = None, quick_s: float = QUICK_S) -> None:
        self._look_up = look_up or _look_up
        self._quick_s = quick_s
        self._threads = ThreadPoolExecutor(_QUICK + _ASIDE + _LATE, thread_name_prefix="resolve")
        self._quick, self._aside = asyncio.Semaphore(_QUICK), asyncio.Semaphore(_ASIDE)
        self._slow: OrderedDict[str, None] = OrderedDict()
        self._late = 0

    async def resolve(self, host: str, port: int) -> Sequence[AddrInfo]:
        """All TCP addresses of `host`. Raises OSError if there is none."""
        is_slow = host in self._slow
        place = self._aside if is_slow else self._quick
        await place.acquire()
        loop = asyncio.get_running_loop()
        look_up = loop.run_in_executor(self._threads, self._look_up, host, port)
        free = _Once(place.release)
        look_up.add_done_callback(free)
        look_up.add_done_callback(_note)
        if is_slow:
            began = loop.time()
            look_up.add_done_callback(lambda _: self._is_over(host, loop.time() - began))
        else:
            timer = loop.call_later(self._quick_s, self._is_late, host, look_up, free)
            look_up.add_done_callback(lambda _: timer.cancel())
        # Who stops waiting does not end the thread: its place is taken until it ends.
        return await asyncio.shield(look_up)

    async def close(self) -> None:
        """Let the threads end; one that waits for a dead name server is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _is_late(self, host: str, look_up: asyncio.Future[Sequence[AddrInfo]], free: _Once) -> None:
        self._slow[host] = None
        if len(self._slow) > _MOST_SLOW_NAMES:
            self._slow.popitem(last=False)
        if self._late < _LATE:
            self._late += 1
            look_up.add_done_callback(self._late_is_done)
            free()

    def _is_over(self, host: str, took_s: float) -> None:
        if took_s < self._quick_s:
            self._slow.pop(host, None)

    def _late_is_done(self, _: object) -> None:
        self._late -= 1


def _note(look_up: asyncio.Future[Sequence[AddrInfo]]) -> None:
    """What it says matters to nobody who stopped waiting."""
    if not look_up.cancelled():
        look_up.exception()


class _Once:
    """Calls `call` the first time that it is called."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def __call__(self, _: object = None) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


def _look_up(host: str, port: int) -> Sequence[AddrInfo]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
