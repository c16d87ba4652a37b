"""Runs one chunk, or one handful of retries: read, push, settle, until nothing is left.

Every sub-batch is settled before the next is read, so that a crash at any instant repeats at most one sub-batch a
worker, and the device hides the repeats; while somebody of it is late, the next is pushed first, and it is two. Between
sub-batches an ordinary chunk makes way for a breaking one.

Nobody waits longer for who is late: they are written down as retries under this worker's lease while they stay under
way, and settled when their answers come. Who is at an origin that is known to be late, or is one of few at an origin
that took nothing from this process yet, is written down without a push, and sent to as a retry: there only its own
recipients wait for it (docs/decisions/0017-lanes.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import Deferred, DeliveryStore, LeasedChunk, LeasedRetry, Recipient, RetrySettlement
from notifier.alerts.receipts import end_of
from notifier.clock import Clock
from notifier.engine.dispatcher import PushDispatcher
from notifier.engine.outcome_policy import ACCEPTED, Disposition, Lease
from notifier.engine.pauses import Pauses
from notifier.engine.pusher import Pusher
from notifier.engine.settlement import Pushed, counted, retry_settlement_of, settlement_of
from notifier.errors import LeaseLost
from notifier.push.outcome import Outcome, Retry
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


FINISH_S = 2.0
"""How long a worker that ends waits for who is late."""
LOOK_WHILE_OPEN_S = 0.1
GATHER, FEW = timedelta(seconds=0.25), 50
"""How long so few retries, or answers that came late, wait for others while a chunk is sent: each writing takes the
database from it, however little is written."""
UNKNOWN_EVERY_S = 1.0
"""How often, while a chunk is sent, one of the services that never took anything gets a round of retries: to connect to
it, in vain for all we know, costs as much as dozens of those who are reached."""


class Runner:
    """Works for one thread: its dispatcher's transport is not shared."""

    def __init__(
        self,
        deliveries: DeliveryStore,
        dispatcher: PushDispatcher,
        pauses: Pauses,
        metrics: Metrics,
        clock: Clock,
        settings: RunSettings,
    ) -> None:
        self._deliveries, self._dispatcher, self._pauses = deliveries, dispatcher, pauses
        self._metrics, self._clock, self._settings = metrics, clock, settings
        self._pusher = Pusher(dispatcher, pauses, metrics, clock)
        self._open: dict[int, LeasedRetry] = {}
        self._before: Pushed | None = None
        self._came: list[tuple[LeasedRetry, Outcome]] = []
        self._written_at = self._retried_at = clock()
        self._unknown_at = clock() - timedelta(seconds=UNKNOWN_EVERY_S)
        self._few_retries = False

    def work_once(
        self, stopping: Callable[[], bool], *, only_breaking: bool = False, only_retries: bool = False
    ) -> bool:
        """Run a chunk or an alert's retries; False if there was nothing to do.

        `only_breaking`: no ordinary chunk, and no retries; `only_retries`: no chunk.
        """
        came = self.settle_late()
        if not only_retries:
            job = self._deliveries.claim_chunk(self._clock(), self._settings.lease_s, only_breaking=only_breaking)
            if job is not None:
                self.run_chunk(job, stopping)
                return True
        return (not only_breaking and not self._gathers() and self.run_retries()) or came

    @property
    def look_in_s(self) -> float:
        """After how many seconds to look again where there was nothing to do."""
        wait_s = self._pauses.look_in_s(self._clock())
        if self._few_retries:
            wait_s = min(wait_s, GATHER.total_seconds())
        return min(wait_s, LOOK_WHILE_OPEN_S) if self._open else wait_s

    def close(self) -> None:
        """Close the dispatcher's connections."""
        self._dispatcher.close()

    def finish(self, wait_s: float = FINISH_S) -> None:
        """Wait for who is late, `wait_s` in all; what is still open then is tried again by whoever works then."""
        ends_at = monotonic() + wait_s
        while self._open and (left_s := ends_at - monotonic()) > 0:
            self.settle_late(left_s)
        self.settle_late()
        jobs, self._open = list(self._open.values()), {}
        self._settle_each(jobs, [Retry("timeout")] * len(jobs))

    def settle_late(self, wait_s: float = 0.0) -> bool:
        """Settle those who were late and have an answer now; False if there were none."""
        self._take_late(wait_s)
        came, self._came, self._written_at = self._came, [], self._clock()
        self._settle_each([job for job, _ in came], [outcome for _, outcome in came])
        return bool(came)

    def _take_late(self, wait_s: float = 0.0) -> None:
        """Ask for the answers of those who were late: of the sub-batch before they are judged, others are kept."""
        if not self._open and self._before is None:
            return
        before = self._before
        for ticket, outcome in self._dispatcher.late(self._clock(), wait_s):
            if before is not None and ticket in before.tickets:
                self._judge_late(before, before.tickets.pop(ticket), outcome)
            elif ticket in self._open:
                self._came.append((self._open.pop(ticket), outcome))

    def run_chunk(self, job: LeasedChunk, stopping: Callable[[], bool]) -> None:
        """Push to the chunk's recipients from its cursor on, until done, told to stop, or in breaking news' way."""
        cursor, sub_batch = job.chunk.cursor, self._settings.sub_batch
        limit = min(self._settings.first_batch, sub_batch) if job.alert.breaking else sub_batch
        self._before = None
        try:
            while True:
                recipients = self._deliveries.take(job, cursor, limit)
                done = len(recipients) < limit
                cursor = job.chunk.hi if done else recipients[-1].subscription_id
                pushed = self._push(job.alert, recipients, cursor, done=done)
                self._settle_before(job)
                self._before = pushed
                leaves = not done and (
                    stopping() or (not job.alert.breaking and self._deliveries.breaking_waits(self._clock()))
                )
                if done or leaves or not pushed.tickets:
                    self._settle_before(job)
                if done:
                    return
                if leaves:
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
        now, settings, pauses = self._clock(), self._settings, self._pauses
        jobs = self._deliveries.claim_retries(
            now, settings.retries_at_once, settings.lease_s, self._held(now), pauses.rooms()
        )
        self._retried_at, self._few_retries = now, 0 < len(jobs) < FEW
        if jobs:
            self._retry(jobs)
            if jobs[0].recipient.push_service in pauses.unknown():
                self._unknown_at = self._clock()
        return bool(jobs)

    def _held(self, now: datetime) -> Deferred:
        """The services to which nobody is sent again now."""
        held = self._pauses.deferred(now)
        unknown = self._pauses.unknown()
        if unknown and (now - self._unknown_at).total_seconds() < UNKNOWN_EVERY_S and self._deliveries.is_sending():
            return {breaking: unknown.union(services) for breaking, services in held.items()}
        return held

    def _gathers(self) -> bool:
        """Whether retries may wait for others: there were few lately, and a chunk is being sent.

        Where a service keeps us to a pace they come in small numbers, and in time.
        """
        few = self._few_retries and self._clock() - self._retried_at < GATHER and not self._pauses.rooms()
        return few and self._deliveries.is_sending()

    def _push(self, alert: Alert, recipients: Sequence[Recipient], cursor: int, *, done: bool) -> Pushed:
        lease = self._lease()
        aside = self._pusher.aside(alert, recipients)
        judged = self._pusher.push(alert, recipients, [0] * len(recipients), lease, aside)
        tickets = {what.ticket: place for place, what in enumerate(judged) if what.ticket}
        return Pushed(alert, recipients, judged, cursor, done, lease, tickets)

    def _settle_before(self, job: LeasedChunk) -> None:
        """Settle the sub-batch before, if it is not yet; who of it is still late becomes a retry of this worker's."""
        if self._before is None:
            return
        self._take_late()
        if len(self._came) >= FEW or self._clock() - self._written_at >= GATHER:
            self.settle_late()
        pushed, self._before = self._before, None
        settlement = settlement_of(pushed, self._count(pushed.recipients, pushed.judged), self._took(job.alert))
        self._deliveries.settle(job, settlement, self._clock(), self._settings.lease_s)
        self._open |= {
            ticket: LeasedRetry(job.alert, pushed.recipients[place], 0, pushed.lease.token)
            for ticket, place in pushed.tickets.items()
        }

    def _retry(self, jobs: Sequence[LeasedRetry]) -> None:
        """Push again to recipients of one alert, and write what came of it; who is open stays under its lease."""
        recipients = [job.recipient for job in jobs]
        attempts = [job.attempts for job in jobs]
        judged = self._pusher.push(jobs[0].alert, recipients, attempts, self._lease())
        self._write(jobs, judged)

    def _settle_each(self, jobs: Sequence[LeasedRetry], outcomes: Sequence[Outcome]) -> None:
        """Judge and write what came of those who were late, of any alerts."""
        if not jobs:
            return
        for job, came in zip(jobs, outcomes, strict=True):
            self._pusher.weigh(job.alert, [job.recipient], [came])
        judge, lease = self._pusher.judge, self._lease()
        pairs = zip(jobs, outcomes, strict=True)
        self._write(jobs, [judge(job.alert, job.recipient, came, job.attempts, lease) for job, came in pairs])

    def _judge_late(self, before: Pushed, place: int, came: Outcome) -> None:
        recipient = before.recipients[place]
        self._pusher.weigh(before.alert, [recipient], [came])
        before.judged[place] = self._pusher.judge(before.alert, recipient, came, 0, before.lease)

    def _write(self, jobs: Sequence[LeasedRetry], judged: Sequence[Disposition]) -> None:
        pairs = list(zip(jobs, judged, strict=True))
        self._open |= {what.ticket: job for job, what in pairs if what.ticket}
        ended = [(job, what) for job, what in pairs if not what.ticket]
        self._count([job.recipient for job, _ in ended], [what for _, what in ended])
        self._deliveries.settle_retries([self._retried(job, what) for job, what in ended], self._clock())

    def _retried(self, job: LeasedRetry, what: Disposition) -> RetrySettlement:
        return retry_settlement_of(job, what, self._took(job.alert) if what is ACCEPTED else None)

    def _took(self, alert: Alert) -> float:
        """The end of the bucket that is accepted by now: the answers of a sub-batch count as of its last one."""
        return end_of((self._clock() - alert.released_at).total_seconds())

    def _lease(self) -> Lease:
        return Lease(self._deliveries.lease_token(), self._clock() + timedelta(seconds=self._settings.lease_s))

    def _count(self, recipients: Sequence[Recipient], judged: Sequence[Disposition]) -> Counter[tuple[str, str]]:
        """{(push service, word): pushes}, in the metrics too."""
        found = counted(recipients, judged)
        for (service, word), pushes in found.items():
            self._metrics.pushes.labels(service, word).inc(pushes)
        return found
