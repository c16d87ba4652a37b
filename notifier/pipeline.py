"""The loops, in the order of the journey, with no rules of their own: poll, decide, deliver, clean up.

Enters: feeds that are due. Leaves: chunks for the engine. Each loop can die and start again at any instant: what it had
taken on is in the database. Times of day come from the clock that wiring passes in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from notifier.alerts.alert import Alert
from notifier.alerts.decide import Drop
from notifier.alerts.decider import Decider, DecisionResult, set_aside
from notifier.alerts.decider_health import DeciderHealth
from notifier.alerts.story_store import StoryStore
from notifier.clock import Clock
from notifier.engine.engine import Engine
from notifier.errors import DatabaseUnwell, LeaseLost
from notifier.stories.baseline import REMEMBERED
from notifier.stories.cluster import ASIDE
from notifier.stories.open_stories import WINDOW
from notifier.stories.story import DecisionFault, Grouping, StoryItem
from notifier.telemetry import Metrics
from notifier.topics.topic import Topic
from notifier.troubles import Troubles

log = structlog.get_logger()

DECISION_LEASE_S = 15.0
# Items the decider takes at once. A first start brings thousands; smaller steps keep the lease fresh.
DECISION_BATCH = 500
DECIDE_EVERY_S = 1.0
# So often the decider fails with one item alone before that is set aside: what was away may have come back until then.
MOST_TRIES = 3
# Alerts are numbered before they are committed: one by hand may turn up so many numbers late.
LATE_IDS = 100
# How long a sub-batch may take to end when the service is told to stop: a push service has 30 s for it.
STOP_S = 31.0
# How long a job may. A poll that is cut off is not lost: its feed is asked again.
JOB_STOP_S = 5.0
LOOK_AT_CLOCK_EVERY_S = 1.0


class _Stopped(Exception):
    """The service was told to stop in the middle of a long read."""


class DecisionLoop:
    """Takes stored items to the decider, and what the decider decides to the store and the engine."""

    def __init__(
        self,
        news: StoryStore,
        make_decider: Callable[[], Decider],
        engine: Engine,
        metrics: Metrics,
        clock: Clock,
        holder: str,
        lease_s: float = DECISION_LEASE_S,
        broke: Callable[[Sequence[int]], None] = lambda _feeds: None,
        topics: Callable[[], Sequence[Topic]] | None = None,
        troubles: Troubles | None = None,
    ) -> None:
        """`broke` is told the ids of the feeds that brought a story which was just alerted as breaking.

        `topics` are those that are in force now (None: `make_decider` knows best).
        """
        self._broke, self._topics = broke, topics
        self._lease_s = lease_s
        self._news, self._make_decider, self._engine = news, make_decider, engine
        self._metrics, self._clock, self._holder = metrics, clock, holder
        self._stopping, self._anew = Event(), Event()
        self._decider: Decider | None = None
        self._topics_version = self._decider_version = 0
        self._alerts: set[int] = set()  # the ids of the newest alerts that the decider knows
        self._health = DeciderHealth(news, troubles or Troubles(clock), metrics, clock)
        self._batch = DECISION_BATCH

    def work(self) -> int:
        """Decide on all that is pending, and do what operators ruled; returns the number of items.

        Runs in a worker thread, one at a time. Whatever goes wrong, the decider's memory is thrown away and read again
        from the database: it may be ahead of it. What goes on failing is tried with smaller batches and longer waits,
        until the item that does it is found and set aside. Raises what went wrong, but the same only once.
        """
        taken, items = 0, list[StoryItem]()
        if self._health.rests():
            return 0
        try:
            while not self._stopping.is_set():
                if not self._news.lease_decisions(self._holder, self._clock(), self._lease_s):
                    self._decider = None  # another process decides now
                    break
                decider = self._current()
                items = list(self._news.pending(self._batch))
                if not self._hear(decider) and not items:
                    if decider.catch_up(DECISION_BATCH):
                        continue
                    break
                self._decide(decider, items)
                taken += len(items)
        except _Stopped:
            self._decider = None
        except Exception as problem:
            self._decider = None
            if self._failed(items, problem):
                raise
            return taken
        self._health.works()
        return taken

    def stop(self) -> None:
        """End `work` with the batch under way, however many wait: they are in the database. Any thread may call."""
        self._stopping.set()

    def begin_anew(self) -> None:
        """What the decider remembers is not so any more: read it again before the next decision."""
        self._anew.set()

    def reload(self) -> None:
        """The topics changed: whatever is decided from now on is decided by the new ones."""
        self._topics_version += 1

    def look(self) -> None:
        """Say how far behind the decider is. For any thread, so also while the decider is at work."""
        self._health.look()

    def _decide(self, decider: Decider, items: Sequence[StoryItem]) -> None:
        now = self._clock()
        result = decider.take(items, now)
        alerts = self._news.save(items, result, now, self._holder)
        self._alerts.update(alert.id for alert in alerts)
        self._batch = min(DECISION_BATCH, 2 * self._batch)
        self._health.note(result)
        self._health.look()
        self._tell(result, alerts)
        self._tell_feeds(items, result, alerts)

    def _hear(self, decider: Decider) -> bool:
        """Tell the decider what operators said and sent since; True where that has to be carried out."""
        since = self._clock() - WINDOW
        newest = max(self._alerts, default=0)
        self._alerts = {i for i in self._alerts if i > newest - LATE_IDS}
        by_hand = self._news.alerts_after(newest - LATE_IDS, self._alerts, since)
        decider.note_alerts(by_hand)
        self._alerts.update(alert.id for alert in by_hand)
        if self._news.overrides_version() == decider.overrides.version:
            return False
        decider.apply_overrides(self._news.overrides(since, decider.overrides))
        return True

    def _current(self) -> Decider:
        """The decider: restored, if there is none, or by the new topics, if they have changed (also while it was)."""
        version = self._topics_version
        if self._anew.is_set():
            self._anew.clear()
            self._decider = None
        if self._decider is None or (self._topics is None and self._decider_version != version):
            self._decider = self._restored()
        elif self._topics is not None and self._decider_version != version:
            self._decider.use_topics(self._topics())
        self._decider_version = version
        return self._decider

    def _restored(self) -> Decider:
        now = self._clock()
        decider = self._make_decider()
        past = self._news.past_alerts(now - WINDOW)
        decider.restore(
            self._while_ours(self._news.window(now - WINDOW)),
            past,
            marked=self._news.marked(now - REMEMBERED),
            next_story_id=self._news.next_story_id(),
        )
        self._alerts = {alert.id for alert in past}
        return decider

    def _while_ours(self, items: Iterable[StoryItem]) -> Iterator[StoryItem]:
        """The items, as long as nobody says stop. Reading three days takes longer than a lease: it is renewed."""
        for number, item in enumerate(items):
            if number % DECISION_BATCH == 0:
                if self._stopping.is_set():
                    raise _Stopped
                if not self._news.lease_decisions(self._holder, self._clock(), self._lease_s):
                    raise LeaseLost("another process decides now")
            yield item

    def _failed(self, items: Sequence[StoryItem], problem: Exception) -> bool:
        """Look for what does it: half of the items next time, and one that fails alone again and again is set aside.

        Returns whether this is the first failure of its kind.
        """
        fresh = self._health.failed(problem, alone=len(items) <= 1)
        if isinstance(problem, LeaseLost | DatabaseUnwell):
            return fresh  # whatever the items are, they are decided once the database is back
        if items and (self._health.failures > 1 or self._batch < DECISION_BATCH):
            self._batch = max(1, len(items) // 2)
        if len(items) == 1 and self._health.failures_alone(items[0]) >= MOST_TRIES:
            self._set_aside(items[0], problem)
        return fresh

    def _set_aside(self, item: StoryItem, problem: Exception) -> None:
        """Store an item that the decider always fails with as undecidable, so that the others are decided."""
        story_id = self._news.next_story_id() if item.story_id is None else item.story_id
        error = str(DecisionFault.of("item", item.id, problem).error)
        grouping = Grouping(item.id, story_id, ASIDE, {"error": error})
        aside = [set_aside(item, story_id, error)] if item.story_id is None else []
        fault = DecisionFault("item", str(item.id), error)
        result = DecisionResult(
            (grouping,), tuple(told for told, _ in aside), tuple(drop for _, drop in aside), faults=(fault,)
        )
        self._news.save([item], result, self._clock(), self._holder)
        self._health.note(result)

    def _tell_feeds(self, items: Sequence[StoryItem], result: DecisionResult, alerts: Sequence[Alert]) -> None:
        breaking = {alert.story_id for alert in alerts if alert.breaking}
        brought = {grouping.item_id for grouping in result.groupings if grouping.story_id in breaking}
        if feeds := sorted({item.feed_id for item in items if item.id in brought}):
            self._broke(feeds)

    def _tell(self, result: DecisionResult, alerts: Sequence[Alert]) -> None:
        for verdict in result.verdicts:
            overrides = verdict.code if isinstance(verdict, Drop) else type(verdict).__name__.lower()
            self._metrics.verdicts.labels(overrides).inc()
        for alert in alerts:
            self._metrics.alerts.labels(alert.kind.value).inc()
            late_s = (alert.decided_at - alert.message.published_at).total_seconds()
            self._metrics.publication_to_alert.observe(max(0.0, late_s))
            if alert.fetched_at is not None:
                self._metrics.fetched_to_decided.observe((alert.decided_at - alert.fetched_at).total_seconds())
                if alert.published_at is not None:
                    known_s = (alert.fetched_at - alert.published_at).total_seconds()
                    self._metrics.publication_to_fetched.observe(known_s)
            log.info(
                "alert.accepted",
                alert=alert.id,
                kind=alert.kind.value,
                breaking=alert.breaking,
                title=alert.message.title,
                topics=sorted(alert.topics),
                audience=alert.audience,
            )
        if alerts:
            self._engine.wake()


@dataclass(frozen=True, slots=True)
class Job:
    """Something done every `every_s` seconds: `work` is a coroutine function, and may take longer than that."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job does: `error` is what its last run raised, None where it went well. Real times, UTC."""

    name: str
    every_s: float
    last_at: datetime | None = None
    took_s: float | None = None
    error: str | None = None
    failures: int = 0


class Pipeline:
    """Runs the jobs on APScheduler's clock, and the decider as soon as there is something to decide."""

    def __init__(
        self,
        jobs: Sequence[Job],
        decide: Callable[[], object] | None,
        engine: Engine | None,
        *,
        stop_deciding: Callable[[], None] = lambda: None,
        clock_step: Callable[[], timedelta | None] = lambda: None,
        stepped: Callable[[timedelta], Awaitable[None]] | None = None,
        look_at_clock_every_s: float = LOOK_AT_CLOCK_EVERY_S,
        job_stop_s: float = JOB_STOP_S,
    ) -> None:
        """`decide` and `engine` are None where another process does that part; `stop_deciding` ends `decide` early.

        `clock_step` is asked all the time how far the wall clock was set; `stepped` is told.
        """
        self._jobs, self._decide, self._engine = jobs, decide, engine
        self._stop_deciding, self._clock_step, self._stepped = stop_deciding, clock_step, stepped
        self._look_every_s, self._job_stop_s = look_at_clock_every_s, job_stop_s
        self._states = {job.name: JobStatus(job.name, job.every_s) for job in jobs}
        self._running: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """Items were stored: decide on them now. Call it on the event loop."""
        self._news.set()

    async def run(self) -> None:
        """Work until `stop`; then finish what is under way."""
        scheduler = self._scheduled()
        scheduler.start()
        if self._engine is not None:
            self._engine.start()
        watching = asyncio.create_task(self._watch_clock(scheduler))
        try:
            await self._deciding_beside(self._stopping)
        finally:
            watching.cancel()
            scheduler.shutdown(wait=False)

    def stop(self) -> None:
        """End `run`. Call it on the event loop."""
        self._stopping.set()
        self._stop_deciding()
        self._news.set()

    def _scheduled(self) -> AsyncIOScheduler:
        scheduler = AsyncIOScheduler(timezone=UTC)
        for job in self._jobs:
            scheduler.add_job(
                self._guarded,
                "interval",
                args=[job],
                id=job.name,
                seconds=job.every_s,
                next_run_time=datetime.now(UTC),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        return scheduler

    async def _deciding_beside(self, stopping: asyncio.Event) -> None:
        """Decide until `stopping`; then end engine, jobs and decider together: nobody waits for another's end."""
        deciding = asyncio.create_task(self._deciding()) if self._decide is not None else None
        try:
            await stopping.wait()
        finally:
            await asyncio.gather(self._end_engine(), self._end_jobs(), *filter(None, [deciding]))

    async def _end_engine(self) -> None:
        if self._engine is not None:
            # A thread of its own: those that everybody shares may all be waiting for something.
            with ThreadPoolExecutor(1, thread_name_prefix="stop") as thread:
                await asyncio.get_running_loop().run_in_executor(thread, self._engine.stop, STOP_S)

    async def _end_jobs(self) -> None:
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=self._job_stop_s)
            for job in late:
                job.cancel()

    async def _watch_clock(self, scheduler: AsyncIOScheduler) -> None:
        """Not a job: APScheduler's own times are of the wall clock, and stand still when that is set back."""
        while True:
            await asyncio.sleep(self._look_every_s)
            by = self._clock_step()
            if by is None:
                continue
            if by < timedelta(0):
                for job in scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC))
            if self._stepped is not None:
                await self._stepped(by)

    def states(self) -> Sequence[JobStatus]:
        """How each job of this process does."""
        return tuple(self._states.values())

    async def _guarded(self, job: Job) -> None:
        before, began = self._states[job.name], monotonic()
        failures, error = 0, None
        task = asyncio.current_task()
        if self._stopping.is_set() or task is None:
            return
        self._running.add(task)
        try:
            await job.work()
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            return  # cut off by our own end, which is no failure
        except Exception as problem:
            log.exception("job.failed", job=job.name)
            failures, error = before.failures + 1, type(problem).__name__
        finally:
            self._running.discard(task)
        if before.failures and not failures:
            log.info("job.works-again", job=job.name, times=before.failures)
        took_s = monotonic() - began
        self._states[job.name] = JobStatus(job.name, job.every_s, datetime.now(UTC), took_s, error, failures)

    async def _deciding(self) -> None:
        # A thread of its own: whatever else is slow, news is decided.
        with ThreadPoolExecutor(1, thread_name_prefix="decider") as thread:
            await self._decide_in(thread)

    async def _decide_in(self, thread: Executor) -> None:
        decide, failures = self._decide, 0
        while not self._stopping.is_set() and decide is not None:
            with suppress(TimeoutError):  # another process may have stored items: look anyway
                async with asyncio.timeout(DECIDE_EVERY_S):
                    await self._news.wait()
            self._news.clear()
            try:
                await asyncio.get_running_loop().run_in_executor(thread, decide)
            except Exception:
                failures += 1
                log.exception("decisions.failed")
            else:
                if failures:
                    log.info("decisions.works-again", times=failures)
                failures = 0
