"""What operators do, over the parts of a `Service`; and one look at how these do."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import text

from notifier import __version__
from notifier.alerts.alert import Message
from notifier.engine.broker import BrokerEngine
from notifier.engine.local import LocalEngine
from notifier.errors import NotFound
from notifier.feeds.discovery import DiscoveredFeed, FeedDiscovery
from notifier.operations.alerts import AlertOperations
from notifier.operations.operations import Operations
from notifier.operations.system import KeyReport, SystemState
from notifier.operations.topics import RulePreviewer
from notifier.push.outcome import Outcome
from notifier.storage.access import SqlRequestStore
from notifier.storage.database import Database
from notifier.storage.editorial import SqlEditorialStore
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.migrate import newest_revision, revision
from notifier.storage.queue import SqlQueueStore
from notifier.storage.receipts import SqlReceiptStore
from notifier.storage.story_reports import SqlStoryReports
from notifier.subscribers.subscriber import Subscription
from notifier.wiring.facts import facts
from notifier.wiring.operations import (
    access_operations,
    change_operations,
    feed_operations,
    finds_nothing,
    story_operations,
    topic_operations,
)
from notifier.wiring.parts import alert_rules

if TYPE_CHECKING:
    from notifier.wiring.service import Service

# Operators wait before a screen, and a site names a handful of feeds.
DISCOVERIES_AT_ONCE = 2
DISCOVERY_S = 40.0


def service_operations(service: Service) -> Operations:
    """What operators do, over the parts of a running service."""
    settings, database = service.settings, service.database
    files = (service.files.topics, service.files.feeds)
    previewer = RulePreviewer(service.recent_news.record, alert_rules(settings), service.clock, service.previews)
    topics = topic_operations(settings, database, lambda: service.files.topics.content, previewer)
    finder = FeedFinder(service).look
    feeds = feed_operations(settings, database, lambda: service.files.feeds.content, service.feed_health, finder)
    alerts = AlertOperations(
        SqlEditorialStore(database),
        story=SqlStoryReports(database).story,
        requests=SqlRequestStore(database),
        subscriptions=service.subscriptions,
        receipts=SqlReceiptStore(database),
        topics=lambda: service.files.topics.content,
        publisher=settings.title,
        rules=alert_rules(settings),
        clock=service.clock,
        open_alerts=service.alerts.open,
        send_test=DraftSender(service).send,
        changed=service.wake_decider,
        wake=service.engine.wake,
    )
    return Operations(
        topics=topics,
        feeds=feeds,
        changes=change_operations(database, topics, feeds),
        alerts=alerts,
        stories=story_operations(database, service.wake_decider),
        access=access_operations(database, service.first_secret),
        audience=service.audience,
        system=lambda: system_state(service),
        complaints=lambda: [str(file.error) for file in files if file.error is not None],
    )


class FeedFinder:
    """Looks behind the address of a site, with the fetcher and the limits that feeds are asked with."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._places = asyncio.Semaphore(DISCOVERIES_AT_ONCE)

    async def look(self, address: str) -> Sequence[DiscoveredFeed]:
        """The feeds behind it. Raises NotFound with what to do."""
        if self._service.asking is None:
            return await finds_nothing(address)
        async with self._places:
            try:
                async with asyncio.timeout(DISCOVERY_S):
                    followed = self._service.files.feeds.content
                    return await FeedDiscovery(*self._service.asking).look(address, followed)
            except TimeoutError as slow:
                took = f"{address} took longer than {DISCOVERY_S:g} s in all. Try the feed’s own address"
                raise NotFound(took) from slow


class DraftSender:
    """Pushes an operator's words to one browser, in threads of its own: the news is not held up by it."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def send(self, subscription: Subscription, message: Message) -> Outcome:
        """Push now. Raises PushServiceBusy."""
        service = self._service
        return await asyncio.get_running_loop().run_in_executor(
            service.tester_threads, service.tester.send, subscription, message
        )


def system_state(service: Service) -> SystemState:
    """One look at how this process and the database do."""
    queue = SqlQueueStore(service.database).state(service.clock())
    keys = _keys(service, queue.by_key)
    known = {key.key_id for key in keys}
    return SystemState(
        engine=_engine(service),
        queue=queue,
        jobs=service.job_states(),
        keys=keys,
        envelopes=SqlEnvelopeStore(service.database).ready(),
        paces=service.pacer.paces(),
        paused=service.pauses.until(service.clock()),
        unknown_keys=sum(count for key_id, count in queue.by_key.items() if key_id not in known),
        public=service.settings.base_url.startswith("https:"),
        contact=service.settings.contact,
        facts={name: said for name, said in facts(service).items() if name != "console"},
        versions=_versions(service.database),
    )


def _engine(service: Service) -> str:
    threads = f"{service.settings.push_threads} chunks at a time, and one more for breaking news"
    match service.engine:
        case BrokerEngine():
            return (
                f"Workers woken by RabbitMQ; this process is one: {threads}"
                if service.role.works
                else ("Workers woken by RabbitMQ; this process is none of them")
            )
        case LocalEngine():
            return f"This process: {threads}"
        case _:
            return "Other processes (--role work), which look into the database every second"


def _keys(service: Service, bound: Mapping[str, int]) -> list[KeyReport]:
    return [
        KeyReport(kept.key.key_id, kept.since, bound.get(kept.key.key_id, 0), kept.is_present)
        for kept in service.keyring.kept()
    ]


def _versions(database: Database) -> dict[str, str]:
    found = revision(database)
    with database.reading() as connection:
        query = "SELECT sqlite_version()" if database.is_sqlite else "SHOW server_version"
        number = connection.scalar(text(query))
    newest = newest_revision()
    schema = f"{found}, the newest" if found == newest else f"{found}; this version wants {newest}: start it anew"
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    return {
        "Notifier": __version__,
        "Python": platform.python_version(),
        "database": f"{kind} {number}",
        "schema": schema,
    }
