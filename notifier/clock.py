"""The one place that reads the time, so that tests and replays can bring their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol

LEAST_STEP = timedelta(seconds=2)
"""Below it is what NTP does all day: it slews half a millisecond a second (RFC 5905 section 11.3)."""


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def __call__(self) -> datetime: ...


def system_clock() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


class RehearsalClock:
    """A clock that starts at `start` and runs `speed` times as fast as the wall's: for recorded feeds."""

    def __init__(self, start: datetime, speed: float, wall: Clock = system_clock) -> None:
        self.start, self.speed, self._wall, self._began = start, speed, wall, wall()

    def __call__(self) -> datetime:
        return self.start + (self._wall() - self._began) * self.speed


class ManualClock:
    """A clock that stands still until it is moved: for tests and replays."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        """Move on by `seconds`; returns the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now


class StepDetector:
    """Tells when the wall clock was set, by comparing it with one that nobody can set.

    A machine that slept counts as one whose clock was set forward: for whoever waits for a time it is the same.
    """

    def __init__(
        self, wall: Clock = system_clock, steady: Callable[[], float] = monotonic, least: timedelta = LEAST_STEP
    ) -> None:
        """`steady` gives seconds from any beginning."""
        self._wall, self._steady, self._least = wall, steady, least
        self._seen = (wall(), steady())

    def step(self) -> timedelta | None:
        """How far the wall clock was set since the last look, back being negative; None where it was not."""
        before, wall, after = self._steady(), self._wall(), self._steady()
        if timedelta(seconds=after - before) >= self._least:
            return None  # we were stopped between the two: look again
        (wall_then, steady_then), self._seen = self._seen, (wall, before)
        by = wall - wall_then - timedelta(seconds=before - steady_then)
        return by if abs(by) >= self._least else None
