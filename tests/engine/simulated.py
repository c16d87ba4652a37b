"""Push services and a transport to them in simulated time, hand-written: what a neighbour does to a good origin, to the
ms.

A LanedTransport's promises, with a clock that only goes on while somebody waits. An origin answers each push after its
latency, `streams` at a time; a bad neighbour's answers are what its behaviour says.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from notifier.clock import ManualClock
from notifier.push.http2.lane import STOPPING_429S
from notifier.push.request import PushRequest
from notifier.push.transport import (
    LONGEST_S,
    NO_LIMITS,
    STREAMS,
    Patience,
    PushResponse,
    patience_for,
)

LATENCY_S = 0.02
NEVER_S = 1e6
PUSH_S = 0.0002
"""What it takes us to read, sign, seal and send one."""

Behaviour = Callable[[datetime], tuple[float, PushResponse]]
"""When a push is answered, in seconds from now, and how."""


def answers(status: int, *, after_s: float = LATENCY_S, retry_after: str | None = None) -> Behaviour:
    """Always the same."""
    return lambda _: (after_s, PushResponse(status=status, retry_after=retry_after, elapsed_s=after_s))


def fails(error: str, *, after_s: float = LATENCY_S) -> Behaviour:
    """Never a status."""
    return lambda _: (after_s, PushResponse(error=error, elapsed_s=after_s))  # type: ignore[arg-type]


SILENT: Behaviour = lambda _: (NEVER_S, PushResponse(error="timeout"))  # noqa: E731


class Dripping:
    """One answer every `every_s`, however many are asked for."""

    def __init__(self, every_s: float = 0.5) -> None:
        self._every_s, self._free_at = every_s, 0.0

    def __call__(self, now: datetime) -> tuple[float, PushResponse]:
        self._free_at = max(self._free_at, now.timestamp()) + self._every_s
        after_s = self._free_at - now.timestamp()
        return after_s, PushResponse(status=201, elapsed_s=after_s)


class Allowing:
    """So many a second, windows of a second from the first push on, and 429 beyond without a word of when."""

    def __init__(self, per_s: int) -> None:
        self._per_s, self._window, self._taken = per_s, 0, 0
        self.refused = self.asked = 0

    def __call__(self, now: datetime) -> tuple[float, PushResponse]:
        window = int(now.timestamp())
        if window != self._window:
            self._window, self._taken = window, 0
        self.asked += 1
        if self._taken >= self._per_s:
            self.refused += 1
            return LATENCY_S, PushResponse(status=429, elapsed_s=LATENCY_S)
        self._taken += 1
        return LATENCY_S, PushResponse(status=201, elapsed_s=LATENCY_S)


@dataclass(slots=True)
class Services:
    """What each endpoint does, by its last part; 201 after LATENCY_S otherwise. Shared by all workers' transports.

    `accepted_at` is {name: when its push was accepted first}; `pushes` counts every push by name.
    """

    clock: ManualClock
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    accepted_at: dict[str, datetime] = field(default_factory=dict)
    pushes: Counter[str] = field(default_factory=Counter)

    def ask(self, request: PushRequest) -> tuple[float, PushResponse]:
        name = request.endpoint.rsplit("/", 1)[1]
        self.pushes[name] += 1
        self.clock.advance(PUSH_S)
        return self.behaviours.get(name, answers(201))(self.clock())


@dataclass(slots=True)
class _Flight:
    ticket: int
    request: PushRequest
    answer: PushResponse
    ends_at: float
    is_open: bool = False


class SimulatedTransport:
    """A LanedTransport to `services`. `late` lets no time pass by itself: the engine of the test does."""

    def __init__(self, services: Services) -> None:
        self._services, self._clock = services, services.clock
        self._tickets = count(1)
        self._order = count()
        self._flying: list[tuple[float, int, _Flight]] = []

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[PushResponse]:
        return self.begin(batch, deadline_s, streams, {request.origin: deadline_s for request in batch})

    def begin(  # noqa: C901 - one loop, as long as the rules of time are many
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int], patience: Patience
    ) -> list[PushResponse]:
        started = self._now
        waiting: dict[str, deque[int]] = {}
        found: list[PushResponse | None] = [None] * len(batch)
        flights: dict[int, tuple[str, _Flight]] = {}
        progress = {request.origin: started for request in batch}
        asked, answered = Counter(request.origin for request in batch), Counter[str]()
        runs = Counter[str]()
        first_done_s: float | None = None
        for place, request in enumerate(batch):
            waiting.setdefault(request.origin, deque()).append(place)

        def flying(origin: str) -> int:
            return sum(o == origin for o, _ in flights.values())

        while True:
            for origin, places in waiting.items():
                while places and flying(origin) < streams.get(origin, STREAMS):
                    place = places.popleft()
                    flights[place] = origin, self._fly(batch[place], deadline_s)
            by_flight = {id(flight): place for place, (_, flight) in flights.items()}
            busy = {origin for origin, places in waiting.items() if places} | {o for o, _ in flights.values()}
            if not busy:
                break
            if first_done_s is None and len(busy) < len(waiting):
                first_done_s = self._now - started

            def until(origin: str, first_done_s: float | None = first_done_s) -> float:
                return progress[origin] + patience_for(
                    patience,
                    origin,
                    asked=asked[origin],
                    answered=answered[origin],
                    unsent=len(waiting[origin]),
                    first_done_s=first_done_s,
                )

            longest_s = LONGEST_S * (1 if first_done_s is not None else 5)
            deadline = min(started + deadline_s, started + longest_s, max(until(origin) for origin in busy))
            at = self._next_at(set(by_flight))
            if at > deadline:
                self._go_to(deadline)
                break
            self._go_to(at)
            for flight in self._landed(set(by_flight)):
                place = by_flight[id(flight)]
                found[place] = flight.answer
                origin = flights.pop(place)[0]
                answered[origin] += 1
                progress[origin] = self._now
                throttled = flight.answer.status == 429
                runs[origin] = runs[origin] + 1 if throttled else max(0, runs[origin] - 1)
                if runs[origin] >= STOPPING_429S:
                    waiting[origin].clear()
        for place, (_, flight) in flights.items():
            flight.is_open = True
            found[place] = PushResponse(error="open", ticket=flight.ticket)
        return [answer or PushResponse(error="deferred", wait_s=0.0) for answer in found]

    def late(self, wait_s: float = 0.0) -> list[tuple[int, PushResponse]]:
        landed = self._landed(None)
        return [(flight.ticket, flight.answer) for flight in landed]

    def close(self) -> None:
        """Nothing to close."""

    @property
    def _now(self) -> float:
        return self._clock().timestamp()

    def _go_to(self, at: float) -> None:
        self._clock.advance(max(0.0, at - self._now))

    def _fly(self, request: PushRequest, deadline_s: float) -> _Flight:
        after_s, answer = self._services.ask(request)
        if after_s > deadline_s:
            after_s, answer = deadline_s, PushResponse(error="timeout", elapsed_s=deadline_s)
        flight = _Flight(next(self._tickets), request, answer, self._now + after_s)
        heapq.heappush(self._flying, (flight.ends_at, next(self._order), flight))
        if answer.status is not None and 200 <= answer.status < 300:
            name = request.endpoint.rsplit("/", 1)[1]
            self._services.accepted_at.setdefault(name, datetime.fromtimestamp(flight.ends_at, tz=self._clock().tzinfo))
        return flight

    def _next_at(self, wanted: set[int]) -> float:
        return min((at for at, _, flight in self._flying if id(flight) in wanted), default=NEVER_S * 1e6)

    def _landed(self, wanted: set[int] | None) -> list[_Flight]:
        """Those whose answer is there: of `wanted`, or of what was left open."""
        now = self._now + 1e-6
        landed = [
            flight
            for at, _, flight in sorted(self._flying)
            if at <= now and (flight.is_open if wanted is None else id(flight) in wanted)
        ]
        gone = {id(flight) for flight in landed}
        self._flying = [entry for entry in self._flying if id(entry[2]) not in gone]
        heapq.heapify(self._flying)
        return landed
