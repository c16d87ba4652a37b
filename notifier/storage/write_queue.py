"""The writers of one process, one after the other: who comes first writes first, and begins as soon as it can.

SQLite allows one writer. Who finds it busy sleeps there, longer each time, and is overtaken by whoever comes at the
right moment (https://www.sqlite.org/c3ref/busy_timeout.html): with two threads that is most of their time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock


class WriteQueue:
    """Any thread may wait here; who has the turn must not ask for another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[Lock] = deque()
        self._taken = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def turn(self, wait_s: float) -> Iterator[None]:
        """The block has the turn. After `wait_s` it goes on without: SQLite then says that it is busy."""
        has_turn = self._take(wait_s)
        try:
            yield
        finally:
            if has_turn:
                self._pass_on()

    def _take(self, wait_s: float) -> bool:
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            gate = Lock()
            gate.acquire()
            self._waiting.append(gate)
        if gate.acquire(timeout=wait_s):
            return True
        with self._lock, suppress(ValueError):
            self._waiting.remove(gate)
            return False
        return True  # it was passed on at the last moment

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
