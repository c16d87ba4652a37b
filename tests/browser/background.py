"""Waiting for others: an event loop in a thread, so that tests read from top to bottom, and `until`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from aiohttp import web

T = TypeVar("T")
POLL_S = 0.02


def until(look: Callable[[], T | None], what: str, timeout_s: float = 45) -> T:
    """What `look` gives as soon as it is true; TimeoutError names `what` was waited for and what was seen last."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s} s for {what}; last seen: {seen!r}")
        pause.wait(POLL_S)
    return seen


class Background:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 60) -> T:
        """Run `work` on the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def serve(self, app: web.Application) -> int:
        """Serve `app` on a free port of 127.0.0.1; returns the port."""
        return self.run(self._serve(app))

    async def _serve(self, app: web.Application) -> int:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    def stop(self) -> None:
        """End whatever runs on the loop, then the thread."""
        self.run(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    async def _end(self) -> None:
        if hasattr(self, "_runner"):
            await self._runner.cleanup()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
