"""The engine of one machine: a few threads of this process that claim chunks and run them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import structlog

from notifier.engine.run import Runner
from notifier.engine.sealing import Sealer

log = structlog.get_logger()

# How soon a chunk is found that nobody announced: another process accepted it, or its worker died.
RECONCILE_S = 1.0
# How soon those are pushed to who were put aside for a late origin's sake: it may have been late once.
RETRIES_S = 0.2


class LocalEngine:
    """Implements Engine with `threads` workers, each with a runner (and so a transport) of its own, and two more.

    One takes nothing but breaking news, which therefore never waits behind an ordinary sub-batch; the other nothing but
    retries, so that who waits for a late origin does not wait for the end of a long fan-out as well.
    """

    def __init__(self, make_runner: Callable[[], Runner], threads: int, sealer: Sealer | None = None) -> None:
        self._make_runner, self._threads, self._sealer = make_runner, threads, sealer
        self._workers: list[threading.Thread] = []
        self._news = threading.Condition()
        self._accepted = 0
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to work, with whatever was left from before."""
        for number in range(self._threads + 2):
            only = (number == 0, number == 1)
            worker = threading.Thread(target=self._work, args=only, name=f"engine-{number}", daemon=True)
            worker.start()
            self._workers.append(worker)
        if self._sealer is not None:
            self._sealer.start()

    def wake(self) -> None:
        """Chunks were accepted just now: look at once instead of at the next tick."""
        with self._news:
            self._accepted += 1
            self._news.notify_all()

    def stop(self, timeout_s: float) -> None:
        """Finish the sub-batches under way, give the leases back, and end; all of it within `timeout_s`."""
        until = monotonic() + timeout_s
        self._stopping.set()
        self.wake()
        for worker in self._workers:
            worker.join(max(0.0, until - monotonic()))
        if self._sealer is not None:
            self._sealer.stop(max(0.0, until - monotonic()))

    def _work(self, only_breaking: bool, only_retries: bool) -> None:
        runner = self._make_runner()
        seen = -1
        while not self._stopping.is_set():
            with self._news:
                if seen == self._accepted:
                    self._news.wait(min(RETRIES_S if only_retries else RECONCILE_S, runner.look_in_s))
                seen = self._accepted
            try:
                while not self._stopping.is_set() and runner.work_once(
                    self._stopping.is_set, only_breaking=only_breaking, only_retries=only_retries
                ):
                    pass
            except Exception:
                # A database that is away must not end the thread: the chunk's lease runs out, and we look again.
                log.exception("engine.failed")
        with suppress(Exception):  # whatever is not settled now is retried when its lease has ended
            runner.finish()
        runner.close()
