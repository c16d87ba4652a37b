"""One running service: its parts, and how they hold on to each other."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Timer

import structlog

from notifier.clock import Clock, RehearsalClock, StepDetector, system_clock
from notifier.config.files import load_feeds, load_topics
from notifier.config.modes import readable_by_others, secret_files
from notifier.config.settings import Settings
from notifier.config.watch import WatchedFile
from notifier.engine.broker import BrokerEngine, WorkerPool
from notifier.engine.engine import Elsewhere, Engine, ProcessRole
from notifier.engine.heartbeat import Heartbeat
from notifier.engine.local import LocalEngine
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.engine.sealing import Sealer
from notifier.feeds.feed import FeedConfig, HealthStatus
from notifier.feeds.fetch import Fetcher
from notifier.feeds.health import FeedHealth, health_table
from notifier.feeds.poll import Poller, PollSettings
from notifier.feeds.recorder import Batch
from notifier.feeds.websub import WebSub
from notifier.feeds.workers import Reader, ReaderSettings
from notifier.operations.previews import Previews
from notifier.operations.recent import RecentNews
from notifier.outbound.client import ClientSettings
from notifier.pipeline import DECISION_LEASE_S, DecisionLoop, Job, JobStatus, Pipeline
from notifier.push.keyring import Keyring
from notifier.push.outcome import Outcome
from notifier.push.paced_transport import Pacer
from notifier.push.vapid import VapidKey
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.articles import SqlArticles
from notifier.storage.audience import SqlAudienceStore
from notifier.storage.clock_back import bring_back
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.erasure import EVERY_S, Erasure
from notifier.storage.feeds import SqlFeedStore
from notifier.storage.health import DiskLook
from notifier.storage.hubs import SqlHubStore
from notifier.storage.limits import SqlSharedLimits
from notifier.storage.operators import SqlOperatorStore
from notifier.storage.processes import SqlProcessStore
from notifier.storage.receipts import SqlReceiptStore
from notifier.storage.retention import Horizon, Retention
from notifier.storage.stories import SqlStoryStore
from notifier.storage.story_history import SqlStoryHistory
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.subscribers.subscriber import Subscription
from notifier.telemetry import Metrics
from notifier.topics.failing import FailingRules
from notifier.topics.topic import Topic
from notifier.troubles import LOOK_EVERY_S, Code, Trouble, Troubles
from notifier.web.pictures import PictureAddress, Pictures
from notifier.web.receipt_counter import ReceiptCounter
from notifier.web.services import Check, PublicKey, WebServices
from notifier.wiring.console import service_operations
from notifier.wiring.descriptors import poll_places, raise_descriptor_limit
from notifier.wiring.parts import (
    endpoint_policy,
    feed_rules,
    fetch_settings,
    make_alert_tester,
    make_decider,
    make_dispatcher,
    picture_fetch_settings,
    provider_sign_in,
    site_settings,
)
from notifier.wiring.troubles import TroubleMonitor

log = structlog.get_logger()

POLL_LEASE_S = 30.0
TESTER_THREADS = 4
# By then no push service holds a message for anybody any more, and strangers who count numbers up cost us nothing.
PICTURE_FOR = timedelta(days=2)
# How long it is told that the clock was set, or that another process died.
TOLD_S = 3600.0


@dataclass(frozen=True, slots=True)
class Files:
    """The operator's two files, watched."""

    feeds: WatchedFile[tuple[FeedConfig, ...]]
    topics: WatchedFile[tuple[Topic, ...]]

    @classmethod
    def of(cls, settings: Settings, metrics: Metrics) -> Files:
        """Read both. Raises ConfigError."""
        return cls(
            WatchedFile(settings.feeds_path, load_feeds, metrics),
            WatchedFile(settings.topics_path, load_topics, metrics),
        )


class Service:
    """The parts of one running service, and how they hold on to each other."""

    def __init__(
        self,
        settings: Settings,
        files: Files,
        database: Database,
        metrics: Metrics,
        clock: Clock,
        role: ProcessRole = ProcessRole.ALL,
        troubles: Troubles | None = None,
    ) -> None:
        troubles = troubles or Troubles()
        self.role = role
        self.troubles = troubles
        self.settings, self.files, self.metrics, self.clock = settings, files, metrics, clock
        self.keyring = Keyring(settings.vapid_key_path)
        # Leases are promises in wall time: in a rehearsal they have to be longer by as much as its clock is faster.
        self.speed = clock.speed if isinstance(clock, RehearsalClock) else 1.0
        self.subscriptions = SqlSubscriptionStore(database)
        self.audience = SqlAudienceStore(database)
        self.alerts = SqlAlertStore(database)
        self.deliveries = SqlDeliveryStore(database)
        self.rules = feed_rules(settings)
        self.feeds = SqlFeedStore(database, self.rules)
        self.hubs = SqlHubStore(database)
        self.retention = Retention(database)
        self.horizon = Horizon(timedelta(days=settings.keep_days))
        self.receipts = SqlReceiptStore(database)
        self.receipt_counter = ReceiptCounter(self.receipts, clock, metrics)
        self.database = database
        self.operators = SqlOperatorStore(database)
        news = SqlStoryStore(database)
        record = SqlStoryHistory(database)
        self.recent_news = RecentNews(record.between, news.past_alerts, clock, news.overrides_version, record.overrides)
        self.previews = Previews()
        # Until there has been an operator, whoever reads the terminal may make the first administrator: once.
        self.first_secret = secrets.token_urlsafe(24) if role.serves and not self.operators.ever_any() else None
        # One process works on SQLite, which then needs nobody's word; on PostgreSQL there may be many.
        self.pacer = Pacer(clock, shared=None if database.is_sqlite else SqlSharedLimits(database))
        self.pauses = Pauses(metrics, self.pacer.limited, self.pacer.late, self.pacer.room)
        troubles.watch(lambda: self.pauses.troubles(clock()))
        self.tester = make_alert_tester(settings, [self.key], clock)
        self.tester_threads = ThreadPoolExecutor(TESTER_THREADS, thread_name_prefix="tester")
        self._feeds_to_sync = False
        sealer = Sealer(SqlEnvelopeStore(database), self.deliveries.is_sending, metrics)
        self.engine = self._engine(sealer)
        failing = FailingRules(troubles)
        self.news = DecisionLoop(
            SqlStoryStore(database),
            lambda: make_decider(files.topics.content, settings, failing),
            self.engine,
            metrics,
            clock,
            holder=database.holder,
            lease_s=DECISION_LEASE_S * self.speed,
            broke=lambda feeds: self.feeds.broke(feeds, self.clock()),
            topics=lambda: files.topics.content,
            troubles=troubles,
        )
        self.processes = SqlProcessStore(database)
        # One process works on SQLite, and knows that it does (storage/run_lock.py): nobody has to be watched.
        me = (role.value, socket.gethostname(), os.getpid())
        self.heartbeat = None if database.is_sqlite else Heartbeat(self.processes, me, self._leases_freed)
        self.erasure = Erasure(database, self.deliveries.is_sending)
        self.disk = DiskLook(settings.data_dir, settings.database_file, self.troubles)
        self.set_back: list[Callable[[], None]] = [self.pauses.forget, self.pacer.forget, self.news.begin_anew]
        """Called when the clock was set back, by whom the times that it remembers would not come."""
        self.asking: tuple[Fetcher, Reader] | None = None
        self.pictures: Pictures | None = None
        self.watch = TroubleMonitor(self, troubles)
        self.job_states: Callable[[], Sequence[JobStatus]] = tuple
        self._items_stored: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def key(self) -> VapidKey:
        """The key that new subscriptions are made with, as it is now."""
        return self.keyring.current

    def take_over(self) -> None:
        """What a process before this one left behind is taken on at once, whatever its leases and its clock said."""
        if self.database.is_sqlite:
            self.processes.succeed()
        if not self.settings.rehearsal:
            bring_back(self.database, self.clock(), self._longest_lease_s)

    @property
    def _longest_lease_s(self) -> float:
        return max(self.settings.push_lease_s, POLL_LEASE_S, DECISION_LEASE_S) * self.speed

    def _leases_freed(self) -> None:
        """Another process died: told for an hour, and what it held is gone on with. Called in the pulse's thread."""
        what = "Another process of the service was silent for ten seconds: what it held goes on here"
        self.troubles.report(Trouble(Code.WORKER_SILENT, what, "Look why it ended, and start it again"))
        over = Timer(TOLD_S, self.troubles.clear, [Code.WORKER_SILENT])
        over.daemon = True
        over.start()
        self.engine.wake()

    async def enter_poller(self, stack: AsyncExitStack) -> tuple[Poller, WebSub | None]:
        """The poller with its fetcher and parser processes, started; the stack ends them.

        Hubs are asked for pushes only where they can reach us: once a public address is set.
        """
        settings = self.settings
        self.feeds.sync_config(self.files.feeds.content, self.clock())
        places = poll_places(raise_descriptor_limit())
        asking = replace(fetch_settings(settings), client=ClientSettings(open=places.connections))
        fetcher = await stack.enter_async_context(Fetcher(asking, clock=self.clock))
        reader = await stack.enter_async_context(Reader(ReaderSettings()))
        poller = Poller(
            self.feeds,
            fetcher,
            reader,
            PollSettings(slots=places.slots, slow=places.slow, rules=self.rules, lease_s=POLL_LEASE_S * self.speed),
            on_batch=self._on_batch,
            troubles=self.troubles,
            clock=self.clock,
        )
        await stack.enter_async_context(poller)
        self.metrics.feeds_unreachable.set_function(lambda: float(poller.trouble is not None))
        self.asking = (fetcher, reader)
        if not settings.base_url:
            return poller, None
        callback_base = f"{settings.base_url.rstrip('/')}/websub"
        websub = WebSub(self.hubs, fetcher, poller, callback_base=callback_base, clock=self.clock)
        stack.push_async_callback(websub.finish)  # what a hub was told is taken must be stored
        return poller, websub

    async def enter_pictures(self, stack: AsyncExitStack) -> None:
        """What serves alerts' pictures, where the operator chose that this site does; the stack ends it."""
        if self.settings.pictures == "site":
            fetcher = await stack.enter_async_context(Fetcher(picture_fetch_settings(self.settings), clock=self.clock))
            self.pictures = Pictures(fetcher, self.settings.data_dir / "pictures", self._picture_address)

    def _picture_address(self, alert_id: int) -> PictureAddress | None:
        alert = self.alerts.find(alert_id)
        if alert is None or alert.withdrawn_at is not None or self.clock() - alert.decided_at > PICTURE_FOR:
            return None
        message = alert.message
        return PictureAddress(message.image_url, message.publisher) if message.image_url else None

    def pipeline(self, poller: Poller | None, websub: WebSub | None) -> Pipeline:
        """The loops of this process."""

        async def poll() -> None:
            if poller is not None:
                await poller.poll_due()

        async def tend() -> None:
            if websub is not None:
                await websub.tend()

        jobs = [
            Job("poll", self.settings.poll_tick_s, poll),
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
        if not self.role.polls:
            everybodys = {"config", "gauges", "receipts", "troubles", "erasure", "disk"}
            jobs = [job for job in jobs if job.name in everybodys]
        pipeline = Pipeline(
            jobs,
            self.news.work if self.role.polls else None,
            self.engine,
            stop_deciding=self.news.stop,
            clock_step=self._clock_step(),
            stepped=self._clock_stepped,
        )
        self._items_stored = pipeline.wake
        self._loop = asyncio.get_running_loop()
        self.job_states = pipeline.states
        return pipeline

    def web_services(self, websub: WebSub | None) -> WebServices:
        """What the web room needs."""
        return WebServices(
            site=site_settings(self.settings),
            clock=self.clock,
            subscriptions=self.subscriptions,
            endpoints=endpoint_policy(self.settings),
            topics=lambda: self.files.topics.content,
            public_key=lambda: PublicKey(self.key.key_id, self.key.application_server_key),
            send_test=self._send_test,
            recent_alerts=lambda: [alert for alert in self.alerts.recent(30) if alert.withdrawn_at is None],
            readiness=self.readiness,
            metrics=self.metrics.exposition,
            troubles=self.watch.all,
            websub=websub,
            receipts=self.receipt_counter if self.settings.receipts else None,
            pictures=self.pictures,
            articles=SqlArticles(self.database, timedelta(days=self.settings.keep_days)),
            operations=service_operations(self),
            by_provider=provider_sign_in(self.settings, self.database),
        )

    def wake_decider(self) -> None:
        """An operator said something: the decider looks at once, not only at its next second. For any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._items_stored)

    def feed_health(self) -> list[FeedHealth]:
        """How each feed does, those that need attention first."""
        now = self.clock()
        return health_table(self.feeds.facts(now), now, self.rules.cadence)

    def readiness(self) -> dict[str, Check]:
        """What /readyz says of each part."""
        return {
            "database": self._database_check(),
            "feeds.yaml": _file_check(self.files.feeds, "feeds"),
            "topics.yaml": _file_check(self.files.topics, "topics"),
        }

    def facts(self) -> dict[str, str]:
        """What a start says of itself."""
        feeds, topics = self.files.feeds.content, self.files.topics.content
        return {
            "feeds": f"{len(feeds)} of {len({f.publisher for f in feeds})} publishers; how they are: notifier feeds",
            "topics": f"{len(topics)} in {self.settings.topics_path}; edit it while the service runs",
            "alerts": "what was sent and why: notifier alerts; why not: notifier stories",
            "console": self._console_fact(),
            "data": f"{self.settings.data_dir} (back up {self.settings.vapid_key_path})",
        }

    def _console_fact(self) -> str:
        """Where operators go. Only a process that answers there prints the link for the first of them."""
        base = site_settings(self.settings).base_url
        if not self.role.serves:
            return f"{base}/console, by the process that serves it"
        if self.first_secret is None:
            return f"{base}/console"
        return f"{base}/console/first/{self.first_secret} makes the first operator"

    def _engine(self, sealer: Sealer) -> Engine:
        worker_pool = WorkerPool(self._runner, self.settings.push_threads, sealer) if self.role.works else None
        if self.settings.broker_url:
            return BrokerEngine(self.settings.broker_url, self.deliveries, self.clock, worker_pool, self.troubles)
        return (
            LocalEngine(worker_pool.make_runner, worker_pool.threads, worker_pool.sealer)
            if worker_pool
            else Elsewhere()
        )

    def _runner(self) -> Runner:
        settings = RunSettings(sub_batch=self.settings.push_sub_batch, lease_s=self.settings.push_lease_s * self.speed)
        dispatcher = make_dispatcher(self.settings, [self.key], self.pacer)
        return Runner(self.deliveries, dispatcher, self.pauses, self.metrics, self.clock, settings)

    def _on_batch(self, batch: Batch) -> None:
        for word, count in batch.results.items():
            self.metrics.polls.labels(word).inc(count)
        self.metrics.items.labels("new").inc(batch.recorded.new)
        self.metrics.items.labels("edited").inc(batch.recorded.edited)
        if batch.recorded.new or batch.recorded.edited:
            self._items_stored()

    async def _send_test(self, subscription: Subscription) -> Outcome:
        """In threads of their own: a push service that does not answer must not hold up the news."""
        return await asyncio.get_running_loop().run_in_executor(self.tester_threads, self.tester.send, subscription)

    async def _refresh_files(self) -> None:
        self._feeds_to_sync |= self.files.feeds.refresh()
        if self._feeds_to_sync:
            await asyncio.to_thread(self.feeds.sync_config, self.files.feeds.content, self.clock())
            self._feeds_to_sync = False
        if self.files.topics.refresh():
            self.news.reload()

    async def _show_gauges(self) -> None:
        await asyncio.to_thread(self.news.look)
        subscriptions, chunks, retries = await asyncio.to_thread(self.retention.open_work)
        self.metrics.subscriptions.set(subscriptions)
        self.metrics.chunks_open.set(chunks)
        self.metrics.retries_open.set(retries)
        for origin, pace in self.pacer.paces().items():
            self.metrics.push_limit.labels(origin.partition("://")[2]).set(pace.per_minute or 0)
        states: dict[str, int] = {}
        for feed in await asyncio.to_thread(self.feed_health):
            states[feed.state.value] = states.get(feed.state.value, 0) + 1
        for state in HealthStatus:
            self.metrics.feeds.labels(state.value).set(states.get(state.value, 0))

    async def _look_at_troubles(self) -> None:
        await asyncio.to_thread(self.watch.look)

    async def _end_holds(self) -> None:
        if dropped := await asyncio.to_thread(self.alerts.end_holds, self.clock()):
            log.info("alerts.nobody-looked", dropped=dropped)

    async def _count_audience(self) -> None:
        await asyncio.to_thread(self.audience.snapshot, self.clock())

    async def _hand_receipts_over(self) -> None:
        await asyncio.to_thread(self.receipt_counter.hand_over)

    async def _retire_keys(self) -> None:
        """Put away the keys that nobody is bound to any more."""
        bound = await asyncio.to_thread(self.subscriptions.by_key)
        for kept in self.keyring.kept():
            if not kept.is_present and not bound.get(kept.key.key_id):
                self.keyring.retire(kept.key.key_id, system_clock())

    async def _erase(self) -> None:
        await asyncio.to_thread(self.erasure.work)

    async def _look_at_disk(self) -> None:
        await asyncio.to_thread(self.disk.look)
        exposed = await asyncio.to_thread(self._exposed)
        if not exposed:
            self.troubles.clear(Code.SECRETS_READABLE)
            return
        what = f"Other users of this machine can read {', '.join(exposed)}"
        self.troubles.report(Trouble(Code.SECRETS_READABLE, what, f"chmod go= {' '.join(exposed)}"))

    def _exposed(self) -> list[str]:
        files = secret_files(self.settings.data_dir, self.settings.database_file)
        return [str(path) for path in readable_by_others(files)]

    def _clock_step(self) -> Callable[[], timedelta | None]:
        """In a rehearsal the clock is none that anybody sets."""
        return (lambda: None) if self.settings.rehearsal else StepDetector(self.clock).step

    async def _clock_stepped(self, by: timedelta) -> None:
        """Say so; and where it was set back, bring back what would stand still until it is that time again."""
        where = "ahead" if by > timedelta(0) else "back"
        what = f"The clock of this machine was set {where} by {abs(by)}, or the machine slept"
        log.warning("clock.stepped", by_s=by.total_seconds())
        self.troubles.report(Trouble(Code.CLOCK_STEPPED, what, "Let NTP keep the time; look what else sets the clock"))
        asyncio.get_running_loop().call_later(TOLD_S, self.troubles.clear, Code.CLOCK_STEPPED)
        if by > timedelta(0):
            return
        for forget in self.set_back:
            forget()
        await asyncio.to_thread(bring_back, self.database, self.clock(), self._longest_lease_s)
        self._items_stored()
        self.engine.wake()

    async def _prune(self) -> None:
        before = self.horizon.at(self.clock())
        if before is None:
            return
        while await asyncio.to_thread(self.retention.prune, before):
            log.info("prune.going-on", before=before.isoformat())

    def _database_check(self) -> Check:
        try:
            subscriptions, chunks, retries = self.retention.open_work()
        except Exception as away:  # noqa: BLE001 - whatever it is, the database does not answer
            return Check(False, f"does not answer: {type(away).__name__}")
        return Check(True, f"{subscriptions} subscriptions, {chunks} chunks open, {retries} retries waiting")


def _file_check(file: WatchedFile[tuple[FeedConfig, ...]] | WatchedFile[tuple[Topic, ...]], what: str) -> Check:
    if file.error is not None:
        return Check(True, f"the last good version is in force; {file.error}")
    return Check(True, f"{len(file.content)} {what}")
