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

from notifier.clock import Clock, RehearsalClock
from notifier.config.files import load_feeds, load_topics
from notifier.config.settings import Settings
from notifier.config.watch import WatchedFile
from notifier.decision_loop import DECISION_LEASE_S, DecisionLoop
from notifier.engine.broker import BrokerEngine, WorkerPool
from notifier.engine.engine import Elsewhere, Engine, ProcessRole
from notifier.engine.heartbeat import Heartbeat
from notifier.engine.local import LocalEngine
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.engine.sealing import Sealer
from notifier.feeds.feed import FeedConfig
from notifier.feeds.fetch import Fetcher
from notifier.feeds.health import FeedHealth, health_table
from notifier.feeds.poll import Poller, PollSettings
from notifier.feeds.recorder import Batch
from notifier.feeds.websub import WebSub
from notifier.feeds.workers import Reader, ReaderSettings
from notifier.operations.previews import Previews
from notifier.operations.recent import RecentNews
from notifier.operations.system import JobReport
from notifier.outbound.client import ClientSettings
from notifier.pipeline import Pipeline
from notifier.push.keyring import Keyring
from notifier.push.outcome import Outcome
from notifier.push.paced_transport import Pacer
from notifier.push.vapid import VapidKey
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.articles import SqlArticles
from notifier.storage.audience import SqlAudienceStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.feeds import SqlFeedStore
from notifier.storage.hubs import SqlHubStore
from notifier.storage.limits import SqlSharedLimits
from notifier.storage.operators import SqlOperatorStore
from notifier.storage.processes import SqlProcessStore
from notifier.storage.receipts import SqlReceiptStore
from notifier.storage.retention import Retention
from notifier.storage.stories import SqlStoryStore
from notifier.storage.story_history import SqlStoryHistory
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.subscribers.subscriber import Subscription
from notifier.telemetry import Metrics
from notifier.topics.failing import FailingRules
from notifier.topics.topic import Topic
from notifier.troubles import Code, Trouble, Troubles
from notifier.web.pictures import PictureAddress, Pictures
from notifier.web.receipt_counter import ReceiptCounter
from notifier.web.services import PublicKey, WebServices
from notifier.wiring.clock_steps import POLL_LEASE_S, TOLD_S, ClockSteps
from notifier.wiring.console import service_operations
from notifier.wiring.descriptors import poll_places, raise_descriptor_limit
from notifier.wiring.facts import readiness
from notifier.wiring.jobs import Jobs
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

TESTER_THREADS = 4
# By then no push service holds a message for anybody any more, and strangers who count numbers up cost us nothing.
PICTURE_FOR = timedelta(days=2)


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
        self.role, self.troubles = role, troubles or Troubles()
        self.settings, self.files, self.metrics, self.clock = settings, files, metrics, clock
        self.database = database
        self.keyring = Keyring(settings.vapid_key_path)
        # Leases are promises in wall time: in a rehearsal they have to be longer by as much as its clock is faster.
        self.speed = clock.speed if isinstance(clock, RehearsalClock) else 1.0
        self.rules = feed_rules(settings)
        self.feeds = SqlFeedStore(database, self.rules)
        self.subscriptions, self.audience = SqlSubscriptionStore(database), SqlAudienceStore(database)
        self.alerts, self.deliveries = SqlAlertStore(database), SqlDeliveryStore(database)
        self.retention, self.processes = Retention(database), SqlProcessStore(database)
        self.receipt_counter = ReceiptCounter(SqlReceiptStore(database), clock, metrics)
        self.recent_news, self.previews = self._recent_news(), Previews()
        # Until there has been an operator, whoever reads the terminal may make the first administrator: once.
        self.operators = SqlOperatorStore(database)
        self.first_secret = secrets.token_urlsafe(24) if role.serves and not self.operators.ever_any() else None
        # One process works on SQLite, which then needs nobody's word; on PostgreSQL there may be many.
        self.pacer = Pacer(clock, shared=None if database.is_sqlite else SqlSharedLimits(database))
        self.pauses = Pauses(metrics, self.pacer.limited, self.pacer.late, self.pacer.room)
        self.troubles.watch(lambda: self.pauses.troubles(clock()))
        self.tester = make_alert_tester(settings, [self.key], clock)
        self.tester_threads = ThreadPoolExecutor(TESTER_THREADS, thread_name_prefix="tester")
        self.engine = self._engine()
        self.news = self._decision_loop()
        self.heartbeat = self._heartbeat()
        self.clock_steps, self.jobs = ClockSteps(self), Jobs(self)
        self.asking: tuple[Fetcher, Reader] | None = None
        self.pictures: Pictures | None = None
        self.watch = TroubleMonitor(self)
        self.job_states: Callable[[], Sequence[JobReport]] = tuple
        self.items_stored: Callable[[], None] = lambda: None
        """Lets the decider look now. Call it on the event loop."""
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def key(self) -> VapidKey:
        """The key that new subscriptions are made with, as it is now."""
        return self.keyring.current

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
        websub = WebSub(SqlHubStore(self.database), fetcher, poller, callback_base=callback_base, clock=self.clock)
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
        pipeline = Pipeline(
            self.jobs.listed(poller, websub),
            self.news.work if self.role.polls else None,
            self.engine,
            stop_deciding=self.news.stop,
            clock_step=self.clock_steps.look,
            stepped=self.clock_steps.stepped,
        )
        self.items_stored = pipeline.wake
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
            readiness=lambda: readiness(self),
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
            self._loop.call_soon_threadsafe(self.items_stored)

    def feed_health(self) -> list[FeedHealth]:
        """How each feed does, those that need attention first."""
        now = self.clock()
        return health_table(self.feeds.facts(now), now, self.rules.cadence)

    def _engine(self) -> Engine:
        sealer = Sealer(SqlEnvelopeStore(self.database), self.deliveries.is_sending, self.metrics)
        worker_pool = WorkerPool(self._runner, self.settings.push_threads, sealer) if self.role.works else None
        if self.settings.broker_url:
            return BrokerEngine(self.settings.broker_url, self.deliveries, self.clock, worker_pool, self.troubles)
        if worker_pool is None:
            return Elsewhere()
        return LocalEngine(worker_pool.make_runner, worker_pool.threads, worker_pool.sealer)

    def _recent_news(self) -> RecentNews:
        news, record = SqlStoryStore(self.database), SqlStoryHistory(self.database)
        return RecentNews(record.between, news.past_alerts, self.clock, news.overrides_version, record.overrides)

    def _decision_loop(self) -> DecisionLoop:
        failing = FailingRules(self.troubles)
        return DecisionLoop(
            SqlStoryStore(self.database),
            lambda: make_decider(self.files.topics.content, self.settings, failing),
            self.engine,
            self.metrics,
            self.clock,
            holder=self.database.holder,
            lease_s=DECISION_LEASE_S * self.speed,
            broke=lambda feeds: self.feeds.broke(feeds, self.clock()),
            topics=lambda: self.files.topics.content,
            troubles=self.troubles,
        )

    def _heartbeat(self) -> Heartbeat | None:
        """One process works on SQLite, and knows that it does (storage/run_lock.py): nobody has to be watched."""
        if self.database.is_sqlite:
            return None
        return Heartbeat(self.processes, (self.role.value, socket.gethostname(), os.getpid()), self._leases_freed)

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
            self.items_stored()

    async def _send_test(self, subscription: Subscription) -> Outcome:
        """In threads of their own: a push service that does not answer must not hold up the news."""
        return await asyncio.get_running_loop().run_in_executor(self.tester_threads, self.tester.send, subscription)
