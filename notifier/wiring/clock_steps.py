"""A clock that was set: what would stand still until it is that time again is brought back, and people are told.

Enters: the parts of a `Service`, and by how much its clock was set. Leaves: times in the database and in memory that
are near again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from notifier.clock import StepDetector
from notifier.decision_loop import DECISION_LEASE_S
from notifier.storage.clock_back import bring_back
from notifier.troubles import Code, Trouble

if TYPE_CHECKING:
    from notifier.wiring.service import Service

log = structlog.get_logger()

POLL_LEASE_S = 30.0
# How long it is told that the clock was set, or that another process died.
TOLD_S = 3600.0


class ClockSteps:
    """The wall clock of one process. In a rehearsal it is none that anybody sets."""

    def __init__(self, service: Service) -> None:
        self._service = service
        is_rehearsal = bool(service.settings.rehearsal)
        self.look: Callable[[], timedelta | None] = (lambda: None) if is_rehearsal else StepDetector(service.clock).step
        """By how much it was set since the last look; None where it was not."""

    def take_over(self) -> None:
        """What a process before this one left behind is taken on at once, whatever its leases and its clock said."""
        service = self._service
        if service.database.is_sqlite:
            service.processes.succeed()
        if not service.settings.rehearsal:
            self._bring_back()

    async def stepped(self, by: timedelta) -> None:
        """Say that it was set by so much; and where it was set back, go on."""
        service = self._service
        where = "ahead" if by > timedelta(0) else "back"
        what = f"The clock of this machine was set {where} by {abs(by)}, or the machine slept"
        log.warning("clock.stepped", by_s=by.total_seconds())
        do = "Let NTP keep the time; look what else sets the clock"
        service.troubles.report(Trouble(Code.CLOCK_STEPPED, what, do))
        asyncio.get_running_loop().call_later(TOLD_S, service.troubles.clear, Code.CLOCK_STEPPED)
        if by > timedelta(0):
            return
        service.pauses.forget()
        service.pacer.forget()
        service.news.begin_anew()
        await asyncio.to_thread(self._bring_back)
        service.items_stored()
        service.engine.wake()

    def _bring_back(self) -> None:
        service = self._service
        longest_s = max(service.settings.push_lease_s, POLL_LEASE_S, DECISION_LEASE_S) * service.speed
        bring_back(service.database, service.clock(), longest_s)
