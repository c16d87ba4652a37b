"""Writes what polls found, many at a time; what brought items does not wait long.

Enters: `PollResult`s from any task. Leaves: rows in the store, and a `Batch` for whoever counts or waits for items.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from notifier.clock import Clock
from notifier.feeds import decide
from notifier.feeds.poll_state import PollResult, Recorded
from notifier.feeds.store import FeedStore

_REFUSALS_UNTIL_AWAY = 2  # then it is the database

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction: how many results by kind (`unchanged`, `changed`, `failed`, `retired`, `pushed`), and items."""

    results: dict[str, int] = field(default_factory=dict)
    recorded: Recorded = field(default_factory=Recorded)


@dataclass(frozen=True, slots=True)
class _Unwritten:
    kind: str
    result: PollResult
    done: asyncio.Future[bool]


class PollRecorder:
    """Takes results one by one and writes them in batches; `run` is its loop, `threads` where the store is called.

    A transaction costs a wait for the disk, so results without items wait up to `linger_s` for company, and those with
    items `urgent_s`. `on_batch` is called on the event loop after each commit.
    """

    def __init__(
        self,
        store: FeedStore,
        threads: Executor,
        *,
        clock: Clock,
        on_batch: Callable[[Batch], None],
        linger_s: float = 0.5,
        urgent_s: float = 0.05,
        batch_size: int = 500,
    ) -> None:
        self._store = store
        self._threads = threads
        self._clock = clock
        self._on_batch = on_batch
        self._linger_s = linger_s
        self._urgent_s = urgent_s
        self._batch_size = batch_size
        self._queue: asyncio.Queue[_Unwritten] = asyncio.Queue(maxsize=4 * batch_size)
        self._open: set[asyncio.Future[bool]] = set()
        self._hurry = asyncio.Event()

    async def submit(self, kind: str, result: PollResult) -> asyncio.Future[bool]:
        """Hand a result in. The future says whether it was written; a result that was not is polled again."""
        done = asyncio.get_running_loop().create_future()
        self._open.add(done)
        done.add_done_callback(self._open.discard)
        await self._queue.put(_Unwritten(kind, result, done))
        if result.items or self._queue.qsize() >= self._batch_size:
            self._hurry.set()
        return done

    async def flush(self) -> None:
        """Wait until everything handed in so far is written."""
        while self._open:
            self._hurry.set()
            await asyncio.wait(self._open)

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            first = await self._queue.get()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._linger_s):
                    await self._hurry.wait()
                await asyncio.sleep(self._urgent_s)
            self._hurry.clear()
            await self._write([first, *self._at_hand()])

    def _at_hand(self) -> list[_Unwritten]:
        taken = [self._queue.get_nowait() for _ in range(min(self._queue.qsize(), self._batch_size - 1))]
        if not self._queue.empty():
            self._hurry.set()
        return taken

    async def _write(self, batch: Sequence[_Unwritten]) -> None:
        try:
            await self._commit(batch)
        except Exception:  # a database that is away must not end polling: the leases run out, and it is tried again
            log.exception("polls_not_recorded", polls=len(batch))
            await self._one_by_one(batch)

    async def _one_by_one(self, batch: Sequence[_Unwritten]) -> None:
        """What one result has that the database does not take must not hold up the others, now or at the next poll: its
        own feed fails, in words. Where not even that can be written it is the database, or the disk."""
        refused = 0
        for one in batch:
            try:
                await self._commit([one])
            except Exception as error:
                log.exception("poll_not_recorded", feed_id=one.result.feed_id)
                refused += isinstance(error, OSError) or not await self._tell(one, type(error).__name__)
            if refused == _REFUSALS_UNTIL_AWAY:
                break
        _settle(batch, False)

    async def _tell(self, one: _Unwritten, reason: str) -> bool:
        """Say of the feed that its poll could not be stored; whether that could be said."""
        failing = decide.not_recorded(one.result, reason, self._clock())
        if failing is None:
            return True
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._threads, self._store.record, [failing], self._clock()
            )
        except Exception:  # noqa: BLE001 - the poll's own line is in the log, and this is most likely the same trouble
            return False
        return True

    async def _commit(self, batch: Sequence[_Unwritten]) -> None:
        results = [one.result for one in batch]
        loop = asyncio.get_running_loop()
        recorded = await loop.run_in_executor(self._threads, self._store.record, results, self._clock())
        _settle(batch, True)
        kinds = [one.kind for one in batch]
        self._on_batch(Batch({kind: kinds.count(kind) for kind in set(kinds)}, recorded))


def _settle(batch: Sequence[_Unwritten], written: bool) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_result(written)
