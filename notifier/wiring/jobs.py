"""What one process of the service does again and again, by the clock: small things, each over the parts of a `Service`.

Enters: the service, its poller and its hubs. Leaves: `Job`s for the pipeline.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from notifier.clock import system_clock
from notifier.config.modes import readable_by_others, secret_files
from notifier.feeds.feed import HealthStatus
from notifier.feeds.poll import Poller
from notifier.feeds.websub import WebSub
from notifier.pipeline import Job
from notifier.storage.erasure import EVERY_S, Erasure
from notifier.storage.health import DiskLook
from notifier.storage.retention import Horizon
from notifier.troubles import LOOK_EVERY_S, Code, Trouble

if TYPE_CHECKING:
    from notifier.wiring.service import Service

log = structlog.get_logger()

EVERYBODYS = frozenset({"config", "gauges", "receipts", "troubles", "erasure", "disk"})
"""What a process does too that follows no feeds."""


class Jobs:
    """The work of each job, and what it keeps between two runs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._horizon = Horizon(timedelta(days=service.settings.keep_days))
        self._erasure = Erasure(service.database, service.deliveries.is_sending)
        self._disk = DiskLook(service.settings.data_dir, service.settings.database_file, service.troubles)
        self._feeds_to_sync = False

    def listed(self, poller: Poller | None, websub: WebSub | None) -> list[Job]:
        """Those of this process's role."""

        async def poll() -> None:
            if poller is not None:
                await poller.poll_due()

        async def tend() -> None:
            if websub is not None:
                await websub.tend()

        jobs = [
            Job("poll", self._service.settings.poll_tick_s, poll),
            Job("hubs", 5.0, tend),
            Job("config", 1.0, self._refresh_files),
            Job("gauges", 15.0, self._show_gauges),
            Job("receipts", 1.0, self._hand_receipts_over),
            Job("troubles", LOOK_EVERY_S, self._look_at_troubles),
            Job("holds", 5.0, self._end_holds),
            Job("audience", 3600.0, self._count_audience),
            Job("prune", 3600.0, self._prune),
            Job("keys", 3600.0, self._retire_keys),
            Job("erasure", EVERY_S, self._erase),
            Job("disk", 15.0, self._look_at_disk),
        ]
        return [job for job in jobs if self._service.role.polls or job.name in EVERYBODYS]

    async def _refresh_files(self) -> None:
        service = self._service
        self._feeds_to_sync |= service.files.feeds.refresh()
        if self._feeds_to_sync:
            await asyncio.to_thread(service.feeds.sync_config, service.files.feeds.content, service.clock())
            self._feeds_to_sync = False
        if service.files.topics.refresh():
            service.news.reload()

    async def _show_gauges(self) -> None:
        service, metrics = self._service, self._service.metrics
        await asyncio.to_thread(service.news.look)
        subscriptions, chunks, retries = await asyncio.to_thread(service.retention.open_work)
        metrics.subscriptions.set(subscriptions)
        metrics.chunks_open.set(chunks)
        metrics.retries_open.set(retries)
        for origin, pace in service.pacer.paces().items():
            metrics.push_limit.labels(origin.partition("://")[2]).set(pace.per_minute or 0)
        states = [feed.state for feed in await asyncio.to_thread(service.feed_health)]
        for state in HealthStatus:
            metrics.feeds.labels(state.value).set(states.count(state))

    async def _hand_receipts_over(self) -> None:
        await asyncio.to_thread(self._service.receipt_counter.hand_over)

    async def _look_at_troubles(self) -> None:
        await asyncio.to_thread(self._service.watch.look)

    async def _end_holds(self) -> None:
        if dropped := await asyncio.to_thread(self._service.alerts.end_holds, self._service.clock()):
            log.info("alerts.nobody-looked", dropped=dropped)

    async def _count_audience(self) -> None:
        await asyncio.to_thread(self._service.audience.snapshot, self._service.clock())

    async def _prune(self) -> None:
        before = self._horizon.at(self._service.clock())
        if before is None:
            return
        while await asyncio.to_thread(self._service.retention.prune, before):
            log.info("prune.going-on", before=before.isoformat())

    async def _retire_keys(self) -> None:
        """Put away the keys that nobody is bound to any more."""
        keyring = self._service.keyring
        bound = await asyncio.to_thread(self._service.subscriptions.by_key)
        for kept in keyring.kept():
            if not kept.is_present and not bound.get(kept.key.key_id):
                keyring.retire(kept.key.key_id, system_clock())

    async def _erase(self) -> None:
        await asyncio.to_thread(self._erasure.work)

    async def _look_at_disk(self) -> None:
        troubles = self._service.troubles
        await asyncio.to_thread(self._disk.look)
        exposed = await asyncio.to_thread(self._exposed)
        if not exposed:
            troubles.clear(Code.SECRETS_READABLE)
            return
        what = f"Other users of this machine can read {', '.join(exposed)}"
        troubles.report(Trouble(Code.SECRETS_READABLE, what, f"chmod go= {' '.join(exposed)}"))

    def _exposed(self) -> list[str]:
        settings = self._service.settings
        return [str(path) for path in readable_by_others(secret_files(settings.data_dir, settings.database_file))]
