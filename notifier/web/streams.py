"""The event streams that are open, and how many there may be: each holds a connection for minutes.

Enters: an operator who opens a page that moves. Leaves: a place, given back when the stream is over; TooOften where the
operator or the service has no more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from notifier.errors import TooOften

# A browser opens six connections to one host at most, and an operator has a few browsers.
MOST_EACH = 12
MOST = 200
AGAIN_S = 60


class Streams:
    """Counts streams, and ends all of them. Used by the event loop's thread only."""

    def __init__(self, most: int = MOST, most_each: int = MOST_EACH) -> None:
        self._most, self._most_each = most, most_each
        self._open: Counter[int] = Counter()
        self._waiting: set[asyncio.Event] = set()
        self.is_over = False

    def check(self, operator_id: int) -> None:
        """Raises TooOften where there is no place for one more."""
        if self._open[operator_id] >= self._most_each or self._open.total() >= self._most or self.is_over:
            raise TooOften(AGAIN_S)

    @contextmanager
    def place(self, operator_id: int) -> Iterator[None]:
        """Hold a place for as long as the stream is open. Raises TooOften."""
        self.check(operator_id)
        self._open[operator_id] += 1
        try:
            yield
        finally:
            self._open[operator_id] -= 1
            if not self._open[operator_id]:
                del self._open[operator_id]

    async def wait(self, seconds: float) -> None:
        """Wait between two looks, and no longer once all streams are to end."""
        over = asyncio.Event()
        self._waiting.add(over)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0 if self.is_over else seconds)
        finally:
            self._waiting.discard(over)

    def end(self) -> None:
        """End every stream at its next look, which is now."""
        self.is_over = True
        for over in self._waiting:
            over.set()
