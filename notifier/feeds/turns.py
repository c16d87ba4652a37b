"""Shares the event loop between the connections to feeds: no number of busy servers keeps it from everything else.

Enters: a connection with bytes to read. Leaves: its turn, in this iteration of the loop or a later one. An iteration
reads for `BUDGET_S` at most, and for one piece more; who comes later waits in line, and is not read from meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol

BUDGET_S = 0.005


class Reads(Protocol):
    """A connection that had to wait."""

    def take_turn(self) -> None:
        """Read what came meanwhile; short, and it raises nothing."""


class Turns:
    """The turns of one event loop."""

    def __init__(self, budget_s: float = BUDGET_S) -> None:
        self._budget_s = budget_s
        self._spent_s = 0.0
        self._line: deque[Reads] = deque()
        self._is_counting = False

    @property
    def is_free(self) -> bool:
        """Whether there is time left in this iteration, and nobody waits already."""
        return not self._line and self._spent_s < self._budget_s

    @contextmanager
    def spending(self) -> Iterator[None]:
        """What is done inside counts for this iteration."""
        self._count()
        began = perf_counter()
        try:
            yield
        finally:
            self._spent_s += perf_counter() - began

    def queue(self, waiting: Reads) -> None:
        """Let `waiting` have its turn in an iteration to come."""
        self._count()
        self._line.append(waiting)

    def _count(self) -> None:
        if not self._is_counting:
            self._is_counting = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        """A new iteration has begun."""
        self._is_counting, self._spent_s = False, 0.0
        while self._line and self._spent_s < self._budget_s:
            with self.spending():
                self._line.popleft().take_turn()
