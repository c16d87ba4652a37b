"""The loops, in the order of the journey, with no rules of their own: poll, decide, deliver, clean up.

Enters: feeds that are due. Leaves: chunks for the engine. Each loop can die and start again at any instant: what it had
taken on is in the database. What one turn of deciding does is in decision_loop.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from notifier.engine.engine import Engine
from notifier.operations.system import JobReport

log = structlog.get_logger()

DECIDE_EVERY_S = 1.0
# How long a sub-batch may take to end when the service is told to stop: a push service has 30 s for it.
STOP_S = 31.0
# How long a job may. A poll that is cut off is not lost: its feed is asked again.
JOB_STOP_S = 5.0
LOOK_AT_CLOCK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """Something done every `every_s` seconds: `work` is a coroutine function, and may take longer than that."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[None]]


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
        self._states = {job.name: JobReport(job.name, job.every_s) for job in jobs}
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

    def states(self) -> Sequence[JobReport]:
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
        self._states[job.name] = JobReport(job.name, job.every_s, datetime.now(UTC), took_s, error, failures)

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
