"""How much one question may cost: steps counted as they are taken, and for a person who waits, time as well.

Enters: steps. Leaves: nothing, or `TooMuchWork` once they are too many. A step is about what one word of a text costs;
whoever loops over something that others made long (a text, a record, a rule) counts it here. Used by evaluate (a rule
on one text), corpus and alerts.preview (a rule on all that was recorded).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from notifier.errors import TooMuchWork

MOST_STEPS = 4_000_000
"""For one rule on one text: a rule of a hundred words on a text of two thousand takes some ten thousand."""
LOOK_EVERY = 20_000
"""Steps between two looks at the clock: some ten milliseconds."""


class Spends(Protocol):
    """Who counts steps."""

    def spend(self, steps: int) -> None:
        """Take so many steps. Raises TooMuchWork."""


def _nobody() -> bool:
    return False


class Work:
    """An allowance of steps. With a `clock` (monotonic, seconds) it ends after `most_s` too.

    `is_over` ends it at any time: nobody waits for the answer any more: the client is gone, the service stops.
    """

    __slots__ = ("_clock", "_deadline", "_is_over", "_kept", "_left", "_most")

    def __init__(
        self,
        most_steps: int = MOST_STEPS,
        *,
        most_s: float = 0.0,
        clock: Callable[[], float] | None = None,
        is_over: Callable[[], bool] = _nobody,
    ) -> None:
        self._clock, self._is_over = clock, is_over
        self._deadline = clock() + most_s if clock is not None else 0.0
        self._most = most_steps
        self._left = min(LOOK_EVERY, most_steps)
        self._kept = most_steps - self._left

    @classmethod
    def endless(cls) -> Work:
        """For whoever waits on purpose, with a hand on the process (a test, a benchmark)."""
        return cls(1 << 62)

    @property
    def spent(self) -> int:
        """The steps taken so far."""
        return self._most - self._kept - self._left

    def spend(self, steps: int) -> None:
        """Take so many steps. Raises TooMuchWork where there are none left, the time is up, or nobody waits."""
        self._left -= steps
        if self._left < 0:
            self._look()

    def _look(self) -> None:
        if self._is_over():
            raise TooMuchWork("nobody waits for it any more")
        if self._kept + self._left < 0:
            raise TooMuchWork("it takes too many steps")
        if self._clock is not None and self._clock() > self._deadline:
            raise TooMuchWork("it takes too long")
        granted = min(LOOK_EVERY, self._kept + self._left)
        self._kept, self._left = self._kept + self._left - granted, granted
