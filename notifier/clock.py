"""The one place that reads the time, so that tests and replays can bring their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


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
