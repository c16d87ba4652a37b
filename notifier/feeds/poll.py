"""Polls the feeds that are due: claim, fetch, read, decide, record. It calls these in order and decides nothing.

Enters: a tick (`poll_due`), or a hub's push (`pushed`). Leaves: items in the store, and a `Batch` to `on_batch` as soon
as they are there; next room: stories. A slow feed holds one slot and nobody else.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import structlog

from notifier.clock import Clock, system_clock
from notifier.feeds import conditions, decide, failure, health
from notifier.feeds.decide import DecisionContext, PollRules
from notifier.feeds.feed import ParsedFeed, Unreadable
from notifier.feeds.fetch import Fetcher, FetchRequest
from notifier.feeds.fetch_result import FailureKind, Fetched, FetchFailed, FetchResult, GoneForGood
from notifier.feeds.hosts import HostPace, host_of
from notifier.feeds.poll_state import ClaimedFeed
from notifier.feeds.recorder import Batch, PollRecorder
from notifier.feeds.store import FeedStore
from notifier.feeds.workers import Reader
from notifier.troubles import Code, Trouble, Troubles

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

BROKEN_POLL = "Something in Notifier itself broke on this feed: the log has the details, please report them"


@dataclass(frozen=True, slots=True)
class PollSettings:
    """`slots` polls are under way at most; a feed whose process died is free again after `lease_s` seconds. Leases
    of polls under way are lengthened every `keep_every_s` seconds of the event loop.

    A poll that takes longer than `slow_after_s` leaves its slot to others, as long as no more than `slow` have.

    Of one host, `host_burst` feeds are asked at once, then one every `host_gap_s` seconds; while as many are still
    under way there, the others wait for `host_busy_s`. The state of our own network is judged by the last `outcomes`
    polls.
    """

    slots: int = 400
    slow: int = 1_000
    slow_after_s: float = 3.0
    lease_s: float = 30.0
    keep_every_s: float = 10.0
    host_burst: int = 10
    host_gap_s: float = 0.25
    host_busy_s: float = 10.0
    outcomes: int = 100
    rules: PollRules = field(default_factory=PollRules)


class Poller:
    """Use as `async with Poller(...) as poller`; call `poll_due` every second or so. Several processes may poll."""

    def __init__(
        self,
        store: FeedStore,
        fetcher: Fetcher,
        reader: Reader,
        settings: PollSettings,
        *,
        on_batch: Callable[[Batch], None],
        troubles: Troubles | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._store, self._fetcher, self._reader = store, fetcher, reader
        self._settings = settings
        self._clock = clock
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="feeds")
        self._recorder = PollRecorder(store, self._threads, clock=clock, on_batch=on_batch)
        self._writer: asyncio.Task[None] | None = None
        self._troubles = troubles
        self._polls: dict[asyncio.Task[None], ClaimedFeed] = {}
        self._slow: set[asyncio.Task[None]] = set()
        self._at_host: Counter[str] = Counter()
        self._keeper: asyncio.Task[None] | None = None
        self._slot_freed = asyncio.Event()
        self._pace = HostPace(settings.host_burst, settings.host_gap_s)
        self._outcomes: deque[tuple[str, FailureKind | None]] = deque(maxlen=settings.outcomes)
        self.trouble: str | None = None
        """One line while so many hosts fail that the trouble must be ours; None otherwise."""

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._recorder.run())
        self._keeper = asyncio.create_task(self._keep_leases())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop asking. Polls under way are dropped: their leases run out, and they are asked again."""
        await _cancel(*self._polls)
        await self._recorder.flush()
        await _cancel(*filter(None, [self._writer, self._keeper]))
        self._threads.shutdown()

    async def poll_due(self) -> int:
        """Start a poll of every feed that is due, as slots allow; returns how many. Does not wait for slow ones."""
        if self._writer is not None and self._writer.done():
            self._writer.result()  # a defect ended it: say so at every tick
        started = 0
        while True:
            room = await self._room()
            claimed = await self._in_thread(self._store.claim_due, self._clock(), room, self._settings.lease_s)
            started += await self._start(claimed)
            if len(claimed) < room:
                return started

    async def finish(self) -> None:
        """Wait until every poll under way has been recorded."""
        while self._polls:
            await asyncio.wait(self._polls)
        await self._recorder.flush()

    async def pushed(self, feed_id: int, body: bytes, content_type: str | None) -> bool:
        """Store what a hub sent for a feed. False if it is no document or the feed is not polled any more: a poll will
        tell then."""
        feed = await asyncio.to_thread(self._store.look, feed_id, self._clock())
        if feed is None:
            return False
        document = await self._reader.read(body, content_type=content_type, url=feed.ask_url, known=feed.known)
        if isinstance(document, Unreadable):
            log.warning("push_unreadable", party=feed_id, feed=feed.url, reason=document.reason)
            return False
        result = decide.after_push(feed, document, self._snapshot())
        return await (await self._recorder.submit("pushed", result))

    async def _room(self) -> int:
        """How many slots are free, once a quarter of them is: claims are made by the handful."""
        slots = self._settings.slots
        while (free := slots - len(self._polls) + min(len(self._slow), self._settings.slow)) < max(slots // 4, 1):
            self._slot_freed.clear()
            await self._slot_freed.wait()
        return free

    async def _start(self, claimed: list[ClaimedFeed]) -> int:
        now = self._clock()
        later: list[tuple[ClaimedFeed, datetime]] = []
        for feed in claimed:
            host = host_of(feed.ask_url)
            at = self._pace.ask(host, now)
            if at is None and self._at_host[host] >= self._settings.host_burst:
                at = now + timedelta(seconds=self._settings.host_busy_s * random.uniform(1, 2))
            if at is None:
                self._spawn(feed)
            else:
                later.append((feed, at))
        if later:
            await self._in_thread(self._store.postpone, later)
        self._pace.forget_idle(now)
        return len(claimed) - len(later)

    async def _keep_leases(self) -> None:
        """A poll may wait for its host's turn and then for a slow answer: nobody else may start it meanwhile."""
        while True:
            await asyncio.sleep(self._settings.keep_every_s)
            try:
                under_way = list(self._polls.values())
                await self._in_thread(self._store.keep, under_way, self._clock(), self._settings.lease_s)
            except Exception:
                # A database that is away now may be back at the next turn.
                log.exception("leases_not_kept")

    def _spawn(self, feed: ClaimedFeed) -> None:
        task = asyncio.create_task(self._poll(feed))
        self._polls[task] = feed
        host = host_of(feed.ask_url)
        self._at_host[host] += 1
        timer = asyncio.get_running_loop().call_later(self._settings.slow_after_s, self._is_slow, task)
        task.add_done_callback(partial(self._free, host, timer))

    def _is_slow(self, task: asyncio.Task[None]) -> None:
        self._slow.add(task)
        self._slot_freed.set()

    def _free(self, host: str, timer: asyncio.TimerHandle, task: asyncio.Task[None]) -> None:
        timer.cancel()
        self._slow.discard(task)
        self._polls.pop(task, None)
        self._at_host[host] -= 1
        if not self._at_host[host]:
            del self._at_host[host]
        self._slot_freed.set()

    async def _poll(self, feed: ClaimedFeed) -> None:
        try:
            answer, document = await self._ask(feed)
        except Exception as error:  # noqa: BLE001  a defect that one feed brings out must not end the polling of others
            answer, document = _broken(feed, error), None
        self._notice(feed, answer)
        result = decide.after_poll(feed, answer, document, self._snapshot())
        await self._recorder.submit(_kind(answer, document), result)

    async def _ask(self, feed: ClaimedFeed) -> tuple[FetchResult, ParsedFeed | Unreadable | None]:
        etag, last_modified = conditions.validators(feed.poll_state, self._clock())
        request = FetchRequest(feed.ask_url, etag, last_modified, feed.headers_env)
        answer = await self._fetcher.fetch(request)
        if not isinstance(answer, Fetched) or decide.is_unchanged(feed, answer):
            return answer, None
        return answer, await self._reader.read(
            answer.body, content_type=answer.content_type, url=answer.url, known=feed.known
        )

    def _snapshot(self) -> DecisionContext:
        return DecisionContext(self._clock(), self._settings.rules, random.uniform(-1, 1), self.trouble is not None)

    def _notice(self, feed: ClaimedFeed, answer: FetchResult) -> None:
        kind = answer.kind if isinstance(answer, FetchFailed) else None
        self._tell(Code.CONNECTIONS_FULL, health.nothing_left() if kind is FailureKind.OURS else None)
        if kind is FailureKind.OURS:
            return
        self._outcomes.append((host_of(feed.ask_url), kind))
        if kind is FailureKind.NETWORK or self.trouble:
            trouble = health.network_trouble(self._outcomes)
            if trouble and not self.trouble:
                log.error("feeds_unreachable", trouble=trouble)
            self.trouble = trouble
            self._tell(Code.NETWORK_AWAY, health.network_away(trouble) if trouble else None)

    def _tell(self, code: Code, trouble: Trouble | None) -> None:
        if self._troubles is None:
            return
        if trouble is None:
            self._troubles.clear(code)
        else:
            self._troubles.report(trouble)

    async def _in_thread(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(call, *arguments, **named))


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _broken(feed: ClaimedFeed, error: Exception) -> FetchFailed:
    if failure.is_ours(error):  # no process, no thread, no socket to be had
        return FetchFailed(failure.OURS_ADVICE, FailureKind.OURS)
    log.error("poll_broke", feed=feed.url, exc_info=error)
    return FetchFailed(BROKEN_POLL, FailureKind.CONTENT)


def _kind(answer: FetchResult, document: ParsedFeed | Unreadable | None) -> str:
    if isinstance(answer, GoneForGood):
        return "retired"
    if isinstance(answer, FetchFailed) or isinstance(document, Unreadable):
        return "failed"
    return "unchanged" if document is None else "changed"
