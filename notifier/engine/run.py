"""Runs one chunk, or one handful of retries: read, push, settle, until nothing is left.

Every sub-batch is settled before the next is read, so that a crash at any instant repeats at most one sub-batch a
worker, and the device hides the repeats. Between sub-batches an ordinary chunk makes way for a breaking one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from notifier.alerts.alert import Alert, Urgency
from notifier.alerts.delivery import (
    ChunkJob,
    DeliveryStore,
    Recipient,
    RetryJob,
    RetryLater,
    RetrySettlement,
    Settlement,
)
from notifier.alerts.receipts import end_of
from notifier.clock import Clock
from notifier.engine.backoff import next_attempt
from notifier.engine.courier import UNEXPECTED, Courier, expires_at
from notifier.engine.pauses import Pauses
from notifier.errors import ConfigError, LeaseLost
from notifier.push.outcome import DELIVERED, Delivered, Gone, OurFault, Outcome, Refused, Retry
from notifier.subscribers.endpoint import origin_of
from notifier.telemetry import Metrics

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RunSettings:
    """`sub_batch`: pushes settled together; `lease_s`: how long a worker may be silent before another takes over.

    A breaking chunk begins with `first_batch`, so that its first message waits for the sealing of few others.
    """

    sub_batch: int = 500
    first_batch: int = 100
    lease_s: float = 90.0
    retries_at_once: int = 200


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome as it is counted (`word`), and as it is written: a retry, a reason to remove, or neither."""

    word: str
    again: RetryLater | None = None
    gone: str | None = None


ACCEPTED, EXPIRED = Judged("delivered"), Judged("expired")
HELD = "held"
# How fast chunks are gone through where a service that limits the site has a share in them.
GATHERED_PER_S = 20_000
MOST_GATHERING_S = 15.0


class Runner:
    """Works for one thread: its courier's wire is not shared."""

    def __init__(
        self,
        deliveries: DeliveryStore,
        courier: Courier,
        pauses: Pauses,
        metrics: Metrics,
        clock: Clock,
        settings: RunSettings,
    ) -> None:
        self._deliveries, self._courier, self._pauses = deliveries, courier, pauses
        self._metrics, self._clock, self._settings = metrics, clock, settings
        self._spread = random.Random()

    def work_once(self, stopping: Callable[[], bool], *, only_breaking: bool = False) -> bool:
        """Run a chunk or an alert's retries; False if there was nothing to do. `only_breaking`: no ordinary chunk."""
        job = self._deliveries.claim_chunk(self._clock(), self._settings.lease_s, only_breaking=only_breaking)
        if job is not None:
            self.run_chunk(job, stopping)
            return True
        return not only_breaking and self.run_retries()

    def close(self) -> None:
        """Close the courier's connections."""
        self._courier.close()

    def run_chunk(self, job: ChunkJob, stopping: Callable[[], bool]) -> None:
        """Push to the chunk's recipients from its cursor on, until done, told to stop, or in breaking news' way."""
        cursor, sub_batch = job.chunk.cursor, self._settings.sub_batch
        limit = min(self._settings.first_batch, sub_batch) if job.alert.breaking else sub_batch
        try:
            while True:
                recipients = self._deliveries.take(job, cursor, limit)
                done = len(recipients) < limit
                cursor = job.chunk.hi if done else recipients[-1].subscription_id
                settlement = self._push(job, recipients, cursor, done=done)
                self._deliveries.settle(job, settlement, self._clock(), self._settings.lease_s)
                if done:
                    return
                if stopping() or (not job.alert.breaking and self._deliveries.breaking_waits(self._clock())):
                    self._deliveries.release(job, self._clock())
                    return
                limit = sub_batch
        except LeaseLost:
            log.warning("chunk.lease-lost", alert=job.alert.id, chunk=job.chunk.id)

    def run_retries(self) -> bool:
        """Try again what is due of one alert at one push service; False if nothing was.

        One alert at a time: its pushes go out within one deadline, and so within the lease. Who waits for a service
        that takes nothing now is left waiting.
        """
        now, settings = self._clock(), self._settings
        held = self._pauses.held(now)
        jobs = self._deliveries.claim_retries(now, settings.retries_at_once, settings.lease_s, held)
        if jobs:
            self._deliveries.settle_retries(self._retry(jobs), self._clock())
        return bool(jobs)

    def _push(self, job: ChunkJob, recipients: Sequence[Recipient], cursor: int, *, done: bool) -> Settlement:
        judged, counted = self._judge_all(job, recipients, [0] * len(recipients))
        counts: dict[str, dict[str, int]] = {}
        for (service, word), pushes in counted.items():
            counts.setdefault(service, {})[word] = pushes
        others = [(r, what) for r, what in zip(recipients, judged, strict=True) if what is not ACCEPTED]
        return Settlement(
            cursor=cursor,
            counts=counts,
            retries=[what.again for _, what in others if what.again is not None],
            gone={r.subscription_id: what.gone for r, what in others if what.gone},
            endpoints={r.subscription_id: r.keys.endpoint for r, what in others if what.gone},
            done=done,
            took={self._took(job): accepted} if (accepted := len(judged) - len(others)) else {},
        )

    def _retry(self, jobs: Sequence[RetryJob]) -> list[RetrySettlement]:
        recipients = [job.recipient for job in jobs]
        judged, _ = self._judge_all(jobs[0], recipients, [job.attempts for job in jobs])
        took = self._took(jobs[0])
        return [
            RetrySettlement(
                job.alert.id,
                job.recipient,
                what.word,
                what.again,
                job.lease_token,
                what.gone,
                took if what is ACCEPTED else None,
            )
            for job, what in zip(jobs, judged, strict=True)
        ]

    def _took(self, job: ChunkJob | RetryJob) -> float:
        """The end of the bucket that is accepted by now: the answers of a sub-batch count as of its last one."""
        return end_of((self._clock() - job.alert.released_at).total_seconds())

    def _judge_all(
        self, job: ChunkJob | RetryJob, recipients: Sequence[Recipient], attempts: Sequence[int]
    ) -> tuple[list[Judged], Counter[tuple[str, str]]]:
        """Push to those whose service is not paused; judge everybody, in order, and count them."""
        now = self._clock()
        if now >= expires_at(job.alert):
            expired = [EXPIRED] * len(recipients)
            return expired, _count(recipients, expired)
        apart = self._not_now(job, recipients, attempts, now)
        places = [place for place in range(len(recipients)) if place not in apart] if apart else range(len(recipients))
        wanted = [recipients[place] for place in places] if apart else recipients
        judged = [ACCEPTED] * len(recipients)
        for place, what in apart.items():
            judged[place] = what
        for place, came in zip(places, self._deliver(job, wanted), strict=True):
            if came is not DELIVERED:
                judged[place] = self._judge_alone(job, recipients[place], came, attempts[place])
        counted = _count(recipients, judged)
        for (service, word), pushes in counted.items():
            self._metrics.pushes.labels(service, word).inc(pushes)
        return judged, counted

    def _not_now(
        self, job: ChunkJob | RetryJob, recipients: Sequence[Recipient], attempts: Sequence[int], now: datetime
    ) -> dict[int, Judged]:
        """{place: what is judged without a push}: those whose service is paused, or limits the site.

        Of the latter a chunk only writes down who waits, since it knows a small part of them; retries, of which those
        who were here last go first, then push.
        """
        paused = {s for s in {r.push_service for r in recipients} if self._pauses.is_paused(s, now)}
        limited = self._pauses.limited() if isinstance(job, ChunkJob) else ()
        apart = {}
        for place, recipient in enumerate(recipients if paused or limited else ()):
            if recipient.push_service in paused:
                wait_s = self._pauses.remaining_s(recipient.push_service, now)
                apart[place] = self._later(job, recipient, attempts[place], Retry("paused", wait_s))
            elif origin_of(recipient.keys.endpoint) in limited:
                at = _gathered_at(job.alert, now)
                later = RetryLater(recipient.subscription_id, attempts[place], HELD, at, recipient.push_service)
                apart[place] = Judged("retrying", later)
        return apart

    def _deliver(self, job: ChunkJob | RetryJob, recipients: Sequence[Recipient]) -> list[Outcome]:
        if not recipients:
            return []
        started = self._clock()
        try:
            outcomes = self._courier.deliver(job.alert, recipients, started)
        except ConfigError as problem:
            # Ours to mend: nobody was pushed to, everybody is tried again.
            log.error("push.misconfigured", problem=str(problem))
            return [Retry("misconfigured")] * len(recipients)
        waited = (self._clock() - job.alert.decided_at).total_seconds()
        self._metrics.decision_to_sent.observe(waited)
        return outcomes

    def _judge_alone(self, job: ChunkJob | RetryJob, recipient: Recipient, came: Outcome, attempts: int) -> Judged:
        """What nobody foresaw is this recipient's retry: it must not hold the others up, or send to them again."""
        try:
            return self._judge(job, recipient, came, attempts)
        except Exception:
            log.exception("push.not-judged", alert=job.alert.id, subscription=recipient.subscription_id)
            return self._later(job, recipient, attempts, UNEXPECTED)

    def _judge(self, job: ChunkJob | RetryJob, recipient: Recipient, came: Outcome, attempts: int) -> Judged:
        match came:
            case Delivered():
                return ACCEPTED
            case Gone(status=status):
                return Judged("gone", gone=f"gone-{status}")
            case Refused(status=status):
                return Judged(f"refused-{status}")
            case OurFault(status=status):
                self._pauses.pause(recipient.push_service, status, self._clock())
                return self._later(job, recipient, attempts, Retry(f"our-fault-{status}"))
            case Retry():
                return self._later(job, recipient, attempts, came)

    def _later(self, job: ChunkJob | RetryJob, recipient: Recipient, attempts: int, retry: Retry) -> Judged:
        if retry.reason == HELD:
            return self._held(job, recipient, attempts, retry.after_s or 0.0)
        tried = attempts + 1
        at = next_attempt(tried, retry.after_s, self._clock(), expires_at(job.alert), self._spread)
        if at is None:
            return EXPIRED
        later = RetryLater(recipient.subscription_id, tried, retry.reason, at, recipient.push_service)
        return Judged("retrying", again=later)

    def _held(self, job: ChunkJob | RetryJob, recipient: Recipient, attempts: int, wait_s: float) -> Judged:
        """It was not sent, so nothing failed: it waits for the next room, with those who were here last in front."""
        at = self._clock() + timedelta(seconds=wait_s)
        self._pauses.hold(recipient.push_service, at, breaking=job.alert.urgency is Urgency.HIGH)
        if at >= expires_at(job.alert):
            return EXPIRED
        return Judged("retrying", RetryLater(recipient.subscription_id, attempts, HELD, at, recipient.push_service))


def _gathered_at(alert: Alert, now: datetime) -> datetime:
    """When all who wait at a service that limits the site are likely to be written down: until then nobody is first."""
    gathering_s = min(MOST_GATHERING_S, alert.audience / GATHERED_PER_S)
    at = max(now, alert.released_at + timedelta(seconds=gathering_s))
    return at if at < expires_at(alert) else now


def _count(recipients: Sequence[Recipient], judged: Sequence[Judged]) -> Counter[tuple[str, str]]:
    """{(push service, word): pushes}."""
    return Counter([(recipient.push_service, what.word) for recipient, what in zip(recipients, judged, strict=True)])
