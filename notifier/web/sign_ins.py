"""How often passwords are tried: few at once over all, and slower and slower for one name.

Enters: a name, and who tries it. Leaves: a turn, or TooOften and TooBusy. A password costs 64 MiB and a while of all
cores (Argon2), so whoever tries many must not take the machine from readers. Who guesses at a name waits longer and
longer; once several clients guess at it, everybody waits, whether or not there is such an operator, but for clients
from which that operator has signed in before: no stranger can lock an operator out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from threading import BoundedSemaphore, Lock

from notifier.errors import TooBusy, TooOften

AT_ONCE = 2
# Those that may wait for a turn, and for how long: each holds a thread that pages need.
WAITING = 6
PATIENCE_S = 2.0
# Tries of one name that nobody has to wait for, then a pause that doubles.
FREE_TRIES = 10
LONGEST_PAUSE_S = 30
# Of one client's tries so many count against the name for everybody.
EACH_FOR_ALL = 5
FORGOTTEN = timedelta(minutes=15)
REMEMBERED = 10_000


@dataclass(slots=True)
class _Tried:
    """How often a name was tried without success, when last, and when it may be tried again."""

    times: int
    at: datetime
    next_at: datetime


class SignIns:
    """The tries of this process, in memory and bounded."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING, patience_s: float = PATIENCE_S) -> None:
        self._turns = BoundedSemaphore(at_once)
        self._queue = BoundedSemaphore(at_once + waiting)
        self._patience_s = patience_s
        self._tried: OrderedDict[tuple[str, str], _Tried] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold one of the few turns at hashing. Raises TooBusy."""
        if not self._queue.acquire(blocking=False):
            raise TooBusy(ceil(self._patience_s))
        try:
            if not self._turns.acquire(timeout=self._patience_s):
                raise TooBusy(ceil(self._patience_s))
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._queue.release()

    def begin(self, name: str, client: str, now: datetime, is_known: Callable[[], bool]) -> None:
        """Count a try as failed, until `succeeded` says otherwise. Raises TooOften while the name has to be waited for.

        `is_known` looks whether the operator has signed in from this client before; it is asked only where that counts.
        """
        own_s, tries = self._try((name, client), now)
        wait_s = own_s
        if not own_s and tries <= EACH_FOR_ALL:
            wait_s, _ = self._try((name, ""), now)
        elif not own_s:
            wait_s = self._wait_s((name, ""), now)
        if own_s or (wait_s and not is_known()):
            raise TooOften(ceil(wait_s))

    def succeeded(self, name: str, client: str) -> None:
        """The password was right."""
        with self._lock:
            self._tried.pop((name, ""), None)
            self._tried.pop((name, client), None)

    def _try(self, key: tuple[str, str], now: datetime) -> tuple[float, int]:
        """How long this has to wait, in seconds, 0 and counted where it need not; and how often it was tried."""
        with self._lock:
            before = self._tried.get(key)
            if before is not None and now < before.next_at:
                return (before.next_at - now).total_seconds(), before.times
            times = 1 if before is None or now - before.at > FORGOTTEN else before.times + 1
            self._tried[key] = _Tried(times, now, now + timedelta(seconds=pause_s(times)))
            self._tried.move_to_end(key)
            if len(self._tried) > REMEMBERED:
                self._tried.popitem(last=False)
        return 0.0, times

    def _wait_s(self, key: tuple[str, str], now: datetime) -> float:
        with self._lock:
            before = self._tried.get(key)
            return max(0.0, (before.next_at - now).total_seconds()) if before is not None else 0.0


def pause_s(times: int) -> int:
    """How long a name rests after so many tries without success."""
    return 0 if times < FREE_TRIES else min(LONGEST_PAUSE_S, 2 ** min(times - FREE_TRIES, 10))
