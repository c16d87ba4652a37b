"""What operators do, over the parts of a `House`; and one look at how these do."""

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
from notifier.feeds.survey import Offer, Survey
from notifier.operations.alerts import AlertOperations
from notifier.operations.operations import Operations
from notifier.operations.system import ChoreReport, KeyReport, SystemState
from notifier.operations.topics import RuleTrials
from notifier.push.outcome import Outcome
from notifier.storage.access import SqlRequestStore
from notifier.storage.database import Database
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.migrate import newest_revision, revision
from notifier.storage.newsroom import SqlNewsroom
from notifier.storage.queue import SqlQueueStore
from notifier.storage.receipts import SqlReceiptStore
from notifier.subscribers.subscriber import Subscription
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
    from notifier.wiring.house import House

# Operators wait before a screen, and a site names a handful of feeds.
SURVEYS_AT_ONCE = 2
SURVEY_S = 40.0


def house_operations(house: House) -> Operations:
    """What operators do, over the parts of a running service."""
    settings, database, newsroom = house.settings, house.database, SqlNewsroom(house.database)
    files = (house.files.topics, house.files.feeds)
    trials = RuleTrials(house.recent_news.record, alert_rules(settings), house.clock, house.previews)
    topics = topic_operations(settings, database, lambda: house.files.topics.content, trials)
    finder = FeedFinder(house).look
    feeds = feed_operations(settings, database, lambda: house.files.feeds.content, house.feed_health, finder)
    alerts = AlertOperations(
        newsroom,
        story=newsroom.story,
        requests=SqlRequestStore(database),
        subscriptions=house.subscriptions,
        receipts=SqlReceiptStore(database),
        topics=lambda: house.files.topics.content,
        publisher=settings.title,
        rules=alert_rules(settings),
        clock=house.clock,
        open_alerts=house.alerts.open,
        send_trial=TrialSender(house).send,
        changed=house.wake_desk,
        wake=house.engine.wake,
    )
    return Operations(
        topics=topics,
        feeds=feeds,
        changes=change_operations(database, topics, feeds),
        alerts=alerts,
        stories=story_operations(database, house.wake_desk),
        access=access_operations(database, house.first_secret),
        audience=house.audience,
        system=lambda: system_state(house),
        complaints=lambda: [str(file.error) for file in files if file.error is not None],
    )


class FeedFinder:
    """Looks behind the address of a site, with the fetcher and the limits that feeds are asked with."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._places = asyncio.Semaphore(SURVEYS_AT_ONCE)

    async def look(self, address: str) -> Sequence[Offer]:
        """The feeds behind it. Raises NotFound with what to do."""
        if self._house.asking is None:
            return await finds_nothing(address)
        async with self._places:
            try:
                async with asyncio.timeout(SURVEY_S):
                    followed = self._house.files.feeds.content
                    return await Survey(*self._house.asking).look(address, followed)
            except TimeoutError as slow:
                took = f"{address} took longer than {SURVEY_S:g} s in all. Try the feed’s own address"
                raise NotFound(took) from slow


class TrialSender:
    """Pushes an operator's words to one browser, in threads of its own: the news is not held up by it."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def send(self, subscription: Subscription, message: Message) -> Outcome:
        """Push now. Raises PushServiceBusy."""
        house = self._house
        return await asyncio.get_running_loop().run_in_executor(house.trials, house.trial.send, subscription, message)


def system_state(house: House) -> SystemState:
    """One look at how this process and the database do."""
    queue = SqlQueueStore(house.database).state(house.clock())
    keys = _keys(house, queue.by_key)
    known = {key.key_id for key in keys}
    return SystemState(
        engine=_engine(house),
        queue=queue,
        chores=[ChoreReport(s.name, s.every_s, s.last_at, s.took_s, s.error, s.failures) for s in house.chore_states()],
        keys=keys,
        envelopes=SqlEnvelopeStore(house.database).ready(),
        paces=house.pacer.paces(),
        paused=house.pauses.until(house.clock()),
        unknown_keys=sum(count for key_id, count in queue.by_key.items() if key_id not in known),
        public=house.settings.base_url.startswith("https:"),
        contact=house.settings.contact,
        facts={name: said for name, said in house.facts().items() if name != "console"},
        versions=_versions(house.database),
    )


def _engine(house: House) -> str:
    threads = f"{house.settings.push_threads} chunks at a time, and one more for breaking news"
    match house.engine:
        case BrokerEngine():
            return (
                f"Workers woken by RabbitMQ; this process is one: {threads}"
                if house.role.works
                else ("Workers woken by RabbitMQ; this process is none of them")
            )
        case LocalEngine():
            return f"This process: {threads}"
        case _:
            return "Other processes (--role work), which look into the database every second"


def _keys(house: House, bound: Mapping[str, int]) -> list[KeyReport]:
    return [
        KeyReport(kept.key.key_id, kept.since, bound.get(kept.key.key_id, 0), kept.is_present)
        for kept in house.keyring.kept()
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
