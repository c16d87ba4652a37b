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
from notifier.engine.courier import Courier
from notifier.engine.run import Runner, RunSettings
from notifier.push.paced_wire import PacedWire, Pacer
from notifier.push.pacing import KEPT_FOR_URGENT, LIMITED_MINUTES, LIMITED_PER_MINUTE
from notifier.push.request import PushRequest
from notifier.push.send import NO_LIMITS, Answer
from notifier.push.vapid import VapidSigner
from notifier.storage.database import Database
from notifier.storage.transfer import SqlTransfer
from notifier.subscribers.subscriber import NewSubscription
from tests.contracts.samples import NOON, a_subscription, token
from tests.engine.house import KEY, LEASE_S, EngineHouse, never, without_sealing

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
    ) -> list[Answer]:
        return [self._answer(request.endpoint.rsplit("/", 1)[1]) for request in batch]

    def close(self) -> None:
        """Nothing to close."""

    def _answer(self, name: str) -> Answer:
        taken = self.taken.setdefault(self.minute, [])
        self.asked[self.minute] += 1
        if len(taken) >= LIMITED_PER_MINUTE:
            return Answer(status=429, elapsed_s=0.01)
        taken.append(name)
        return Answer(status=201, elapsed_s=0.01)


class Site:
    """A house with so many subscribers at the service, who were here in an order of their own."""

    def __init__(self, database: Database) -> None:
        self.house = EngineHouse(database, sub_batch=500)
        self.service = LimitedService(self.house.clock)
        self.pacer = Pacer(self.house.clock, limiting=(ORIGIN,))
        signer = VapidSigner([KEY], "mailto:alerts@news.example.org")
        courier = Courier(PacedWire(self.service, self.pacer), signer, without_sealing, wall=self.house.clock)
        settings = RunSettings(sub_batch=500, lease_s=LEASE_S)
        house = self.house
        self.runner = Runner(house.deliveries, courier, house.pauses, house.metrics, house.clock, settings)
        for day in range(10):
            names = [str(number) for number in range(SUBSCRIBERS) if number % 10 == day]
            new: list[NewSubscription] = [
                replace(a_subscription(name, "world"), vapid_key_id=KEY.key_id) for name in names
            ]
            # The larger the last digit, the more recently they were here.
            SqlTransfer(database).add(new, NOON - timedelta(days=10 - day))

    def work_for(self, minutes: float) -> None:
        """Let the worker look every five seconds, as its engine would."""
        for _ in range(int(minutes * 12)):
            while self.runner.work_once(never):
                pass
            self.house.clock.advance(5)

    def learn(self) -> None:
        """Send until the limit is believed."""
        for story in range(100, 110):
            self.house.accept(story=story, ttl_s=50)
            self.work_for(1)
            if self.pacer.paces()[ORIGIN].per_minute is not None:
                return
        raise AssertionError("the limit was not believed in ten minutes")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    database = Database(f"sqlite:///{tmp_path / 'notifier.db'}")
    database.create()
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

    alert = site.house.accept(ttl_s=MINUTES * 60)
    site.work_for(MINUTES - 15)

    assert site.house.counts(alert) == {"delivered": SUBSCRIBERS}, "nobody is lost"
    assert max(site.service.asked.values()) <= LIMITED_PER_MINUTE, "the limit is kept"
    assert sorted(name for minute in site.service.taken.values() for name in minute) == sorted(
        map(str, range(SUBSCRIBERS))
    ), "each once"
    # The first go out as they come in the alert's chunks; from then on those who were here last come first.
    everybody = [name for minute in sorted(site.service.taken) for name in site.service.taken[minute]]
    days = [int(name[-1]) for name in everybody[ORDINARY:]]
    assert days == sorted(days, reverse=True)


@pytest.mark.timeout(240)
def test_breaking_news_overtakes_what_waits_for_room(site: Site) -> None:
    site.learn()
    ordinary = site.house.accept(story=1, ttl_s=3600)
    site.work_for(2)
    before = site.house.counts(ordinary)["delivered"]
    breaking = site.house.accept(story=2, breaking=True, ttl_s=3600)
    site.work_for(1)
    assert site.house.counts(breaking)["delivered"] >= LIMITED_PER_MINUTE - ORDINARY
    assert site.house.counts(ordinary)["delivered"] == before
    site.work_for(4)
    assert site.house.counts(breaking) == {"delivered": SUBSCRIBERS}
    site.work_for(5)
    assert site.house.counts(ordinary) == {"delivered": SUBSCRIBERS}


def test_who_waits_for_room_is_not_written_again_and_again(site: Site) -> None:
    site.learn()
    site.house.accept(story=1, ttl_s=3600)
    site.work_for(1)
    found = site.house.subscriptions.find(token("0"))
    assert found is not None
    looked = 0
    while site.runner.work_once(never):
        looked += 1
    assert looked <= 2
