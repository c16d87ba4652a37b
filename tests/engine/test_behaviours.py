"""Everything that a push service may do, over each transport, against what is promised (promises 1 and 2).

A real push service in another process does it; what the engine makes of each kind of answer, step by step, is in
test_outcomes.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from notifier.addresses import AddressGuard
from notifier.alerts.alert import Alert
from notifier.alerts.delivery import Recipient
from notifier.clock import ManualClock
from notifier.engine.dispatcher import SEND_DEADLINE_S, PushDispatcher
from notifier.engine.refusals import SEVERAL
from notifier.engine.run import Runner, RunSettings
from notifier.push.envelope import seal_now
from notifier.push.outcome import Outcome
from notifier.push.vapid import VapidSigner
from notifier.storage.database import Database
from tests.contracts.samples import a_subscription, an_alert
from tests.engine.harness import KEY, LEASE_S, EngineHarness, never
from tests.push.test_transport import WIRES
from tests.pushsink.browser import keys_of
from tests.pushsink.process import PushSink

NEIGHBOURS = 5


class HastyDispatcher(PushDispatcher):
    """Waits for a push service for as long as the test has time."""

    deadline_s: float = 1.5

    def begin(
        self, alert: Alert, recipients: Sequence[Recipient], now: datetime, deadline_s: float = SEND_DEADLINE_S
    ) -> list[Outcome]:
        return super().begin(alert, recipients, now, self.deadline_s)


class WiredHarness(EngineHarness):
    """One worker with a real wire to a real push service; the engine's time goes on when the test says, from today."""

    def __init__(self, database: Database, transport: str, sink: PushSink) -> None:
        super().__init__(database)
        self.clock, self.sink = ManualClock(datetime.now(UTC)), sink
        made = WIRES[transport](AddressGuard.allowing([sink.local]), sink.ca_file)
        self.dispatcher = HastyDispatcher(made, VapidSigner([KEY], "mailto:alerts@news.example.org"), seal_now)
        settings = RunSettings(100, 100, LEASE_S)
        self.runner = Runner(self.deliveries, self.dispatcher, self.pauses, self.metrics, self.clock, settings)

    def alert_to(self, *behaviours: str) -> Alert:
        """What became of an alert to one browser with each behaviour."""
        for number, behaviour in enumerate(behaviours):
            new = a_subscription(str(number), "world")
            keys = keys_of(number, self.sink.endpoint(behaviour, number))
            self.subscriptions.subscribe(replace(new, keys=keys, vapid_key_id=KEY.key_id), self.clock())
        alert = self.alerts.accept(replace(an_alert("world"), decided_at=self.clock()), self.clock())
        self.runner.work_once(never)
        self.runner.finish(self.dispatcher.deadline_s + 1)  # who is late is told of later
        return self.read(alert)

    def work(self) -> None:
        super().work()
        self.runner.finish(self.dispatcher.deadline_s + 1)


@pytest.fixture(scope="module")
def sink() -> Iterator[PushSink]:
    with PushSink() as started:
        yield started


@pytest.fixture(params=WIRES)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def wired_harness(transport: str, harness: EngineHarness, sink: PushSink) -> Iterator[WiredHarness]:
    sink.forget()
    made = WiredHarness(harness.database, transport, sink)
    yield made
    made.dispatcher.close()


@dataclass(frozen=True, slots=True)
class Promised:
    """What an answer is counted as, whether its subscriber stays, and after how many seconds it is tried again."""

    counted: str
    stays: bool = True
    again_after_s: float | None = None
    requests: int = 1


PROMISED = {
    "201": Promised("delivered"),
    "404": Promised("gone", stays=False),
    "410": Promised("gone", stays=False),
    "413": Promised("refused-413"),
    "big": Promised("refused-413"),
    "redirect": Promised("refused-301"),
    "429-seconds": Promised("retrying", again_after_s=7),
    "429-until-20": Promised("retrying", again_after_s=18),  # a date has whole seconds
    "429": Promised("retrying", again_after_s=5),
    "500": Promised("retrying", again_after_s=5),
    "503": Promised("retrying", again_after_s=5),
    "reset": Promised("retrying", again_after_s=5),
    "close": Promised("retrying", again_after_s=5),
    "never": Promised("retrying", again_after_s=5),
    "after-20": Promised("retrying", again_after_s=5),
    "after-0.5": Promised("delivered"),
    "goaway": Promised("delivered"),
    "goaway-before": Promised("delivered", requests=2),
    "refused-once": Promised("delivered", requests=2),
}


@pytest.mark.parametrize("behaviour", PROMISED)
def test_each_answer_is_what_was_promised_and_harms_no_neighbour(wired_harness: WiredHarness, behaviour: str) -> None:
    promised = PROMISED[behaviour]
    # A cut connection takes along what was under way on it: alone, so that the count says something about this one.
    neighbours = 0 if behaviour == "close" else NEIGHBOURS
    alert = wired_harness.alert_to(behaviour, *["ok"] * neighbours)
    wanted = {"delivered": neighbours} if neighbours else {}
    wanted[promised.counted] = wanted.get(promised.counted, 0) + 1
    assert wired_harness.counts(alert) == wanted
    assert wired_harness.is_subscribed("0") is promised.stays
    assert all(wired_harness.is_subscribed(str(number)) for number in range(1, neighbours + 1))
    assert (alert.done_at is None) is (promised.again_after_s is not None)
    report = wired_harness.sink.report()
    assert (report["requests"], report["problems"]) == (neighbours + promised.requests, [])
    assert report["repeated"] == 0


@pytest.mark.parametrize("behaviour", [name for name, promised in PROMISED.items() if promised.again_after_s])
def test_it_is_tried_again_when_it_was_promised_and_not_before(wired_harness: WiredHarness, behaviour: str) -> None:
    after_s = PROMISED[behaviour].again_after_s
    assert after_s is not None
    wired_harness.alert_to(behaviour)
    wired_harness.clock.advance(after_s - 0.1)
    wired_harness.work()
    assert wired_harness.sink.report()["requests"] == 1
    wired_harness.clock.advance(after_s)  # back-off spreads by half
    wired_harness.work()
    assert wired_harness.sink.report()["requests"] == 2


@pytest.mark.parametrize("behaviour", ["401", "403"])
def test_a_service_that_refuses_everybody_is_paused_and_loses_nobody(
    wired_harness: WiredHarness, behaviour: str
) -> None:
    wired_harness.alert_to(*[behaviour] * SEVERAL)  # nobody was reached before: that says nothing of the service
    assert not wired_harness.pauses.is_paused("mozilla", wired_harness.clock())
    wired_harness.prove()
    alert = wired_harness.alert_to(*[behaviour] * SEVERAL)
    assert wired_harness.counts(alert) == {"retrying": SEVERAL}
    assert all(wired_harness.is_subscribed(str(number)) for number in range(SEVERAL))
    assert wired_harness.pauses.is_paused("mozilla", wired_harness.clock())
    wired_harness.clock.advance(1)
    wired_harness.alert_to(*[behaviour] * SEVERAL)
    assert wired_harness.sink.report()["requests"] == 2 * SEVERAL


def test_a_service_that_takes_one_at_a_time_gets_all_once(transport: str, harness: EngineHarness) -> None:
    with PushSink("--streams", "1") as narrow:
        wired_harness = WiredHarness(harness.database, transport, narrow)
        wired_harness.dispatcher.deadline_s = 20.0
        alert = wired_harness.alert_to(*["ok"] * 60)
        assert wired_harness.counts(alert) == {"delivered": 60}
        report = narrow.report()
        assert (report["browsers"], report["repeated"], report["problems"]) == (60, 0, [])
        wired_harness.dispatcher.close()


def test_a_service_that_stays_silent_is_asked_until_the_alert_is_worth_nothing_and_loses_nobody(
    wired_harness: WiredHarness,
) -> None:
    wired_harness.dispatcher.deadline_s = 0.2
    alert = wired_harness.alert_to("never", "500")
    while wired_harness.read(alert).done_at is None:
        wired_harness.clock.advance(60)
        wired_harness.work()
        assert wired_harness.clock() - alert.decided_at < timedelta(seconds=2 * alert.ttl_s)
    assert wired_harness.counts(alert) == {"expired": 2}
    assert wired_harness.is_subscribed("0")
    assert wired_harness.is_subscribed("1")


@pytest.mark.slow
def test_an_answer_after_20_seconds_is_waited_for(wired_harness: WiredHarness) -> None:
    wired_harness.dispatcher.deadline_s = SEND_DEADLINE_S
    alert = wired_harness.alert_to("after-20", "ok")
    assert wired_harness.counts(alert) == {"delivered": 2}
    assert alert.done_at is not None
