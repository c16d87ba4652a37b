"""Gathers what is wrong with the service: what parts report, what a look at the whole shows, what other processes say.

A look counts rows in the database, so it is taken by the clock and kept; what parts report is told at once.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from notifier.clock import system_clock
from notifier.diagnosis import merged, of_checks, troubles_of
from notifier.errors import DatabaseUnwell
from notifier.storage.feed_troubles import FeedTroubles
from notifier.storage.troubles import SqlReportStore
from notifier.troubles import SILENT_AFTER, Code, ProcessReport, Trouble
from notifier.wiring.console import system_state
from notifier.wiring.facts import readiness

if TYPE_CHECKING:
    from notifier.wiring.service import Service

OF_DATABASE = {Code.DATABASE_AWAY, Code.DATABASE_CORRUPT, Code.DISK_FULL}

log = structlog.get_logger()


class TroubleMonitor:
    """The one list of troubles, for every surface of this process."""

    def __init__(self, service: Service) -> None:
        self._service, self._reported = service, service.troubles
        self._store = SqlReportStore(service.database)
        self._process = secrets.token_hex(8)
        self._seen: tuple[Trouble, ...] = ()
        self._others: tuple[Trouble, ...] = ()

    def all(self) -> list[Trouble]:
        """Each trouble once, the grave ones first. Asks nothing of the database."""
        return merged([self._reported.all(), self._seen, self._others])

    def look(self) -> None:
        """Look at the whole, tell the other processes, and hear what they say. Raises nothing of the database's."""
        self._seen = tuple(self._look())
        own = merged([self._reported.all(), self._seen])
        self._service.metrics.show_troubles(own)
        now = system_clock()
        try:
            self._store.put(ProcessReport(self._process, self._service.role.value, now, tuple(own)))
            reports = self._store.reports(now - SILENT_AFTER)
        except (SQLAlchemyError, DatabaseUnwell):
            self._others = ()  # the database is away, which the look has seen
        else:
            self._others = tuple(one for said in reports if said.process != self._process for one in said.troubles)

    def end(self) -> None:
        """This process ends: nobody has to wonder where it went."""
        try:
            self._store.remove(self._process)
        except (SQLAlchemyError, DatabaseUnwell) as away:
            log.info("troubles.not-removed", problem=type(away).__name__)

    def _look(self) -> Iterator[Trouble]:
        service = self._service
        failed = of_checks(readiness(service))
        if not any(trouble.code in OF_DATABASE for trouble in self._reported.all()):
            yield from failed  # whoever met it first has told it better
        yield from _of_folder(service)
        if failed:
            return
        yield from FeedTroubles(service.database, service.clock)()
        files = (service.files.feeds, service.files.topics)
        complaints = {file.name: str(file.error) for file in files if file.error is not None}
        feeds = service.feed_health() if service.role.polls else ()
        yield from troubles_of(system_state(service), complaints, feeds, service.clock(), system_clock())


def _of_folder(service: Service) -> Iterator[Trouble]:
    folder = service.settings.config_dir
    if not os.access(folder, os.W_OK | os.X_OK):
        do = "Give this user the right to write there, or edit the files by hand"
        yield Trouble(Code.CONFIG_NOT_WRITABLE, f"The console cannot save: {folder} cannot be written", do)
