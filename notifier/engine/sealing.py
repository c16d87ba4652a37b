"""Seals ahead, in quiet minutes: subscriptions without an envelope enter, envelopes leave (push/envelope.py).

Elliptic curves are nearly all of what a push costs, and nothing of that depends on the news. The work is done by
processes of the lowest priority, a bounded number of batches at a time, and rests while anything is being sent.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from time import monotonic
from typing import Protocol

import structlog

from notifier.errors import SubscriptionInvalid
from notifier.push.envelope import Envelope, prepare
from notifier.telemetry import Metrics

log = structlog.get_logger()

# Large, for what a transaction and a message to a process cost; small, for what is under way when news breaks.
BATCH = 1000
BUSY_S = 1.0
LEAST_REST_S = 5.0
LOOK_S = 0.1
# A look at everybody takes a twentieth of the time, at most.
REST_SHARE = 20.0

# Plain tuples, since a quarter of the time of a million went into objects on their way between processes: a
# subscription's id, its public key, its auth secret.
Wanted = tuple[int, bytes, bytes]
Sealed = tuple[int, bytes, bytes, Envelope]


class EnvelopeStore(Protocol):
    """Who has no envelope yet, and the place for new ones. Synchronous."""

    def without(self, after: int, limit: int) -> Sequence[Wanted]:
        """The next subscriptions by id, after the id `after`, that have no envelope."""

    def put(self, sealed: Sequence[Sealed]) -> int:
        """Keep what was sealed, except for browsers whose keys are others by now; returns how many were kept."""

    def ready(self) -> int:
        """How many subscriptions have an envelope."""


class Sealer:
    """Keeps an envelope ready for every subscription, with `processes` of its own."""

    def __init__(
        self, envelopes: EnvelopeStore, busy: Callable[[], bool], metrics: Metrics, processes: int = 1
    ) -> None:
        """`busy` says whether something is being sent: sealing waits for its end."""
        self._envelopes, self._busy, self._metrics, self._processes = envelopes, busy, metrics, processes
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End at once, within `timeout_s`: what was being sealed is sealed again by whoever works next.

        Processes of the lowest priority may have no turn for as long as the machine is busy.
        """
        ends_at = monotonic() + timeout_s
        self._stopping.set()
        while self._thread.is_alive() and (left_s := ends_at - monotonic()) > 0:
            for process in multiprocessing.active_children():  # the service has no others
                process.kill()
            self._thread.join(min(LOOK_S, left_s))

    def _run(self) -> None:
        # spawn: a forked child would hold this process's connections and locks.
        context = multiprocessing.get_context("spawn")
        while not self._stopping.is_set():
            with ProcessPoolExecutor(self._processes, context, initializer=_give_way) as pool:
                self._seal_with(pool)

    def _seal_with(self, pool: ProcessPoolExecutor) -> None:
        """Until the service ends, or one of the pool's processes does: nothing comes from that pool any more."""
        while not self._stopping.is_set():
            began = monotonic()
            try:
                self.seal_all(pool)
            except Exception as problem:
                # The database is away, or a process died: what is missing is found again in the next round.
                if not self._stopping.is_set():
                    log.exception("sealing.failed")
                if isinstance(problem, BrokenExecutor):
                    self._stopping.wait(LEAST_REST_S)
                    return
            self._stopping.wait(max(LEAST_REST_S, REST_SHARE * (monotonic() - began)))

    def seal_all(self, pool: ProcessPoolExecutor) -> int:
        """One round over all subscriptions; returns how many were sealed for."""
        after, kept = 0, 0
        under_way: deque[tuple[Sequence[Wanted], Future[list[Envelope | None]]]] = deque()
        while not self._stopping.is_set():
            if self._busy():
                self._stopping.wait(BUSY_S)
                continue
            wanted = self._envelopes.without(after, BATCH)
            if wanted:
                after = wanted[-1][0]
                under_way.append((wanted, pool.submit(seal_batch, [keys[1:] for keys in wanted])))
            if not under_way:
                break
            if not wanted or len(under_way) > 2 * self._processes:
                kept += self._keep(*under_way.popleft())
        for _, batch in under_way:
            batch.cancel()
        self._metrics.envelopes_ready.set(self._envelopes.ready())
        return kept

    def _keep(self, wanted: Sequence[Wanted], batch: Future[list[Envelope | None]]) -> int:
        pairs = zip(wanted, batch.result(), strict=True)
        return self._envelopes.put([(*whose, sealed) for whose, sealed in pairs if sealed is not None])


def seal_batch(keys: Sequence[Sequence[bytes]]) -> list[Envelope | None]:
    """What a sealing process does, for (public key, auth secret) each: None where these are no keys."""
    sealed: list[Envelope | None] = []
    for p256dh, auth in keys:
        try:
            sealed.append(prepare(p256dh, auth))
        except SubscriptionInvalid:
            sealed.append(None)  # told when it is pushed to, as for anybody
    return sealed


def _give_way() -> None:
    """Be of the lowest priority, and end with the service, however that ends: no pipe tells a child of a kill -9."""
    os.nice(19)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=[parent.sentinel], name="parent", daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(0)
