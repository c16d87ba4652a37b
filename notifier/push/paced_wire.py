"""A Wire that keeps to each service's pace: it sends what may be sent now and holds the rest back.

What is held comes back as an Answer `held` with the seconds to wait, which becomes a Retry like any other. Urgent
messages go before the others, and earlier ones in a batch before later ones: callers put the most engaged first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import ceil
from threading import Lock

import structlog

from notifier.alerts.alert import Urgency
from notifier.clock import Clock
from notifier.push.pacing import Admission, Pace, admit, learn, tally
from notifier.push.request import PushRequest
from notifier.push.send import NO_LIMITS, Answer, Wire

CHROME = "https://fcm.googleapis.com"

log = structlog.get_logger()


class Pacer:
    """The Paces of all services, shared by a process's threads. `streams` are those of each wire."""

    def __init__(self, clock: Clock, limiting: Collection[str] = (CHROME,)) -> None:
        """`limiting`: the origins that limit sites which they judge disruptive (pacing.py)."""
        self._clock, self._limiting = clock, limiting
        self._paces: dict[str, Pace] = {}
        self._lock = Lock()

    def paces(self) -> dict[str, Pace]:
        """Origin -> Pace, for the operator."""
        with self._lock:
            return dict(self._paces)

    def admit(self, origin: str, wanted: int, *, urgent: bool) -> Admission:
        """Ask to send so many; see `pacing.admit`."""
        with self._lock:
            before = self._pace(origin)
            after, admission = admit(before, wanted, self._clock(), urgent=urgent)
            self._paces[origin] = after
        _tell(origin, before, after)
        return admission

    def learn(self, origin: str, answers: Sequence[Answer]) -> None:
        """Tell what came of what was admitted; see `pacing.learn`."""
        now = self._clock()
        with self._lock:
            before = self._pace(origin)
            after = self._paces[origin] = learn(before, tally(answers, now), now)
        _tell(origin, before, after)

    def _pace(self, origin: str) -> Pace:
        return self._paces.get(origin) or Pace(may_limit=origin in self._limiting)


class PacedWire:
    """A Wire around a Wire. Owned by one thread, like the one inside; the Pacer is everybody's."""

    def __init__(self, wire: Wire, pacer: Pacer) -> None:
        self._wire, self._pacer = wire, pacer

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[Answer]:
        """See Wire.send; `streams` bounds a service further."""
        answers: dict[int, Answer] = {}
        admitted: dict[str, list[int]] = {}
        limits: dict[str, int] = {}
        for (origin, urgent), indices in _groups(batch).items():
            admission = self._pacer.admit(origin, len(indices), urgent=urgent)
            admitted.setdefault(origin, []).extend(indices[: admission.send])
            limits[origin] = min(admission.streams, streams.get(origin, admission.streams))
            held = Answer(error="held", retry_after=str(ceil(admission.wait_s)))
            answers.update(dict.fromkeys(indices[admission.send :], held))
        order = [index for indices in admitted.values() for index in indices]
        sent = self._wire.send([batch[index] for index in order], deadline_s, limits)
        answers.update(zip(order, sent, strict=True))
        for origin, indices in admitted.items():
            self._pacer.learn(origin, [answers[index] for index in indices])
        return [answers[index] for index in range(len(batch))]

    def close(self) -> None:
        """See Wire.close."""
        self._wire.close()


def _groups(batch: Sequence[PushRequest]) -> dict[tuple[str, bool], list[int]]:
    """(origin, urgent) -> indices, the urgent ones of all services first."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for index, request in enumerate(batch):
        key = request.origin, request.headers.urgency is Urgency.HIGH
        groups.setdefault(key, []).append(index)
    return dict(sorted(groups.items(), key=lambda group: not group[0][1]))


def _tell(origin: str, before: Pace, after: Pace) -> None:
    """Say what an operator has to know, once for each change."""
    if after.is_open and not before.is_open:
        log.error("push.service-failing", origin=origin, batches=after.failures)
    elif before.is_open and not after.is_open:
        log.info("push.service-recovered", origin=origin)
    if after.limited_since is not None and before.limited_since is None:
        log.error(
            "push.site-limited",
            origin=origin,
            per_minute=after.per_minute,
            meaning="Chrome judges this site disruptive: many pushes and prompts for little time on the site",
            fix="Send fewer alerts, offer finer topics, and ask for permission only where readers looked for it",
        )
    elif before.limited_since is not None and after.limited_since is None:
        log.info("push.site-limit-lifted", origin=origin)
