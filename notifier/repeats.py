"""One traceback for one defect, however often a loop meets it: what repeats is counted, and told again now and then.

So is what one party brings about, as often as it likes: a line with a `party` is written once for each.

Enters: each log line that has an exception or a `party`. Leaves: whether it is written. A database that is away is told
by the list of troubles (troubles.py) and by no traceback at all: it is no defect, and everybody meets it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from traceback import walk_tb
from typing import Any

import structlog

from notifier.errors import DatabaseUnwell

TELL_AGAIN_S = 600.0
REMEMBERED = 2_000

# What an exception is known by: the line's event, the type, and where it was raised; a party's line by the party.
_Kind = tuple[str, str, str, int]


@dataclass(slots=True)
class _Told:
    at: float
    since: int = 0


class Repeats:
    """A structlog processor, and a filter of the standard library's lines: both count together. Any thread may log."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._told: dict[_Kind, _Told] = {}
        self._lock = Lock()

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Pass a line on, with how often it was left out before; or drop it (structlog.DropEvent)."""
        problem, party, said = _exception_of(event.get("exc_info")), event.get("party"), str(event.get("event"))
        if problem is None and party is None:
            return event
        left_out = self.left_out(said, problem) if problem is not None else self._counted((said, "", str(party), 0))
        if left_out is None:
            raise structlog.DropEvent
        if left_out:
            event["times_since"] = left_out
        return event

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line of the standard library's is written (logging.Filter)."""
        if not isinstance(record.msg, str):
            return True  # structlog's, and so counted already
        problem = _exception_of(record.exc_info)
        return problem is None or self.left_out(record.msg, problem) is not None

    def left_out(self, event: str, problem: BaseException) -> int | None:
        """How many such lines were left out since the last that was written; None where this one is left out too."""
        if _is_database(problem):
            return None
        return self._counted(_kind_of(event, problem))

    def _counted(self, kind: _Kind) -> int | None:
        now = self._clock()
        with self._lock:
            told = self._told.get(kind)
            if told is not None and now - told.at < TELL_AGAIN_S:
                told.since += 1
                return None
            if len(self._told) >= REMEMBERED:
                del self._told[next(iter(self._told))]
            self._told[kind] = _Told(now)
            return 0 if told is None else told.since


def _exception_of(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    if exc_info:
        return sys.exc_info()[1]
    return None


def _is_database(problem: BaseException | None) -> bool:
    """Also where it is one of several, or the cause of what is told."""
    while problem is not None:
        if isinstance(problem, DatabaseUnwell):
            return True
        if isinstance(problem, BaseExceptionGroup):
            return all(_is_database(one) for one in problem.exceptions)
        problem = problem.__cause__
    return False


def _kind_of(event: str, problem: BaseException) -> _Kind:
    place = ("", 0)
    for frame, line in walk_tb(problem.__traceback__):
        place = (frame.f_code.co_filename, line)
    return (event, type(problem).__qualname__, *place)
