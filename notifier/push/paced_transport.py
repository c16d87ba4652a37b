"""A PushTransport that keeps to each service's pace: it sends what may be sent now and holds the rest back.

What is held comes back as a PushResponse `deferred` with the seconds to wait, which becomes a Retry like any other.
Urgent messages go before the others, and earlier ones in a batch before later ones: callers put the most engaged first.
How long others wait for an origin follows from what is known of it (`ServicePace.patience_s`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol, TypeVar

import structlog

from notifier.alerts.alert import Urgency
from notifier.clock import Clock
from notifier.push.bounded_dict import MOST_ORIGINS
from notifier.push.pacing import Admission, Limit, ServicePace, admit, learn, learn_late, tally
from notifier.push.request import PushRequest
from notifier.push.transport import NO_LIMITS, Patience, PushResponse, PushTransport, with_lanes

CHROME = "https://fcm.googleapis.com"
LOOK_EVERY = timedelta(seconds=10)

NEW = ServicePace()

T = TypeVar("T")

log = structlog.get_logger()


class SharedLimits(Protocol):
    """The Limits of services, of all workers together."""

    def change(self, origin: str, step: Callable[[Limit], Limit]) -> None:
        """Replace a service's Limit by what `step` makes of it, while nobody else does.

        Raises nothing: where it cannot be shared now, `step` gets what was known last. `step` may be called twice; the
        last time counts.
        """


class Pacer:
    """The Paces of all services, shared by a process's threads. `streams` are those of each transport."""

    def __init__(self, clock: Clock, limiting: Collection[str] = (CHROME,), shared: SharedLimits | None = None) -> None:
        """`limiting`: the origins that limit sites which they judge disruptive (pacing.py).

        `shared`: for several workers, which have to keep within such a limit together.
        """
        self._clock, self._limiting, self._shared = clock, limiting, shared
        self._paces: Mapping[str, ServicePace] = {}  # replaced as a whole, so that it is read without waiting
        self._looked_at: datetime | None = None
        self._under_way: Counter[str] = Counter()
        self._lock = Lock()

    def paces(self) -> dict[str, ServicePace]:
        """Origin -> Pace, for the operator."""
        return dict(self._paces)

    def forget(self) -> None:
        """Find out every pace anew: the clock was set back, and the times that are known would not come."""
        with self._lock:
            self._paces = {}
            self._looked_at = None

    def limited(self) -> frozenset[str]:
        """The origins of which a limit is kept, as of the last message there; what others learn comes in seconds."""
        now = self._clock()
        if self._shared is not None and (self._looked_at is None or now - self._looked_at >= LOOK_EVERY):
            self._looked_at = now
            for origin in self._limiting:
                self._change(origin, lambda pace: (pace, None))
        return frozenset(origin for origin, pace in self._paces.items() if pace.per_minute is not None)

    def patience(self) -> dict[str, float]:
        """Origin -> how long others wait for it, of those that something is known of."""
        return {o: pace.patience_s for o, pace in self._paces.items() if pace.usual_s is not None or pace.is_late}

    def patience_with(self, origins: Collection[str]) -> dict[str, float]:
        """How long others wait for these where nobody in a batch was reached before."""
        return {origin: self._paces.get(origin, NEW).strangers_s for origin in origins}

    def late(self) -> frozenset[str]:
        """The origins that do not answer in time, or nothing useful."""
        return frozenset(origin for origin, pace in self._paces.items() if pace.is_late or pace.is_open)

    def room(self, origin: str) -> int | None:
        """How many messages a service that keeps us to a pace takes at a time; None where none does."""
        pace = self._paces.get(origin)
        return None if pace is None else pace.room

    def admit(self, origin: str, wanted: int, *, urgent: bool) -> Admission:
        """Ask to send so many; see `pacing.admit`."""
        now = self._clock()
        admission = self._change(origin, lambda pace: admit(pace, wanted, now, urgent=urgent))
        self._count(origin, admission.send)
        return admission

    def learn(self, origin: str, answers: Sequence[PushResponse], requests: Sequence[PushRequest] = ()) -> None:
        """Tell what came of what was admitted; see `pacing.learn`."""
        now = self._clock()
        counted = tally(answers, now, requests)
        self._count(origin, sum(answer.error == "open" for answer in answers) - len(answers))
        self._change(origin, lambda pace: (learn(pace, counted, now), None))

    def learn_late(self, origin: str, answers: Sequence[PushResponse], requests: Sequence[PushRequest]) -> None:
        """Tell what came of what was left open; see `pacing.learn_late`."""
        now = self._clock()
        counted = tally(answers, now, requests)
        self._count(origin, -len(answers))
        self._change(origin, lambda pace: (learn_late(pace, counted, now), None))

    def _change(self, origin: str, step: Callable[[ServicePace], tuple[ServicePace, T]]) -> T:
        with self._lock:
            before = self._paces.get(origin) or ServicePace(may_limit=origin in self._limiting)
            shared = self._shared if before.may_limit else None
            after, found = step(before) if shared is None else _together(shared, origin, before, step)
            others = {other: pace for other, pace in self._paces.items() if other != origin}
            self._paces = self._kept({**others, origin: after})  # in the order of use
        _tell(origin, before, after)
        return found

    def abandon(self, origin: str, messages: int) -> None:
        """Nobody will be told what came of so many that were left open."""
        self._count(origin, -messages)

    def _count(self, origin: str, more: int) -> None:
        """So many more are under way there."""
        if more:
            with self._lock:
                self._under_way[origin] += more
                if self._under_way[origin] <= 0:
                    del self._under_way[origin]

    def _kept(self, paces: dict[str, ServicePace]) -> dict[str, ServicePace]:
        """At most MOST_ORIGINS: strangers name them. Who has something under way, or a limit, is not forgotten."""
        if len(paces) <= MOST_ORIGINS:
            return paces
        for origin in list(paces)[:-1]:
            if len(paces) <= MOST_ORIGINS:
                break
            if not self._under_way[origin] and paces[origin].per_minute is None:
                del paces[origin]
        return paces


def _together(
    shared: SharedLimits, origin: str, before: ServicePace, step: Callable[[ServicePace], tuple[ServicePace, T]]
) -> tuple[ServicePace, T]:
    """Take the step from the Limit that all workers share."""
    came: list[tuple[ServicePace, T]] = []

    def change(limit: Limit) -> Limit:
        came.append(step(replace(before, limit=limit)))
        return came[-1][0].limit

    shared.change(origin, change)
    return came[-1]


class PacedTransport:
    """A LanedTransport around a PushTransport. Owned by one thread, like the one inside; the Pacer is everybody's."""

    def __init__(self, transport: PushTransport, pacer: Pacer) -> None:
        self._transport, self._pacer = with_lanes(transport), pacer
        self._open: dict[int, PushRequest] = {}

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[PushResponse]:
        """See PushTransport.send; `streams` bounds a service further."""
        return self._sent(batch, streams, lambda wanted, limits: self._transport.send(wanted, deadline_s, limits))

    def begin(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int], patience: Patience
    ) -> list[PushResponse]:
        """See LanedTransport.begin; `patience` goes before what was learned.

        Nobody waits long for recipients of whom none was reached before: a stranger can make thousands in a row.
        """
        reached = {request.origin for request in batch if request.tells}
        strangers = {request.origin for request in batch} - reached
        known = {**self._pacer.patience(), **self._pacer.patience_with(strangers), **patience}
        return self._sent(
            batch, streams, lambda wanted, limits: self._transport.begin(wanted, deadline_s, limits, known)
        )

    def late(self, wait_s: float = 0.0) -> list[tuple[int, PushResponse]]:
        """See LanedTransport.late."""
        told = self._transport.late(wait_s)
        by_origin: dict[str, tuple[list[PushResponse], list[PushRequest]]] = {}
        for ticket, answer in told:
            request = self._open.pop(ticket)
            answers, requests = by_origin.setdefault(request.origin, ([], []))
            answers.append(answer)
            requests.append(request)
        for origin, (answers, requests) in by_origin.items():
            self._pacer.learn_late(origin, answers, requests)
        return told

    def _sent(
        self,
        batch: Sequence[PushRequest],
        streams: Mapping[str, int],
        send: Callable[[Sequence[PushRequest], Mapping[str, int]], list[PushResponse]],
    ) -> list[PushResponse]:
        answers: dict[int, PushResponse] = {}
        admitted: dict[str, list[int]] = {}
        limits: dict[str, int] = {}
        for (origin, urgent), indices in _groups(batch).items():
            admission = self._pacer.admit(origin, len(indices), urgent=urgent)
            admitted.setdefault(origin, []).extend(indices[: admission.send])
            limits[origin] = min(admission.streams, streams.get(origin, admission.streams))
            held = PushResponse(error="deferred", wait_s=admission.wait_s)
            answers.update(dict.fromkeys(indices[admission.send :], held))
        order = [index for indices in admitted.values() for index in indices]
        wanted = [batch[index] for index in order]
        answers.update(zip(order, send(wanted, limits), strict=True))
        for origin, indices in admitted.items():
            self._pacer.learn(origin, [answers[index] for index in indices], [batch[index] for index in indices])
        for index, answer in answers.items():
            if answer.error == "open":
                self._open[answer.ticket] = replace(batch[index], body=b"")
        return [answers[index] for index in range(len(batch))]

    def close(self) -> None:
        """See PushTransport.close."""
        for origin, messages in Counter(request.origin for request in self._open.values()).items():
            self._pacer.abandon(origin, messages)
        self._open.clear()
        self._transport.close()


def _groups(batch: Sequence[PushRequest]) -> dict[tuple[str, bool], list[int]]:
    """(origin, urgent) -> indices, the urgent ones of all services first."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for index, request in enumerate(batch):
        key = request.origin, request.headers.urgency is Urgency.HIGH
        groups.setdefault(key, []).append(index)
    return dict(sorted(groups.items(), key=lambda group: not group[0][1]))


def _tell(origin: str, before: ServicePace, after: ServicePace) -> None:
    """Say what an operator has to know, once for each change."""
    if after.is_open and not before.is_open:
        log.error("push.service-failing", origin=origin, batches=after.failures)
    elif before.is_open and not after.is_open:
        log.info("push.service-recovered", origin=origin)
    if after.per_minute is not None and before.per_minute is None:
        log.error(
            "push.site-limited",
            origin=origin,
            per_minute=after.per_minute,
            meaning="Chrome judges this site disruptive: many pushes and prompts for little time on the site",
            fix="Send fewer alerts, offer finer topics, and ask for permission only where readers looked for it",
        )
    elif before.per_minute is not None and after.per_minute is None:
        log.info("push.site-limit-lifted", origin=origin)
