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

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from types import MappingProxyType

import structlog

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import (
    Deferred,
    DeliveryStore,
    LeasedChunk,
    LeasedRetry,
    Recipient,
    RetryLater,
    RetrySettlement,
    Settlement,
)
from notifier.alerts.receipts import end_of
from notifier.clock import Clock
from notifier.engine.dispatcher import PushDispatcher, expires_at
from notifier.engine.outcome_policy import ACCEPTED, DEFERRED, EXPIRED, Disposition, Lease, OutcomePolicy
from notifier.engine.pauses import Pauses
from notifier.engine.refusals import Good, RefusalHistory
from notifier.errors import ConfigError, LeaseLost
from notifier.push.outcome import DELIVERED, Delivered, Gone, OurFault, Outcome, Retry
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


# How fast chunks are gone through where a service that limits the site has a share in them.
GATHERED_PER_S = 20_000
MOST_GATHERING_S = 15.0
FINISH_S = 2.0
"""How long a worker that ends waits for who is late."""
LOOK_WHILE_OPEN_S = 0.1
GATHER, FEW = timedelta(seconds=0.25), 50
"""How long so few retries, or answers that came late, wait for others while a chunk is sent: each writing takes the
database from it, however little is written."""
UNKNOWN_EVERY_S = 1.0
"""How often, while a chunk is sent, one of the services that never took anything gets a round of retries: to connect to
it, in vain for all we know, costs as much as dozens of those who are reached."""
SMALL_SHARE = 0.05
"""Of a sub-batch: an origin with less of it, that took nothing yet, has to show first that it takes anything."""
NOBODY: Mapping[int, Disposition] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Pushed:
    """A sub-batch that was pushed; of `tickets` (ticket -> place) nothing has come yet."""

    alert: Alert
    recipients: Sequence[Recipient]
    judged: list[Disposition]
    cursor: int
    done: bool
    lease: Lease
    tickets: dict[int, int]


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
        self._judge = OutcomePolicy(pauses, clock)
        self._dice = random.Random()
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
        judged = self._judge_all(alert, recipients, [0] * len(recipients), lease, aside=self._aside(alert, recipients))
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
        settlement = self._settlement(job.alert, pushed)
        self._deliveries.settle(job, settlement, self._clock(), self._settings.lease_s)
        self._open |= {
            ticket: LeasedRetry(job.alert, pushed.recipients[place], 0, pushed.lease.token)
            for ticket, place in pushed.tickets.items()
        }

    def _settlement(self, alert: Alert, pushed: Pushed) -> Settlement:
        recipients, judged = pushed.recipients, pushed.judged
        others = [(r, what) for r, what in zip(recipients, judged, strict=True) if what is not ACCEPTED]
        counts: dict[str, dict[str, int]] = {}
        for (service, word), pushes in self._count(recipients, judged).items():
            counts.setdefault(service, {})[word] = pushes
        return Settlement(
            cursor=pushed.cursor,
            counts=counts,
            retries=[what.again for _, what in others if what.again is not None],
            gone={r.subscription_id: what.gone for r, what in others if what.gone},
            endpoints={r.subscription_id: r.keys.endpoint for r, what in others if what.gone},
            done=pushed.done,
            took={self._took(alert): accepted} if (accepted := len(judged) - len(others)) else {},
            proved=_proved(recipients, judged),
            failed=[r.subscription_id for r, what in others if what.failed],
        )

    def _retry(self, jobs: Sequence[LeasedRetry]) -> None:
        """Push again to recipients of one alert, and write what came of it; who is open stays under its lease."""
        recipients = [job.recipient for job in jobs]
        attempts = [job.attempts for job in jobs]
        judged = self._judge_all(jobs[0].alert, recipients, attempts, self._lease())
        self._write(jobs, judged)

    def _settle_each(self, jobs: Sequence[LeasedRetry], outcomes: Sequence[Outcome]) -> None:
        """Judge and write what came of those who were late, of any alerts."""
        if not jobs:
            return
        for job, came in zip(jobs, outcomes, strict=True):
            self._weigh(job.alert, [job.recipient], [came])
        judged = [
            ACCEPTED
            if came is DELIVERED
            else self._judge.judge(job.alert, job.recipient, came, job.attempts, self._lease())
            for job, came in zip(jobs, outcomes, strict=True)
        ]
        self._write(jobs, judged)

    def _judge_late(self, before: Pushed, place: int, came: Outcome) -> None:
        recipient = before.recipients[place]
        self._weigh(before.alert, [recipient], [came])
        accepted = came is DELIVERED
        before.judged[place] = (
            ACCEPTED if accepted else self._judge.judge(before.alert, recipient, came, 0, before.lease)
        )

    def _write(self, jobs: Sequence[LeasedRetry], judged: Sequence[Disposition]) -> None:
        pairs = list(zip(jobs, judged, strict=True))
        self._open |= {what.ticket: job for job, what in pairs if what.ticket}
        ended = [(job, what) for job, what in pairs if not what.ticket]
        self._count([job.recipient for job, _ in ended], [what for _, what in ended])
        self._deliveries.settle_retries([self._retried(job, what) for job, what in ended], self._clock())

    def _retried(self, job: LeasedRetry, what: Disposition) -> RetrySettlement:
        return RetrySettlement(
            job.alert.id,
            job.recipient,
            what.word,
            what.again,
            job.lease_token,
            what.gone,
            self._took(job.alert) if what is ACCEPTED else None,
            proved=what is ACCEPTED and job.recipient.standing is not None,
            failed=what.failed,
        )

    def _took(self, alert: Alert) -> float:
        """The end of the bucket that is accepted by now: the answers of a sub-batch count as of its last one."""
        return end_of((self._clock() - alert.released_at).total_seconds())

    def _lease(self) -> Lease:
        return Lease(self._deliveries.lease_token(), self._clock() + timedelta(seconds=self._settings.lease_s))

    def _judge_all(
        self,
        alert: Alert,
        recipients: Sequence[Recipient],
        attempts: Sequence[int],
        lease: Lease,
        aside: Mapping[int, Disposition] = NOBODY,
    ) -> list[Disposition]:
        """Push to those who are not `aside` and whose service is not paused; judge everybody, in order."""
        now = self._clock()
        if now >= expires_at(alert):
            return [EXPIRED] * len(recipients)
        apart = {**aside, **self._paused(alert, recipients, attempts, now)}
        places = [place for place in range(len(recipients)) if place not in apart] if apart else range(len(recipients))
        wanted = [recipients[place] for place in places] if apart else recipients
        judged = [ACCEPTED] * len(recipients)
        for place, what in apart.items():
            judged[place] = what
        outcomes = self._deliver(alert, wanted)
        self._weigh(alert, wanted, outcomes)
        for place, came in zip(places, outcomes, strict=True):
            if came is not DELIVERED:
                judged[place] = self._judge.judge(alert, recipients[place], came, attempts[place], lease)
        return judged

    def _paused(
        self, alert: Alert, recipients: Sequence[Recipient], attempts: Sequence[int], now: datetime
    ) -> dict[int, Disposition]:
        """{place: when it is tried again} of those whose service is paused."""
        waits = {s: self._pauses.remaining_s(s, now) for s in {r.push_service for r in recipients}}
        if not any(waits.values()):
            return {}
        return {
            place: self._judge.later(alert, r, attempts[place], Retry("paused", waits[r.push_service]))
            for place, r in enumerate(recipients)
            if waits[r.push_service] > 0
        }

    def _aside(self, alert: Alert, recipients: Sequence[Recipient]) -> dict[int, Disposition]:
        """{place: that it waits} of those whom a chunk only writes down, for the retries to push to.

        A chunk knows a small part of those who wait at a service that limits the site, and of them those who were here
        last go first; for an origin that is late, or may be, nobody else shall wait.
        """
        limited, late = self._pauses.limited(), self._pauses.late()
        unknown = self._few_at_unknown(recipients)
        if not limited and not late and not unknown:
            return {}
        now, found = self._clock(), {}
        for place, recipient in enumerate(recipients):
            origin = origin_of(recipient.keys.endpoint)
            if origin in limited or origin in late or recipient.push_service in unknown:
                at = _gathered_at(alert, now) if origin in limited else now
                found[place] = Disposition(
                    "retrying", RetryLater(recipient.subscription_id, 0, DEFERRED, at, recipient.push_service)
                )
        return found

    def _few_at_unknown(self, recipients: Sequence[Recipient]) -> frozenset[str]:
        """The push services that took nothing from this process yet, and have a small part of `recipients`."""
        share = Counter(recipient.push_service for recipient in recipients)
        few = [service for service, many in share.items() if many < SMALL_SHARE * len(recipients)]
        return self._pauses.unknown(few).intersection(few) if few else frozenset()

    def _deliver(self, alert: Alert, recipients: Sequence[Recipient]) -> list[Outcome]:
        if not recipients:
            return []
        started = self._clock()
        try:
            outcomes = self._dispatcher.begin(alert, recipients, started)
        except ConfigError as problem:
            # Ours to mend: nobody was pushed to, everybody is tried again.
            log.error("push.misconfigured", problem=str(problem))
            return [Retry("misconfigured")] * len(recipients)
        waited = (self._clock() - alert.decided_at).total_seconds()
        self._metrics.decision_to_sent.observe(waited)
        return outcomes

    def _weigh(self, alert: Alert, recipients: Sequence[Recipient], outcomes: Sequence[Outcome]) -> None:
        """Note who was accepted and who refused at each service; probe and pause one that refuses everybody."""
        good: dict[str, list[Recipient]] = {}
        refused: dict[str, list[tuple[Recipient, int]]] = {}
        for recipient, came in zip(recipients, outcomes, strict=True):
            if came is DELIVERED:
                good.setdefault(recipient.push_service, []).append(recipient)
            elif isinstance(came, OurFault):
                refused.setdefault(recipient.push_service, []).append((recipient, came.status))
        for service, reached in good.items():
            # Any of them, so that nobody can choose to be the one who is asked for all.
            chosen = Good(self._dice.choice(reached), alert)
            self._pauses.accepted(service, chosen, self._clock(), len(reached))
        for service in refused.keys() - good.keys():
            telling = [recipient.subscription_id for recipient, _ in refused[service] if recipient.tells]
            status = refused[service][0][1]
            evidence = self._pauses.refused(service, telling, alert.id, status, self._clock())
            if evidence.is_doubtful:
                self._probe(service, evidence, status)

    def _probe(self, service: str, evidence: RefusalHistory, status: int) -> None:
        """Pause a service that refuses several in a row, unless it still takes what it took lately."""
        fresh = [good for good in evidence.good if self._clock() < expires_at(good.alert)]
        for good in fresh:
            (came,) = self._deliver(good.alert, [replace(good.recipient, envelope=None)])
            if isinstance(came, Delivered):
                self._pauses.accepted(service, good, self._clock())
                return
            if not isinstance(came, OurFault | Gone):
                return
        if fresh or evidence.is_plain:
            self._pauses.pause(service, status, self._clock())

    def _count(self, recipients: Sequence[Recipient], judged: Sequence[Disposition]) -> Counter[tuple[str, str]]:
        """{(push service, word): pushes}, in the metrics too."""
        counted = _count(recipients, judged)
        for (service, word), pushes in counted.items():
            self._metrics.pushes.labels(service, word).inc(pushes)
        return counted


def _proved(recipients: Sequence[Recipient], judged: Sequence[Disposition]) -> list[int]:
    """Those with a Standing that were accepted, which ends it."""
    with_standing = [place for place, recipient in enumerate(recipients) if recipient.standing is not None]
    return [recipients[place].subscription_id for place in with_standing if judged[place] is ACCEPTED]


def _gathered_at(alert: Alert, now: datetime) -> datetime:
    """When all who wait at a service that limits the site are likely to be written down: until then nobody is first."""
    gathering_s = min(MOST_GATHERING_S, alert.audience / GATHERED_PER_S)
    at = max(now, alert.released_at + timedelta(seconds=gathering_s))
    return at if at < expires_at(alert) else now


def _count(recipients: Sequence[Recipient], judged: Sequence[Disposition]) -> Counter[tuple[str, str]]:
    """{(push service, word): pushes}."""
    return Counter([(recipient.push_service, what.word) for recipient, what in zip(recipients, judged, strict=True)])
