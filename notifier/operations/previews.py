"""Who may have a rule tried on what was recorded, how many at once, and for how long: the news must not wait for it.

Enters: an operator's question. Leaves: the `Work` that it may take, or PreviewsBusy. An operator has one preview at a
time, whatever their role, and all together have AT_ONCE; each ends after MOST_S, when its client is gone, and when the
service stops. Who waits holds one of the few threads that pages need: one for each operator, and MOST_WAITING in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from time import monotonic

from notifier.errors import PreviewsBusy
from notifier.topics.work import Work

AT_ONCE = 2
MOST_S = 10.0
MOST_STEPS = 1_000_000_000
"""What a fast machine does in minutes: the time ends a preview before, unless its clock stands still."""
WAIT_S = 4.0
MOST_WAITING = 6
AGAIN_S = 2


class _Turn:
    __slots__ = ("over",)

    def __init__(self) -> None:
        self.over = False


class Previews:
    """The previews that are being worked out in this process. Any thread may ask."""

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        *,
        at_once: int = AT_ONCE,
        most_s: float = MOST_S,
        most_steps: int = MOST_STEPS,
        wait_s: float = WAIT_S,
    ) -> None:
        """`wait_s` is how long one more waits for its turn before it is refused."""
        self._clock, self._at_once, self._wait_s = clock, at_once, wait_s
        self._most_s, self._most_steps = most_s, most_steps
        self._turns: dict[int, _Turn] = {}
        self._waiting: dict[int, _Turn] = {}
        self._changed = Condition()
        self._stopped = False

    @contextmanager
    def turn(
        self, operator_id: int, is_gone: Callable[[], bool] = lambda: False, *, newest: bool = False
    ) -> Iterator[Work]:
        """The work that this operator's preview may take. Raises PreviewsBusy.

        `newest`: it takes the place of the one that the operator has already, as while a rule is being typed.
        """
        turn = _Turn()
        self._begin(operator_id, turn, newest=newest)
        try:
            yield Work(
                self._most_steps,
                most_s=self._most_s,
                clock=self._clock,
                is_over=lambda: turn.over or self._stopped or is_gone(),
            )
        finally:
            with self._changed:
                if self._turns.get(operator_id) is turn:
                    del self._turns[operator_id]
                self._changed.notify_all()

    def stop(self) -> None:
        """End all of them; there will be no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _begin(self, operator_id: int, turn: _Turn, *, newest: bool) -> None:
        with self._changed:
            before = [turns[operator_id] for turns in (self._turns, self._waiting) if operator_id in turns]
            if (before and not newest) or self._is_crowded(operator_id):
                raise PreviewsBusy(AGAIN_S)
            for other in before:
                other.over = True
            self._waiting[operator_id] = turn
            self._changed.notify_all()
            try:
                self._changed.wait_for(
                    lambda: turn.over or self._stopped or self._is_free(operator_id), timeout=self._wait_s
                )
            finally:
                if self._waiting.get(operator_id) is turn:
                    del self._waiting[operator_id]
            if turn.over or self._stopped or not self._is_free(operator_id):
                raise PreviewsBusy(AGAIN_S)
            self._turns[operator_id] = turn

    def _is_crowded(self, operator_id: int) -> bool:
        return operator_id not in self._waiting and len(self._waiting) >= MOST_WAITING

    def _is_free(self, operator_id: int) -> bool:
        return operator_id not in self._turns and len(self._turns) < self._at_once
