"""The engine of one machine: a few threads of this process that claim chunks and run them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from notifier.engine.run import Runner

log = structlog.get_logger()

# How soon a chunk is found that nobody announced: another process accepted it, or its worker died.
RECONCILE_S = 1.0


class LocalEngine:
    """Implements Engine with `threads` workers, each with a runner (and so a wire) of its own."""

    def __init__(self, make_runner: Callable[[], Runner], threads: int) -> None:
        self._make_runner, self._threads = make_runner, threads
        self._workers: list[threading.Thread] = []
        self._news = threading.Condition()
        self._accepted = 0
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to work, with whatever was left from before."""
        for number in range(self._threads):
            worker = threading.Thread(target=self._work, name=f"engine-{number}", daemon=True)
            worker.start()
            self._workers.append(worker)

    def wake(self) -> None:
        """Chunks were accepted just now: look at once instead of at the next tick."""
        with self._news:
            self._accepted += 1
            self._news.notify_all()

    def stop(self, timeout_s: float) -> None:
        """Finish the sub-batches under way, give the leases back, and end."""
        self._stopping.set()
        self.wake()
        for worker in self._workers:
            worker.join(timeout_s)

    def _work(self) -> None:
        runner = self._make_runner()
        seen = -1
        while not self._stopping.is_set():
            with self._news:
                if seen == self._accepted:
                    self._news.wait(RECONCILE_S)
                seen = self._accepted
            try:
                while not self._stopping.is_set() and runner.work_once(self._stopping.is_set):
                    pass
            except Exception:
                # A database that is away must not end the thread: the chunk's lease runs out, and we look again.
                log.exception("engine.failed")
        runner.close()
