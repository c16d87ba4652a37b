"""Pushes to recipients of one alert, and judges what came of each; who is not to be pushed to now is put aside.

Enters: an alert and recipients. Leaves: a Disposition for each, in order; next: the settlement. Whether a refusal is
the service's fault, ours or the recipient's is weighed on the way (`pauses`, `refusals`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import Recipient, RetryLater
from notifier.clock import Clock
from notifier.engine.dispatcher import PushDispatcher, expires_at
from notifier.engine.outcome_policy import ACCEPTED, DEFERRED, EXPIRED, Disposition, Lease, OutcomePolicy
from notifier.engine.pauses import Pauses
from notifier.engine.refusals import Good, RefusalHistory
from notifier.errors import ConfigError
from notifier.push.outcome import DELIVERED, Delivered, Gone, OurFault, Outcome, Retry
from notifier.subscribers.endpoint import origin_of
from notifier.subscribers.push_services import OF_BROWSERS
from notifier.telemetry import Metrics

log = structlog.get_logger()

# How fast chunks are gone through where a service that limits the site has a share in them.
GATHERED_PER_S = 20_000
MOST_GATHERING_S = 15.0
SMALL_SHARE = 0.05
"""Of a sub-batch: an origin with less of it, that took nothing yet, has to show first that it takes anything."""
NOBODY: Mapping[int, Disposition] = MappingProxyType({})


class Pusher:
    """Works for one thread, as its dispatcher does."""

    def __init__(self, dispatcher: PushDispatcher, pauses: Pauses, metrics: Metrics, clock: Clock) -> None:
        self._dispatcher, self._pauses, self._metrics, self._clock = dispatcher, pauses, metrics, clock
        self._policy = OutcomePolicy(pauses, clock)
        self._dice = random.Random()

    def judge(self, alert: Alert, recipient: Recipient, came: Outcome, attempts: int, lease: Lease) -> Disposition:
        """What becomes of one push, by its outcome."""
        return ACCEPTED if came is DELIVERED else self._policy.judge(alert, recipient, came, attempts, lease)

    def push(
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
        self.weigh(alert, wanted, outcomes)
        for place, came in zip(places, outcomes, strict=True):
            if came is not DELIVERED:
                judged[place] = self._policy.judge(alert, recipients[place], came, attempts[place], lease)
        return judged

    def _paused(
        self, alert: Alert, recipients: Sequence[Recipient], attempts: Sequence[int], now: datetime
    ) -> dict[int, Disposition]:
        """{place: when it is tried again} of those whose service is paused."""
        waits = {s: self._pauses.remaining_s(s, now) for s in {r.push_service for r in recipients}}
        if not any(waits.values()):
            return {}
        return {
            place: self._policy.later(alert, r, attempts[place], Retry("paused", waits[r.push_service]))
            for place, r in enumerate(recipients)
            if waits[r.push_service] > 0
        }

    def aside(self, alert: Alert, recipients: Sequence[Recipient]) -> dict[int, Disposition]:
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
        """The push services that took nothing from this process yet, and have a small part of `recipients`.

        The browsers' own are none of them: strangers invent the others, and nobody's reader shall stand behind those.
        """
        share = Counter(recipient.push_service for recipient in recipients)
        small = SMALL_SHARE * len(recipients)
        few = [service for service, many in share.items() if many < small and service not in OF_BROWSERS]
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

    def weigh(self, alert: Alert, recipients: Sequence[Recipient], outcomes: Sequence[Outcome]) -> None:
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


def _gathered_at(alert: Alert, now: datetime) -> datetime:
    """When all who wait at a service that limits the site are likely to be written down: until then nobody is first."""
    gathering_s = min(MOST_GATHERING_S, alert.audience / GATHERED_PER_S)
    at = max(now, alert.released_at + timedelta(seconds=gathering_s))
    return at if at < expires_at(alert) else now
