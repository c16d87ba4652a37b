"""What the operators' console is given: the parts of a `House`, and one look at how they do."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import text

from notifier import __version__
from notifier.alerts.alert import Message
from notifier.clock import system_clock
from notifier.config.edit import TopicsFile
from notifier.config.edit_feeds import FeedsFile
from notifier.engine.broker import BrokerEngine
from notifier.engine.local import LocalEngine
from notifier.errors import NotFound
from notifier.feeds.survey import Offer, Survey
from notifier.push.outcome import Outcome
from notifier.storage.access import SqlRequestStore, SqlTokenStore
from notifier.storage.audit import SqlAuditLog
from notifier.storage.database import Database
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.feed_archive import SqlFeedArchive
from notifier.storage.migrate import newest_revision, revision
from notifier.storage.newsroom import SqlNewsroom
from notifier.storage.operators import SqlChangeStore
from notifier.storage.queue import SqlQueueStore
from notifier.storage.receipts import SqlReceiptStore
from notifier.storage.wire import SqlWire
from notifier.subscribers.subscriber import Subscription
from notifier.web.console.services import ConsoleServices
from notifier.web.console.state import ChoreReport, KeyReport, SystemState
from notifier.wiring.parts import alert_rules, provider_sign_in

if TYPE_CHECKING:
    from notifier.wiring.house import House

# Operators wait before a screen, and a site names a handful of feeds.
SURVEYS_AT_ONCE = 2
SURVEY_S = 40.0


def console_services(house: House) -> ConsoleServices:
    """What the operators' console needs."""
    files = (house.files.topics, house.files.feeds)
    return ConsoleServices(
        wall=system_clock,
        operators=house.operators,
        audit=SqlAuditLog(house.database),
        tokens=SqlTokenStore(house.database),
        requests=SqlRequestStore(house.database),
        first_secret=house.first_secret,
        topics_file=TopicsFile(house.settings.topics_path),
        changes=SqlChangeStore(house.database),
        newsroom=SqlNewsroom(house.database),
        wire=SqlWire(house.database),
        record=house.recent_news.record,
        rules=alert_rules(house.settings),
        open_alerts=house.alerts.open,
        receipts=SqlReceiptStore(house.database),
        feeds=house.feed_health,
        feeds_file=FeedsFile(house.settings.feeds_path),
        archive=SqlFeedArchive(house.database),
        find_feeds=FeedFinder(house).look,
        audience=house.audience,
        system=lambda: system_state(house),
        send_trial=TrialSender(house).send,
        complaints=lambda: [str(file.error) for file in files if file.error is not None],
        changed=house.wake_desk,
        wake=house.engine.wake,
        by_provider=provider_sign_in(house.settings, house.database),
    )


class FeedFinder:
    """Looks behind the address of a site, with the fetcher and the limits that feeds are asked with."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._places = asyncio.Semaphore(SURVEYS_AT_ONCE)

    async def look(self, address: str, sections: Collection[str]) -> Sequence[Offer]:
        """The feeds behind it. Raises NotFound with what to do."""
        if self._house.asking is None:
            raise NotFound("This process follows no feeds. Open the console of one that does (--role all, web or poll)")
        async with self._places:
            try:
                async with asyncio.timeout(SURVEY_S):
                    followed = self._house.files.feeds.content
                    return await Survey(*self._house.asking).look(address, sections, followed)
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
