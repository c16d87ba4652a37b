"""A recipient's trouble is the recipient's: what each bad neighbour costs the others, in simulated time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from notifier.alerts.alert import Alert
from notifier.engine.dispatcher import PushDispatcher
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.push.paced_transport import PacedTransport, Pacer
from notifier.push.vapid import VapidSigner
from notifier.storage.database import Database
from notifier.storage.schema import subscription
from notifier.storage.standing import begin_unproven
from notifier.storage.transfer import SqlTransfer
from tests.contracts.samples import a_subscription
from tests.databases import sqlite_database
from tests.engine.harness import KEY, EngineHarness, never, without_sealing
from tests.engine.simulated import SILENT, Allowing, Behaviour, Dripping, Services, SimulatedTransport, answers, fails

GOOD = 2_000
RATIO = 1.2
LEASE_S = 90.0

NEIGHBOURS: dict[str, Callable[[], Behaviour]] = {
    "401": lambda: answers(401),
    "403": lambda: answers(403),
    "429": lambda: answers(429),
    "429 with Retry-After": lambda: answers(429, retry_after="60"),
    "503": lambda: answers(503),
    "503 with Retry-After": lambda: answers(503, retry_after="600"),
    "silent": lambda: SILENT,
    "slow": lambda: answers(201, after_s=0.5),
    "dripping": Dripping,
    "reset": lambda: fails("reset"),
    "goaway": lambda: fails("closed"),
    "huge headers": lambda: fails("protocol"),
}


class Town:
    """A house on simulated services, with good readers and bad neighbours among them."""

    def __init__(self, database: Database, sub_batch: int = 500) -> None:
        self.harness = EngineHarness(database, sub_batch=sub_batch)
        self.clock = self.harness.clock
        self.services = Services(self.clock)
        self.pacer = Pacer(self.clock)
        self.pauses = Pauses(self.harness.metrics, self.pacer.limited, self.pacer.late, self.pacer.room)
        self.runner = self.worker()

    def worker(self) -> Runner:
        harness = self.harness
        transport = PacedTransport(SimulatedTransport(self.services), self.pacer)
        dispatcher = PushDispatcher(
            transport, VapidSigner([KEY], "mailto:alerts@news.example.org"), without_sealing, wall=self.clock
        )
        settings = RunSettings(sub_batch=harness.sub_batch, lease_s=LEASE_S)
        return Runner(harness.deliveries, dispatcher, self.pauses, harness.metrics, self.clock, settings)

    def settle(self, good: int, bad: int, host: str = "push.example", service: str = "mozilla") -> list[str]:
        """Readers by id, the bad ones spread among the good; returns the names of the bad ones."""
        every = (good + bad) // bad if bad else 0
        names = [
            f"bad-{n}" if bad and n % every == every // 2 and n // every < bad else f"good-{n}"
            for n in range(good + bad)
        ]
        new = []
        for name in names:
            is_bad = name.startswith("bad")
            endpoint = f"https://{host if is_bad else 'push.example'}/{name}"
            made = a_subscription(name, "world", service=service if is_bad else "mozilla", endpoint=endpoint)
            new.append(replace(made, vapid_key_id=KEY.key_id))
        SqlTransfer(self.harness.database).add(new, self.clock())
        return [name for name in names if name.startswith("bad")]

    def run_until(self, over: Callable[[], bool], within_s: float = 600, step_s: float = 0.001) -> None:
        """Let the worker look as its engine would."""
        ends_at = self.clock() + timedelta(seconds=within_s)
        while not over():
            assert self.clock() < ends_at, "it did not come to that"
            if not self.runner.work_once(never):
                self.clock.advance(max(step_s, self.runner.look_in_s))

    def good_after_s(self, alert: Alert, good: int) -> float:
        """Seconds from the decision to the last acceptance at a good reader."""

        def reached() -> list[float]:
            times = self.services.accepted_at
            return [(at - alert.decided_at).total_seconds() for name, at in times.items() if name.startswith("good")]

        self.run_until(lambda: len(reached()) >= good)
        return max(reached())


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    database = sqlite_database(tmp_path / "notifier.db")
    yield Town(database)
    database.close()


@pytest.fixture(scope="module")
def alone_s(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long the good readers take alone, at the second alert: then the service is known."""
    database = sqlite_database(tmp_path_factory.mktemp("alone") / "notifier.db")
    town = Town(database)
    town.settle(GOOD, 0)
    found = town.good_after_s(town.harness.accept(breaking=True), GOOD)
    database.close()
    return found


@pytest.mark.parametrize("host", ["push.example", "bad.example"])
@pytest.mark.parametrize("bad", [1, GOOD // 20])
@pytest.mark.parametrize("kind", NEIGHBOURS)
def test_a_bad_neighbour_costs_a_good_reader_nothing(
    town: Town, alone_s: float, kind: str, bad: int, host: str
) -> None:
    names = town.settle(GOOD, bad, host, "mozilla" if host == "push.example" else host)
    town.services.behaviours |= dict.fromkeys(names, NEIGHBOURS[kind]())
    for story in (1, 2, 3):  # the neighbour was met before
        town.services.accepted_at.clear()
        alert = town.harness.accept(story=story, breaking=True, ttl_s=45)
        assert town.good_after_s(alert, GOOD) <= RATIO * alone_s, f"alert {story}"
        assert all(town.services.pushes[f"{name}"] <= story for name in town.services.pushes if name.startswith("good"))
    town.run_until(lambda: town.harness.read(alert).done_at is not None, step_s=1.0)
    counts = town.harness.counts(alert)
    assert GOOD <= counts["delivered"] <= GOOD + bad, "nobody but the bad ones is anything else than delivered"
    assert sum(counts.values()) == GOOD + bad


@pytest.mark.parametrize("host", ["push.example", "bad.example"])
def test_thousands_that_were_never_reached_in_front_of_all_cost_little(town: Town, alone_s: float, host: str) -> None:
    strangers = town.settle(0, GOOD, host, "mozilla" if host == "push.example" else host)
    with town.harness.database.writing() as connection:
        for number in connection.scalars(select(subscription.c.id)).all():
            begin_unproven(connection, number)
    town.settle(GOOD, 0)
    town.services.behaviours |= dict.fromkeys(strangers, SILENT)
    for story in (1, 2, 3):
        town.services.accepted_at.clear()
        took_s = town.good_after_s(town.harness.accept(story=story, breaking=True), GOOD)
    # Beside what it takes to send to twice as many.
    assert took_s <= 2 * alone_s + (1.0 if host == "bad.example" else 3.0)


def test_one_silent_answer_in_three_hundred_costs_an_ordinary_alert_to_all_nothing(town: Town, alone_s: float) -> None:
    names = town.settle(GOOD, GOOD // 300)
    town.services.behaviours |= dict.fromkeys(names, SILENT)
    alert = town.harness.accept(ttl_s=120)
    assert town.good_after_s(alert, GOOD) <= RATIO * alone_s
    town.run_until(lambda: town.harness.read(alert).done_at is not None, step_s=1.0)
    assert town.harness.counts(alert) == {"delivered": GOOD, "expired": len(names)}
    assert all(town.services.pushes[name] >= 2 for name in names), "each is tried again alone"


def test_who_is_late_is_delivered_when_the_answer_comes_and_pushed_to_once(town: Town) -> None:
    names = town.settle(GOOD // 4, 20)
    town.services.behaviours |= dict.fromkeys(names, answers(201, after_s=12))
    alert = town.harness.accept(ttl_s=120)
    town.run_until(lambda: town.harness.read(alert).done_at is not None, step_s=0.5)
    assert town.harness.counts(alert) == {"delivered": GOOD // 4 + 20}
    assert {town.services.pushes[name] for name in names} == {1}


def test_a_worker_that_dies_while_somebody_is_late_loses_nobody(town: Town) -> None:
    names = town.settle(50, 5)
    town.services.behaviours |= dict.fromkeys(names, SILENT)
    alert = town.harness.accept(ttl_s=600)
    town.runner.work_once(never)
    assert town.harness.counts(alert) == {"delivered": 50, "retrying": 5}
    town.services.behaviours.clear()
    town.runner = town.worker()  # and nothing is known of those that the first left under way
    town.clock.advance(LEASE_S + 1)
    town.run_until(lambda: town.harness.read(alert).done_at is not None)
    assert town.harness.counts(alert) == {"delivered": 55}


def test_a_worker_that_ends_gives_back_who_is_late(town: Town) -> None:
    names = town.settle(50, 5)
    town.services.behaviours |= dict.fromkeys(names, SILENT)
    alert = town.harness.accept(ttl_s=600)
    town.runner.work_once(never)
    town.runner.finish(0.0)
    town.services.behaviours.clear()
    town.runner = town.worker()
    town.run_until(lambda: town.harness.read(alert).done_at is not None, within_s=LEASE_S / 3)
    assert town.harness.counts(alert) == {"delivered": 55}


def test_a_few_that_always_answer_503_never_open_the_circuit(town: Town) -> None:
    names = town.settle(200, 8)
    town.services.behaviours |= dict.fromkeys(names, answers(503))
    for story in range(1, 5):
        alert = town.harness.accept(story=story, breaking=True, ttl_s=120)
        town.run_until(lambda: town.harness.read(alert).done_at is not None, step_s=1.0)  # noqa: B023
        assert town.harness.counts(alert) == {"delivered": 200, "expired": 8}
    (pace,) = town.pacer.paces().values()
    assert not pace.is_open


def test_a_service_that_really_fails_is_tried_with_a_few_and_comes_back(town: Town) -> None:
    names = town.settle(0, 300)
    town.services.behaviours |= dict.fromkeys(names, answers(503))
    alert = town.harness.accept(ttl_s=1200)
    town.run_until(lambda: any(pace.is_open for pace in town.pacer.paces().values()))
    asked = town.services.pushes.total()
    ends_at = town.clock() + timedelta(seconds=60)
    town.run_until(lambda: town.clock() > ends_at, step_s=1.0)
    assert town.services.pushes.total() - asked <= 60
    town.services.behaviours.clear()
    town.run_until(lambda: town.harness.read(alert).done_at is not None, step_s=0.5)
    assert town.harness.counts(alert) == {"delivered": 300}


def test_a_service_that_allows_so_many_a_second_is_used_to_nine_tenths(town: Town) -> None:
    pushes = 3_000
    town.settle(pushes, 0)
    service = Allowing(300)
    town.services.behaviours = {f"good-{number}": service for number in range(pushes)}
    alert = town.harness.accept(breaking=True, ttl_s=600)
    town.run_until(lambda: town.harness.read(alert).done_at is not None)
    assert town.harness.counts(alert) == {"delivered": pushes}
    assert (town.clock() - alert.decided_at).total_seconds() <= pushes / 300 / 0.85
    assert service.refused <= 0.08 * service.asked
