"""The pace follows what is accepted: a limit is found, used, and hardly ever passed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from notifier.push.http2.lane import STOPPING_429S
from notifier.push.pacing import FIRST_STREAMS, BatchTally, ServicePace, admit, learn

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
BATCH, LATENCY_S = 200, 0.02
Allows = Callable[[float], bool]


class Windows:
    """So many in each second of the clock."""

    def __init__(self, per_s: int) -> None:
        self._per_s, self._second, self._taken = per_s, -1, 0

    def __call__(self, at_s: float) -> bool:
        if int(at_s) != self._second:
            self._second, self._taken = int(at_s), 0
        self._taken += 1
        return self._taken <= self._per_s


class Leaking:
    """So many a second, and `burst` at once."""

    def __init__(self, per_s: int, burst: int) -> None:
        self._per_s, self._burst, self._tokens, self._at_s = per_s, burst, float(burst), 0.0

    def __call__(self, at_s: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (at_s - self._at_s) * self._per_s)
        self._at_s = at_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass
class Worker:
    """One process: a ServicePace, and a transport that stops where the service refuses one after the other."""

    allows: Allows
    pace: ServicePace = field(default_factory=ServicePace)
    at_s: float = 0.0
    accepted: int = 0
    refused: int = 0

    def step(self, wanted: int) -> int:
        """Send what may be sent of `wanted`; returns how many were accepted. Its time goes on."""
        now = NOW + timedelta(seconds=self.at_s)
        self.pace, admission = admit(self.pace, min(wanted, BATCH), now, urgent=True)
        accepted = refused = run = sent = 0
        while sent < admission.send and run < STOPPING_429S:
            for _ in range(min(FIRST_STREAMS, admission.send - sent)):
                sent += 1
                taken = self.allows(self.at_s)
                accepted, refused = accepted + taken, refused + (not taken)
                run = max(0, run - 1) if taken else run + 1
            self.at_s += LATENCY_S
        now = NOW + timedelta(seconds=self.at_s)
        self.pace = learn(self.pace, BatchTally(accepted, accepted, refused, 0, LATENCY_S, 0.0), now)
        self.at_s += max(0.001, admission.wait_s)
        self.accepted, self.refused = self.accepted + accepted, self.refused + refused
        return accepted


def deliver(workers: list[Worker], pushes: int) -> tuple[float, float]:
    """(seconds until the last is accepted, the share of answers that were 429)."""
    left = pushes
    while left > 0:
        worker = min(workers, key=lambda one: one.at_s)
        assert worker.at_s < 600
        left -= worker.step(left)
    refused = sum(worker.refused for worker in workers)
    return max(worker.at_s for worker in workers), refused / (pushes + refused)


SERVICES: dict[str, tuple[Callable[[], Allows], float]] = {
    "windows": (lambda: Windows(300), 0.9),
    "a second's worth at once": (lambda: Leaking(300, 300), 0.9),
    "a few at once": (lambda: Leaking(300, 60), 0.8),  # the first guess is a fifth of the limit
}
"""What each allows, and how much of it has to be used."""


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("service", SERVICES)
def test_a_limit_is_used_to_nine_tenths_and_few_are_refused(service: str, workers: int) -> None:
    make, used = SERVICES[service]
    allows = make()
    took_s, refused = deliver([Worker(allows) for _ in range(workers)], 5_000)
    assert took_s <= 5_000 / 300 / used
    assert refused <= 0.08


def test_a_service_without_a_limit_is_not_slowed() -> None:
    worker = Worker(lambda _: True)
    took_s, refused = deliver([worker], 20_000)
    assert refused == 0
    assert worker.pace.bucket is None
    assert took_s <= 20_000 / BATCH * 2.5 * LATENCY_S


def test_a_limit_that_is_lifted_is_forgotten_within_a_minute_of_use() -> None:
    worker = Worker(Windows(300))
    deliver([worker], 3_000)
    worker.allows = lambda _: True
    from_s = worker.at_s
    while worker.pace.bucket is not None:
        worker.step(BATCH)
        assert worker.at_s - from_s < 60


def test_a_limit_that_shrinks_is_followed() -> None:
    worker = Worker(Windows(1000))
    deliver([worker], 6_000)
    worker.allows = Windows(100)
    before = worker.refused
    deliver([worker], 2_000)
    assert worker.refused - before <= 1_000
    assert worker.pace.bucket is not None
    assert worker.pace.bucket.per_s < 130


def test_a_few_devices_in_a_hundred_that_are_limited_for_themselves_are_no_limit_of_the_service() -> None:
    pushed = 0

    def allows(_: float) -> bool:
        nonlocal pushed
        pushed += 1
        return pushed % 20 != 0

    worker = Worker(allows)
    deliver([worker], 10_000)
    assert worker.pace.bucket is None
