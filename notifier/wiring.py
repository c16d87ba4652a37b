"""The only place that constructs: settings in, a running house out.

`serve` is the whole service; the smaller functions give the command line the parts it asks of the same house.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, AsyncExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
import uvicorn
from alembic.util.exc import CommandError as AlembicError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from notifier.addresses import AddressGuard
from notifier.alerts.decide import AlertRules
from notifier.alerts.desk import Desk
from notifier.clock import Clock, RehearsalClock, system_clock
from notifier.config.edit import TopicsFile
from notifier.config.files import load_feeds, load_topics
from notifier.config.settings import Settings, listed, rehearsal_of
from notifier.config.watch import WatchedFile
from notifier.engine.broker import BrokerEngine, Crew
from notifier.engine.courier import Courier
from notifier.engine.engine import Elsewhere, Engine, Role
from notifier.engine.local import LocalEngine
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.engine.sealing import Sealer
from notifier.engine.trial import Trial
from notifier.errors import ConfigError
from notifier.feeds.cadence import CadenceSettings
from notifier.feeds.decide import Rules
from notifier.feeds.feed import FeedConfig, FeedState
from notifier.feeds.fetch import Fetcher, FetchSettings
from notifier.feeds.first_sight import FirstSightSettings
from notifier.feeds.poll import Poller, PollSettings
from notifier.feeds.recorder import Batch
from notifier.feeds.websub import WebSub
from notifier.feeds.workers import Reader, ReaderSettings
from notifier.pipeline import DESK_LEASE_S, Chore, NewsLoop, Pipeline
from notifier.push.adopt import load_adopted
from notifier.push.http2.wire import Http2Wire
from notifier.push.outcome import Outcome
from notifier.push.paced_wire import PacedWire, Pacer
from notifier.push.pycurl_wire import PycurlWire
from notifier.push.seal import seal
from notifier.push.send import Wire
from notifier.push.vapid import VapidKey, VapidSigner, load_or_create_key
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.feeds import SqlFeedStore
from notifier.storage.hubs import SqlHubStore
from notifier.storage.migrate import newest_revision, revision, upgrade
from notifier.storage.news import SqlNewsStore
from notifier.storage.newsroom import SqlNewsroom
from notifier.storage.operators import SqlChangeStore, SqlOperatorStore
from notifier.storage.record import SqlRecord
from notifier.storage.retention import Retention
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.subscribers.endpoint import EndpointPolicy
from notifier.subscribers.subscriber import Subscription
from notifier.telemetry import Metrics
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic
from notifier.web.app import build_app
from notifier.web.console.recent import RecentNews
from notifier.web.console.services import ConsoleServices
from notifier.web.services import Check, SiteSettings, WebServices

log = structlog.get_logger()

POLL_LEASE_S = 30.0
TRIALS = 4


def open_database(settings: Settings) -> Database:
    """The database, brought to this version's schema. What it holds of subscribers is for nobody else's eyes."""
    with in_words(settings):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = Database(settings.database)
        upgrade(database)
        return database


def schema_state(settings: Settings) -> str:
    """How the database stands to this version, without changing it. Raises ConfigError where it cannot be used."""
    to_be_made = "will be made at the first start"
    with in_words(settings):
        url = make_url(settings.database)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            return to_be_made
        with closing(Database(settings.database)) as database:
            found = revision(database)
    if found is None:
        return to_be_made
    return "as this version wants it" if found == newest_revision() else "will be brought up to date at the next start"


@contextmanager
def in_words(settings: Settings) -> Iterator[None]:
    """What a database or a disk refuses becomes a ConfigError: the cause, without parameters or passwords."""
    try:
        shown = make_url(settings.database).render_as_string()
    except (ArgumentError, ValueError) as unreadable:  # its words may quote a part of the password
        fix = "For example: postgresql+psycopg://user:password@host/notifier"
        raise ConfigError("NOTIFIER_DATABASE_URL is no database's URL", fix=fix) from unreadable
    try:
        yield
    except (SQLAlchemyError, AlembicError, OSError, ImportError) as refused:  # ImportError: no such driver here
        cause = getattr(refused, "orig", None) or refused
        fix = "Look at NOTIFIER_DATABASE_URL and NOTIFIER_DATA_DIR; does the server answer, can the disk be written?"
        raise ConfigError(f"{shown} cannot be used: {str(cause).splitlines()[0][:200]}", fix=fix) from refused


def vapid_key(settings: Settings) -> VapidKey:
    """The application server key, made if there is none.

    Raises ConfigError rather than replace a key that subscriptions are bound to: they would be lost without a word.
    """
    path = settings.vapid_key_path
    if not path.exists():
        adopted = {key.key_id for key in load_adopted(path.parent)}
        with closing(open_database(settings)) as database:
            bound = SqlSubscriptionStore(database).bound_to_other_keys(adopted)
        if bound:
            fix = "Restore it from a backup. To start anew without them, remove the database too"
            raise ConfigError(f"the key is missing, and {bound} subscriptions are bound to it", fix=fix, path=path)
    return load_or_create_key(path)


def fetch_settings(settings: Settings) -> FetchSettings:
    """How feeds are asked."""
    return FetchSettings(
        contact_url=settings.contact,
        max_body_bytes=settings.feed_body_bytes,
        deadline_s=settings.feed_deadline_s,
        guard=AddressGuard.allowing(listed(settings.feed_allow)),
        environ=os.environ,
    )


def make_clock(settings: Settings) -> Clock:
    """The wall clock, or that of a rehearsal."""
    return RehearsalClock(*rehearsal_of(settings.rehearsal)) if settings.rehearsal else system_clock


def make_courier(settings: Settings, keys: Sequence[VapidKey], pacer: Pacer | None = None) -> Courier:
    """A courier with a wire of its own, for one thread; `pacer` keeps all threads' wires to each service's pace."""
    guard = _push_guard(settings)
    wire: Wire = Http2Wire(guard, PycurlWire(guard))
    if pacer is not None:
        wire = PacedWire(wire, pacer)
    adopted = load_adopted(settings.vapid_key_path.parent)
    return Courier(wire, VapidSigner([*keys, *adopted], settings.contact), seal)


def make_trial(settings: Settings, keys: Sequence[VapidKey], clock: Clock = system_clock) -> Trial:
    """What sends test alerts."""
    return Trial(make_courier(settings, keys), clock, settings.title, _site(settings).base_url)


def make_desk(topics: Sequence[Topic], settings: Settings) -> Desk:
    """A desk that decides by these topics and the settings' rules."""
    return Desk(TopicIndex(topics), topics, alert_rules(settings))


def alert_rules(settings: Settings) -> AlertRules:
    """The numbers by which the desk decides."""
    return AlertRules(
        max_age_s=settings.alert_max_age_s,
        update_gap_s=settings.alert_update_gap_s,
        breaking_ttl_s=settings.breaking_ttl_s,
        normal_ttl_s=settings.normal_ttl_s,
    )


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


async def serve(settings: Settings, announce: Callable[[str, dict[str, str]], None], role: Role = Role.ALL) -> None:
    """Run the service, or the part that is `role`, until it is told to stop. Raises ConfigError before it starts.

    `announce` is called with the address and a few facts once the service is about to answer.
    """
    metrics = Metrics()
    files = Files.of(settings, metrics)
    key = vapid_key(settings)
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(listen(settings.host, settings.port))
        database = open_database(settings)
        stack.callback(database.close)
        house = House(settings, files, key, database, metrics, make_clock(settings), role)
        stack.callback(house.trials.shutdown, cancel_futures=True)
        poller, websub = (None, None) if role is Role.WORK else await house.enter_poller(stack)
        pipeline = house.pipeline(poller, websub)
        server = WebServer(
            uvicorn.Config(
                build_app(house.web_services(websub)),
                log_config=None,
                access_log=False,  # a line for each visitor is nobody's business
                proxy_headers=True,
                forwarded_allow_ips=list(listed(settings.proxies)),
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        announce(f"http://{settings.host}:{listening.getsockname()[1]}", house.facts())
        working = asyncio.create_task(pipeline.run())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, server.leave)
        try:
            await server.serve(sockets=[listening])
        finally:
            pipeline.stop()
            await working


def listen(host: str, port: int) -> socket.socket:
    """The listening socket. Raises ConfigError where somebody else has the port."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as refused:
        fix = "Is it running already? Otherwise set NOTIFIER_PORT to a free port"
        why = os.strerror(refused.errno) if refused.errno else str(refused)
        raise ConfigError(f"{host}:{port} cannot be listened on: {why}", fix=fix) from refused


class WebServer(uvicorn.Server):
    """uvicorn without its own signal handlers: they would end the process before the engine gave its leases back."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Take no signal."""
        return nullcontext()

    def leave(self) -> None:
        """Answer what is under way, then return from `serve`."""
        self.should_exit = True


class House:
    """The parts of one running service, and how they hold on to each other."""

    def __init__(
        self,
        settings: Settings,
        files: Files,
        key: VapidKey,
        database: Database,
        metrics: Metrics,
        clock: Clock,
        role: Role = Role.ALL,
    ) -> None:
        self.role = role
        self.settings, self.files, self.key, self.metrics, self.clock = settings, files, key, metrics, clock
        # Leases are promises in wall time: in a rehearsal they have to be longer by as much as its clock is faster.
        self.speed = clock.speed if isinstance(clock, RehearsalClock) else 1.0
        self.subscriptions = SqlSubscriptionStore(database)
        self.alerts = SqlAlertStore(database)
        self.deliveries = SqlDeliveryStore(database)
        self.rules = Rules(
            CadenceSettings(min_s=settings.poll_least_s, max_s=settings.poll_most_s),
            FirstSightSettings(max_age_s=settings.alert_max_age_s),
        )
        self.feeds = SqlFeedStore(database, first_sight=self.rules.first_sight, cadence_settings=self.rules.cadence)
        self.hubs = SqlHubStore(database)
        self.retention = Retention(database)
        self.database = database
        self.operators = SqlOperatorStore(database)
        self.recent_news = RecentNews(SqlRecord(database).between, SqlNewsStore(database).past_alerts, clock)
        # While nobody may sign in, whoever reads the terminal may make the first administrator.
        self.first_secret = None if self.operators.all(system_clock()) else secrets.token_urlsafe(24)
        self.pauses = Pauses(metrics)
        self.trial = make_trial(settings, [key], clock)
        self.trials = ThreadPoolExecutor(TRIALS, thread_name_prefix="trial")
        self._feeds_to_sync = False
        self.pacer = Pacer(clock)
        sealer = Sealer(SqlEnvelopeStore(database), self.deliveries.is_sending, metrics)
        self.engine = self._engine(sealer)
        self.news = NewsLoop(
            SqlNewsStore(database),
            lambda: make_desk(files.topics.content, settings),
            self.engine,
            metrics,
            clock,
            holder=secrets.token_hex(8),
            lease_s=DESK_LEASE_S * self.speed,
            broke=lambda feeds: self.feeds.broke(feeds, self.clock()),
        )
        self._items_stored: Callable[[], None] = lambda: None

    async def enter_poller(self, stack: AsyncExitStack) -> tuple[Poller, WebSub | None]:
        """The poller with its fetcher and parser processes, started; the stack ends them.

        Hubs are asked for pushes only where they can reach us: once a public address is set.
        """
        settings = self.settings
        self.feeds.sync_config(self.files.feeds.content, self.clock())
        fetcher = await stack.enter_async_context(Fetcher(fetch_settings(settings), clock=self.clock))
        reader = await stack.enter_async_context(Reader(ReaderSettings()))
        poller = Poller(
            self.feeds,
            fetcher,
            reader,
            PollSettings(rules=self.rules, lease_s=POLL_LEASE_S * self.speed),
            on_batch=self._on_batch,
            clock=self.clock,
        )
        await stack.enter_async_context(poller)
        if not settings.base_url:
            return poller, None
        callback_base = f"{settings.base_url.rstrip('/')}/websub"
        websub = WebSub(self.hubs, fetcher, poller, callback_base=callback_base, clock=self.clock)
        stack.push_async_callback(websub.finish)  # what a hub was told is taken must be stored
        return poller, websub

    def pipeline(self, poller: Poller | None, websub: WebSub | None) -> Pipeline:
        """The loops of this process."""

        async def poll() -> None:
            if poller is not None:
                await poller.poll_due()

        async def tend() -> None:
            if websub is not None:
                await websub.tend()

        chores = [
            Chore("poll", self.settings.poll_tick_s, poll),
            Chore("hubs", 5.0, tend),
            Chore("config", 1.0, self._refresh_files),
            Chore("gauges", 15.0, self._show_gauges),
            Chore("prune", 3600.0, self._prune),
        ]
        if not self.role.polls:
            chores = [chore for chore in chores if chore.name in {"config", "gauges"}]
        pipeline = Pipeline(chores, self.news.work if self.role.polls else None, self.engine)
        self._items_stored = pipeline.wake
        return pipeline

    def web_services(self, websub: WebSub | None) -> WebServices:
        """What the web room needs."""
        return WebServices(
            site=_site(self.settings),
            clock=self.clock,
            subscriptions=self.subscriptions,
            endpoints=_endpoints(self.settings),
            topics=lambda: self.files.topics.content,
            application_server_key=self.key.application_server_key,
            vapid_key_id=self.key.key_id,
            send_test=self._send_test,
            recent_alerts=lambda: [alert for alert in self.alerts.recent(30) if alert.withdrawn_at is None],
            readiness=self.readiness,
            metrics=self.metrics.exposition,
            websub=websub,
            console=self.console_services(),
        )

    def console_services(self) -> ConsoleServices:
        """What the operators' console needs."""
        return ConsoleServices(
            wall=system_clock,
            operators=self.operators,
            first_secret=self.first_secret,
            topics_file=TopicsFile(self.settings.topics_path),
            changes=SqlChangeStore(self.database),
            newsroom=SqlNewsroom(self.database),
            record=self.recent_news.record,
            rules=alert_rules(self.settings),
            feeds=lambda: self.feeds.health(self.clock()),
            facts=self.facts,
            complaints=lambda: [str(f.error) for f in (self.files.topics, self.files.feeds) if f.error is not None],
            changed=self.news.reload,
            wake=self.engine.wake,
        )

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
        base = _site(self.settings).base_url
        return {
            "feeds": f"{len(feeds)} of {len({f.publisher for f in feeds})} publishers; how they are: notifier feeds",
            "topics": f"{len(topics)} in {self.settings.topics_path}; edit it while the service runs",
            "alerts": "what was sent and why: notifier alerts; why not: notifier stories",
            "console": f"{base}/console/first/{self.first_secret} makes the first operator"
            if self.first_secret
            else f"{base}/console",
            "data": f"{self.settings.data_dir} (back up {self.settings.vapid_key_path})",
        }

    def _engine(self, sealer: Sealer) -> Engine:
        crew = Crew(self._runner, self.settings.push_threads, sealer) if self.role.works else None
        if self.settings.broker_url:
            return BrokerEngine(self.settings.broker_url, self.deliveries, self.clock, crew)
        return LocalEngine(crew.make_runner, crew.threads, crew.sealer) if crew else Elsewhere()

    def _runner(self) -> Runner:
        settings = RunSettings(sub_batch=self.settings.push_sub_batch, lease_s=self.settings.push_lease_s * self.speed)
        courier = make_courier(self.settings, [self.key], self.pacer)
        return Runner(self.deliveries, courier, self.pauses, self.metrics, self.clock, settings)

    def _on_batch(self, batch: Batch) -> None:
        for word, count in batch.results.items():
            self.metrics.polls.labels(word).inc(count)
        self.metrics.items.labels("new").inc(batch.recorded.new)
        self.metrics.items.labels("edited").inc(batch.recorded.edited)
        if batch.recorded.new or batch.recorded.edited:
            self._items_stored()

    async def _send_test(self, subscription: Subscription) -> Outcome:
        """In threads of their own: a push service that does not answer must not hold up the news."""
        return await asyncio.get_running_loop().run_in_executor(self.trials, self.trial.send, subscription)

    async def _refresh_files(self) -> None:
        self._feeds_to_sync |= self.files.feeds.refresh()
        if self._feeds_to_sync:
            await asyncio.to_thread(self.feeds.sync_config, self.files.feeds.content, self.clock())
            self._feeds_to_sync = False
        if self.files.topics.refresh():
            self.news.reload()

    async def _show_gauges(self) -> None:
        subscriptions, chunks, retries = await asyncio.to_thread(self.retention.open_work)
        self.metrics.subscriptions.set(subscriptions)
        self.metrics.chunks_open.set(chunks)
        self.metrics.retries_open.set(retries)
        states: dict[str, int] = {}
        for feed in await asyncio.to_thread(self.feeds.health, self.clock()):
            states[feed.state.value] = states.get(feed.state.value, 0) + 1
        for state in FeedState:
            self.metrics.feeds.labels(state.value).set(states.get(state.value, 0))

    async def _prune(self) -> None:
        before = self.clock() - timedelta(days=self.settings.keep_days)
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


def _site(settings: Settings) -> SiteSettings:
    base = settings.base_url or f"http://{settings.host}:{settings.port}"
    return SiteSettings(settings.title, base.rstrip("/"), settings.contact)


def _endpoints(settings: Settings) -> EndpointPolicy:
    return EndpointPolicy(listed(settings.push_allow))


def _push_guard(settings: Settings) -> AddressGuard:
    return AddressGuard.allowing(_endpoints(settings).local)
