"""This process among the others: says every two seconds that it lives, and notices within seconds who does not.

Nobody's clock is compared with another's. A process is dead once its beats, which it counts up in the database, have
stood still for SILENT_S of *our own* monotonic clock, while we could look all the time: a database that was away, a
clock that was set and a look that came late are nobody's death. To be wrong is safe, as a lease's token fences whoever
lost it; it costs one sub-batch that is sent twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import structlog

from notifier.errors import DatabaseUnwell

log = structlog.get_logger()

BEAT_S = 2.0
SILENT_S = 10.0
"""Five beats. A garbage collection takes a tenth of a second, a disk that flushes one or two, a PostgreSQL that fails
over about five. To wait longer would delay breaking news by more than a sub-batch sent twice harms."""
MOST_GAP_S = 2.5 * BEAT_S
"""Between two of our own looks. After a longer one we were suspended or cut off, and know nothing of the others."""


class ProcessStore(Protocol):
    """Which processes there are (storage/processes.py). Synchronous."""

    def join(self, role: str, host: str, pid: int) -> None:
        """Be one of the processes from now on."""

    def beat(self) -> bool:
        """Say that this process lives; False where the others took it for dead, and its leases from it."""

    def others(self) -> Mapping[str, int]:
        """{process: its beats} of all but this one."""

    def bury(self, silent: Mapping[str, int]) -> Collection[str]:
        """Take the leases of processes that have not beaten since these beats; returns which ones were dead."""

    def leave(self) -> None:
        """End in good order: what this process still holds is for the others."""


@dataclass(slots=True)
class ProcessWatch:
    """What one process saw of the others (pure): beats in, who is silent out. Times are monotonic seconds."""

    silent_s: float = SILENT_S
    most_gap_s: float = MOST_GAP_S
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    _looked_at: float | None = None

    def silent(self, beats: Mapping[str, int], at: float) -> Mapping[str, int]:
        """{process: beats} of those that have stood still for `silent_s` while we looked without a gap."""
        if self._looked_at is not None and at - self._looked_at > self.most_gap_s:
            self._seen.clear()
        self._looked_at = at
        before, self._seen = self._seen, {}
        for name, count in beats.items():
            known = before.get(name)
            self._seen[name] = known if known is not None and known[0] == count else (count, at)
        return {name: count for name, (count, since) in self._seen.items() if at - since >= self.silent_s}


class Heartbeat:
    """Beats in a thread of its own: an event loop or an engine that is busy is not dead."""

    def __init__(
        self,
        processes: ProcessStore,
        me: tuple[str, str, int],
        freed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`me`: role, host and process id. `freed` is called when a dead process's leases were taken."""
        self._processes, self._me, self._freed, self._clock = processes, me, freed, clock
        self._watch = ProcessWatch()
        self._joined = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End, and give back what this process still holds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        try:
            self._processes.leave()
        except DatabaseUnwell:
            log.info("process.left-without-a-word")  # the others notice

    def beat(self) -> None:
        """Say that we live, and look who does not. Raises DatabaseUnwell."""
        if not self._joined:
            self._processes.join(*self._me)
            self._joined = True
        elif not self._processes.beat():
            # We were suspended, or cut off: what we held is others' now, which the tokens tell whoever settles.
            log.warning("process.was-taken-for-dead", silent_s=SILENT_S)
            self._processes.join(*self._me)
        silent = self._watch.silent(self._processes.others(), self._clock())
        dead = self._processes.bury(silent) if silent else ()
        if dead:
            log.warning("process.dead", processes=sorted(dead), silent_s=SILENT_S)
            self._freed()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.beat()
            except Exception:
                # A database that is away may be back at the next beat; what else it is must not end the beating.
                log.exception("process.beat-failed")
            self._stopping.wait(BEAT_S)
