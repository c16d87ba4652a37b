"""The way out: at the first signal everything is told to end at once, at the second the process is gone.

Whatever does not end (a query of minutes, a push service that is silent, a library's thread) is left behind when EXIT_S
are over. That loses nothing: what was accepted is in the database, and its leases are free for the next process.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import structlog

log = structlog.get_logger()

EXIT_S = 34.0
"""From the first signal on. A sub-batch has 30 s (engine/dispatcher.py), and is settled in one more."""
LEAVE_S = 2.0
"""For the last word to the other processes."""


class Leaving:
    """Told of signals on the event loop."""

    def __init__(
        self, *end: Callable[[], None], exit_s: float = EXIT_S, leave: Callable[[int], None] = os._exit
    ) -> None:
        """`end` are called once, in order; none of them may wait. `leave` ends the process with a status."""
        self._end, self._exit_s, self._leave = end, exit_s, leave
        self._told = False

    def told(self, signal_number: int) -> None:
        """A signal came."""
        if self._told:
            log.warning("stop.at-once", signal=signal_number)
            self._go(128 + signal_number)
            return
        self._told = True
        log.info("stop.begun", within_s=self._exit_s)
        last = threading.Timer(self._exit_s, self._cut_short)
        last.daemon = True  # it ends with the process, which is mostly long before
        last.start()
        for end in self._end:
            end()

    def _cut_short(self) -> None:
        left = sorted(thread.name for thread in threading.enumerate() if not thread.daemon)
        log.warning("stop.cut-short", after_s=self._exit_s, still_at_work=left)
        self._go(0)

    def _go(self, status: int) -> None:
        with suppress(OSError, ValueError):  # whoever read it is gone: that keeps nobody here
            sys.stderr.flush()
        self._leave(status)
