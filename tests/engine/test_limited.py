"""A push service that limits the site (Chrome: about 1,000 a minute): kept to, the most engaged first, nobody lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notifier.clock import ManualClock
from notifier.engine.dispatcher import PushDispatcher
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.push.paced_transport import PacedTransport, Pacer
from notifier.push.pacing import KEPT_FOR_URGENT, LIMITED_MINUTES, LIMITED_PER_MINUTE
from notifier.push.request import PushRequest
from notifier.push.transport import NO_LIMITS, PushResponse
from notifier.push.vapid import VapidSigner
from notifier.storage.database import Database
from notifier.storage.limits import SqlSharedLimits
from notifier.storage.transfer import SqlTransfer
from notifier.subscribers.subscriber import NewSubscription
from tests.contracts.samples import NOON, a_subscription, token
from tests.databases import sqlite_database
from tests.engine.harness import KEY, LEASE_S, EngineHarness, never, without_sealing

pytestmark = pytest.mark.slow  # hours of a service's minutes, thousands of messages each

ORIGIN = "https://push.example"
SUBSCRIBERS = 3_000
ORDINARY = int(LIMITED_PER_MINUTE * (1 - KEPT_FOR_URGENT))
MINUTES = 30


class LimitedService:
    """Takes LIMITED_PER_MINUTE messages in each minute, of whomever comes first, and answers 429 to the others."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.taken: dict[datetime, list[str]] = {}
        self.asked: Counter[datetime] = Counter()

    @property
    def minute(self) -> datetime:
        return self._clock().replace(second=0, microsecond=0)

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[PushResponse]:
        return [self._answer(request.endpoint.rsplit("/", 1)[1]) for request in batch]

    def close(self) -> None:
        """Nothing to close."""

    def _answer(self, name: str) -> PushResponse:
        taken = self.taken.setdefault(self.minute, [])
        self.asked[self.minute] += 1
        if len(taken) >= LIMITED_PER_MINUTE:
            return PushResponse(status=429, elapsed_s=0.01)
        taken.append(name)
        return PushResponse(status=201, elapsed_s=0.01)


class Site:
    """A house with so many subscribers at the service, who were here in an order of their own.

    Each of its workers knows what a process of its own would know.
    """

    def __init__(self, database: Database, workers: int = 1) -> None:
        self.harness = EngineHarness(database, sub_batch=500)
        self.service = LimitedService(self.harness.clock)
        shared = SqlSharedLimits(database) if workers > 1 else None
        self.pacers = [Pacer(self.harness.clock, limiting=(ORIGIN,), shared=shared) for _ in range(workers)]
        self.runners = [self._runner(pacer) for pacer in self.pacers]
        for day in range(10):
            names = [str(number) for number in range(SUBSCRIBERS) if number % 10 == day]
            new: list[NewSubscription] = [
                replace(a_subscription(name, "world"), vapid_key_id=KEY.key_id) for name in names
            ]
            # The larger the last digit, the more recently they were here.
            SqlTransfer(database).add(new, NOON - timedelta(days=10 - day))

    def _runner(self, pacer: Pacer) -> Runner:
        harness = self.harness
        signer = VapidSigner([KEY], "mailto:alerts@news.example.org")
        dispatcher = PushDispatcher(PacedTransport(self.service, pacer), signer, without_sealing, wall=harness.clock)
        pauses = Pauses(harness.metrics, pacer.limited)
        settings = RunSettings(sub_batch=500, lease_s=LEASE_S)
        return Runner(harness.deliveries, dispatcher, pauses, harness.metrics, harness.clock, settings)

    def work_for(self, minutes: float) -> None:
        """Let the workers look every five seconds, as their engines would, and take turns."""
        for _ in range(round(minutes * 12)):
            while sum(runner.work_once(never) for runner in self.runners):
                pass
            self.harness.clock.advance(5)

    def learn(self) -> None:
        """Send until the limit is believed."""
        for story in range(100, 110):
            self.harness.accept(story=story, ttl_s=50)
            self.work_for(1)
            if self.pacers[0].limited():
                return
        raise AssertionError("the limit was not believed in ten minutes")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    database = sqlite_database(tmp_path / "notifier.db")
    return Site(database)


@pytest.mark.timeout(240)
def test_a_limit_is_learned_kept_and_told_and_the_most_engaged_come_first(site: Site) -> None:
    with capture_logs() as logs:
        site.learn()
    assert len(site.service.asked) <= 2 * LIMITED_MINUTES
    (told,) = [line for line in logs if line["event"] == "push.site-limited"]
    assert told["per_minute"] == LIMITED_PER_MINUTE
    site.work_for(1)
    site.service.taken.clear()
    site.service.asked.clear()

    alert = site.harness.accept(ttl_s=MINUTES * 60)
    site.work_for(MINUTES - 15)

    assert site.harness.counts(alert) == {"delivered": SUBSCRIBERS}, "nobody is lost"
    assert max(site.service.asked.values()) <= LIMITED_PER_MINUTE, "the limit is kept"
    assert sorted(name for minute in site.service.taken.values() for name in minute) == sorted(
        map(str, range(SUBSCRIBERS))
    ), "each once"
    everybody = [name for minute in sorted(site.service.taken) for name in site.service.taken[minute]]
    days = [int(name[-1]) for name in everybody]
    assert days == sorted(days, reverse=True), "from the first message on, those who were here last come first"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("breaking", [False, True])
def test_two_workers_keep_within_the_limit_together(database: Database, breaking: bool) -> None:
    site = Site(database, workers=2)
    site.learn()
    site.work_for(1)
    assert [pacer.limited() for pacer in site.pacers] == 2 * [{ORIGIN}]
    site.service.taken.clear()
    site.service.asked.clear()

    alert = site.harness.accept(breaking=breaking, ttl_s=MINUTES * 60)
    site.work_for(8)

    assert site.harness.counts(alert) == {"delivered": SUBSCRIBERS}
    assert max(site.service.asked.values()) <= LIMITED_PER_MINUTE
    assert sum(len(names) for names in site.service.taken.values()) == SUBSCRIBERS, "each once"


def test_a_worker_that_dies_while_it_writes_down_who_waits_loses_nobody(site: Site) -> None:
    site.learn()
    site.work_for(1)
    alert = site.harness.accept(ttl_s=MINUTES * 60)
    job = site.harness.deliveries.claim_chunk(site.harness.clock(), LEASE_S)
    assert job is not None
    recipients = site.harness.deliveries.take(job, job.chunk.cursor, 500)  # and no more of it
    assert len(recipients) == 500
    site.work_for(10)
    assert site.harness.counts(alert) == {"delivered": SUBSCRIBERS}


def test_who_has_left_in_the_meantime_is_not_waited_for(site: Site) -> None:
    site.learn()
    site.work_for(1)
    alert = site.harness.accept(ttl_s=MINUTES * 60)
    while site.runners[0].work_once(never):
        pass
    site.harness.subscriptions.delete(token("0"), site.harness.clock())
    site.work_for(8)
    assert site.harness.counts(alert) == {"delivered": SUBSCRIBERS - 1, "left": 1}
    assert site.harness.read(alert).done_at is not None


def test_what_cannot_be_sent_within_its_time_ends_with_it(site: Site) -> None:
    site.learn()
    site.work_for(1)
    alert = site.harness.accept(ttl_s=90)
    site.work_for(4)
    came = site.harness.counts(alert)
    assert came["delivered"] + came["expired"] == SUBSCRIBERS
    assert came["delivered"] >= ORDINARY
    assert site.harness.read(alert).done_at is not None


@pytest.mark.timeout(240)
def test_breaking_news_overtakes_what_waits_for_room(site: Site) -> None:
    site.learn()
    ordinary = site.harness.accept(story=1, ttl_s=3600)
    site.work_for(2)
    before = site.harness.counts(ordinary)["delivered"]
    breaking = site.harness.accept(story=2, breaking=True, ttl_s=3600)
    site.work_for(1)
    assert site.harness.counts(breaking)["delivered"] >= LIMITED_PER_MINUTE - ORDINARY
    assert site.harness.counts(ordinary)["delivered"] == before
    site.work_for(4)
    assert site.harness.counts(breaking) == {"delivered": SUBSCRIBERS}
    site.work_for(5)
    assert site.harness.counts(ordinary) == {"delivered": SUBSCRIBERS}


def test_who_waits_for_room_is_not_written_again_and_again(site: Site) -> None:
    site.learn()
    site.harness.accept(story=1, ttl_s=3600)
    site.work_for(1)
    found = site.harness.subscriptions.find(token("0"))
    assert found is not None
    looked = 0
    while site.runners[0].work_once(never):
        looked += 1
    assert looked <= 2
