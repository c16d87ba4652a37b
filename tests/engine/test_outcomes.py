"""What each answer of a push service does to the subscription, the alert and the next attempt (promise 2)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime
from typing import cast

import pytest
from structlog.testing import capture_logs

from notifier.engine.pauses import Pauses
from notifier.engine.refusals import SEVERAL
from notifier.errors import SubscriptionInvalid
from notifier.push.send import Answer
from notifier.subscribers.subscriber import PushKeys
from tests.contracts.samples import NOON, a_subscription
from tests.engine.house import KEY, EngineHouse, ScriptedWire, never

LATER_S = 10.0
"""After the first back-off, which is 5 s and up to half as much again."""


def test_an_accepted_push_is_counted_and_ends_the_alert(house: EngineHouse) -> None:
    house.subscribe("ada", "bob")
    alert = house.accept()
    house.work()
    assert house.wire.reached == ["ada", "bob"]
    assert house.counts(alert) == {"delivered": 2}
    assert house.read(alert).done_at == house.clock()


@pytest.mark.parametrize("status", [404, 410])
def test_only_404_and_410_end_a_subscription(house: EngineHouse, status: int) -> None:
    house.subscribe("ada", "bob")
    house.wire.answers["ada"] = Answer(status=status)
    alert = house.accept()
    house.work()
    assert not house.is_subscribed("ada")
    assert house.is_subscribed("bob")
    assert house.counts(alert) == {"gone": 1, "delivered": 1}


def test_who_moved_to_another_endpoint_meanwhile_stays_and_gets_the_alert_there(house: EngineHouse) -> None:
    house.subscribe("ada", "bob")
    house.wire.answers["ada"] = Answer(status=410)

    def ada_moves() -> None:
        house.wire.then = lambda: None
        moved = a_subscription("ada", endpoint="https://push.example/ada-anew")
        house.subscriptions.renew(moved.token_hash, replace(moved, vapid_key_id=KEY.key_id), NOON)

    house.wire.then = ada_moves
    alert = house.accept()
    house.work()
    assert house.is_subscribed("ada")
    assert house.wire.reached == ["ada", "bob", "ada-anew"]
    assert house.counts(alert) == {"delivered": 2}
    assert house.read(alert).done_at == house.clock()


def test_who_moved_while_a_retry_was_under_way_stays_too(house: EngineHouse) -> None:
    house.subscribe("ada")
    house.wire.answers["ada"] = Answer(status=503)
    alert = house.accept()
    house.work()
    house.wire.answers["ada"] = Answer(status=410)

    def ada_moves() -> None:
        house.wire.then = lambda: None
        moved = a_subscription("ada", endpoint="https://push.example/ada-anew")
        house.subscriptions.renew(moved.token_hash, replace(moved, vapid_key_id=KEY.key_id), NOON)

    house.wire.then = ada_moves
    house.clock.advance(LATER_S)
    house.work()
    assert house.wire.reached == ["ada", "ada", "ada-anew"]
    assert house.counts(alert) == {"delivered": 1}
    assert house.read(alert).done_at == house.clock()


@pytest.mark.parametrize("status", [400, 413, 301])
def test_a_refused_message_is_not_sent_again_and_costs_nobody_the_subscription(house: EngineHouse, status: int) -> None:
    house.subscribe("ada")
    house.wire.answers["ada"] = Answer(status=status)
    alert = house.accept()
    house.work()
    house.clock.advance(600)
    house.work()
    assert house.wire.reached == ["ada"]
    assert house.is_subscribed("ada")
    assert house.counts(alert) == {f"refused-{status}": 1}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(status=503),
        Answer(status=429),
        Answer(error="timeout"),
        Answer(error="dns"),
        Answer(error="connect"),
        Answer(error="reset"),
        Answer(error="tls"),
        Answer(error="address-refused"),
    ],
    ids=str,
)
def test_a_service_in_trouble_is_tried_again_and_nobody_is_lost(house: EngineHouse, answer: Answer) -> None:
    house.subscribe("ada", "bob")
    house.wire.answers["ada"] = answer
    alert = house.accept()
    house.work()
    assert house.counts(alert) == {"retrying": 1, "delivered": 1}
    assert house.read(alert).done_at is None
    del house.wire.answers["ada"]
    house.clock.advance(LATER_S)
    house.work()
    assert house.wire.reached == ["ada", "bob", "ada"]
    assert house.counts(alert) == {"delivered": 2}
    assert house.read(alert).done_at == house.clock()


@pytest.mark.parametrize("retry_after", ["100", "Sat, 25 Apr 2026 12:01:40 GMT"])
def test_nobody_is_tried_again_before_the_time_that_the_service_named(house: EngineHouse, retry_after: str) -> None:
    house.subscribe("ada")
    house.wire.answers["ada"] = Answer(status=429, retry_after=retry_after)
    house.accept()
    house.work()
    house.clock.advance(99)
    house.work()
    assert house.wire.reached == ["ada"]
    house.clock.advance(55)
    house.work()
    assert house.wire.reached == ["ada", "ada"]


def test_attempts_grow_rarer_and_end_with_the_ttl(house: EngineHouse) -> None:
    house.subscribe("ada")
    house.wire.answers["ada"] = Answer(status=503)
    alert = house.accept(ttl_s=120)
    sent_at: list[float] = []
    for second in range(200):
        before = len(house.wire.batches)
        house.work()
        if len(house.wire.batches) > before:
            sent_at.append(second)
        house.clock.advance(1)
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent_at)]
    assert gaps == sorted(gaps)
    assert 3 <= len(sent_at) <= 6
    assert sent_at[-1] < 120
    assert house.counts(alert) == {"expired": 1}
    assert house.read(alert).done_at is not None
    assert house.is_subscribed("ada")


def test_a_late_attempt_asks_the_service_to_keep_the_message_for_the_rest_of_its_time(house: EngineHouse) -> None:
    house.subscribe("ada")
    house.wire.answers["ada"] = Answer(status=503)
    house.accept(ttl_s=3600)
    house.work()
    house.clock.advance(LATER_S)
    house.work()
    assert [batch[0].headers.ttl_s for batch in house.wire.batches] == [3600, 3590]


def test_an_alert_whose_time_is_over_is_sent_to_nobody(house: EngineHouse) -> None:
    house.subscribe("ada")
    alert = house.accept(ttl_s=60)
    house.clock.advance(61)
    house.work()
    assert house.wire.reached == []
    assert house.counts(alert) == {"expired": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_refuses_everybody_is_paused_with_an_alarm_and_loses_nobody(
    house: EngineHouse, status: int
) -> None:
    names = [f"reader-{number}" for number in range(SEVERAL)]
    house.subscribe(*names)
    house.prove()
    house.wire.answers |= {name: Answer(status=status) for name in names}
    first = house.accept()
    with capture_logs() as logs:
        house.work()
    assert [(line["event"], line["log_level"]) for line in logs] == [("push.service-paused", "error")]
    house.wire.batches.clear()
    house.subscribe("bob")
    house.subscribe("eve", service="apple")
    second = house.accept(story=2)
    house.work()
    assert house.wire.reached == ["eve"]
    assert house.counts(second) == {"retrying": SEVERAL + 1, "delivered": 1}
    house.wire.answers.clear()
    for _ in range(20):
        house.clock.advance(10)
        house.work()
    assert (house.counts(first), house.counts(second)) == ({"delivered": SEVERAL}, {"delivered": SEVERAL + 2})
    assert all(house.is_subscribed(name) for name in (*names, "bob", "eve"))


def test_a_key_that_is_not_configured_loses_nobody(house: EngineHouse) -> None:
    house.subscribe("ada")
    stranger = house.worker(ScriptedWire(), key_id="another-key")
    alert = house.accept()
    with capture_logs() as logs:
        stranger.work_once(never)
    assert [line["event"] for line in logs] == ["push.misconfigured"]
    assert house.counts(alert) == {"retrying": 1}
    house.clock.advance(LATER_S)
    house.work()
    assert house.counts(alert) == {"delivered": 1}
    assert house.wire.batches[0][0].headers.authorization.endswith(KEY.application_server_key)


def test_outcomes_are_counted_by_service(house: EngineHouse) -> None:
    house.subscribe("ada")
    house.subscribe("eve", service="apple")
    house.wire.answers["eve"] = Answer(status=410)
    house.accept()
    house.work()
    text = house.metrics.exposition().decode()
    assert 'notifier_pushes_total{outcome="delivered",service="mozilla"} 1.0' in text
    assert 'notifier_pushes_total{outcome="gone",service="apple"} 1.0' in text


@pytest.mark.parametrize("status", [406, 429])
@pytest.mark.parametrize(
    "header", ["Fri, 31 Dec 9999 23:59:59 GMT", "9" * 5000, "-1", "１２０", "Fri, 31 Dec 9999 23:59:59 -2359"]
)
def test_whatever_retry_after_says_everybody_else_gets_the_alert_once(
    house: EngineHouse, status: int, header: str
) -> None:
    house.subscribe("ada", "bob", "cyd", "dan", "eve")
    house.wire.answers["bob"] = Answer(status=status, retry_after=header)
    alert = house.accept()
    house.work()
    house.clock.advance(7200)
    house.work()
    assert [house.wire.reached.count(name) for name in ("ada", "cyd", "dan", "eve")] == [1] * 4
    assert house.counts(alert) == {"delivered": 4, "expired": 1}
    assert house.read(alert).done_at is not None
    assert house.is_subscribed("bob")


def test_windows_limit_is_kept_and_then_the_alert_is_sent(house: EngineHouse) -> None:
    """WNS says 406 with Retry-After where all others say 429."""
    house.subscribe("ada", "bob", service="wns")
    house.wire.answers["ada"] = Answer(status=406, retry_after="60")
    alert = house.accept()
    house.work()
    house.wire.answers.clear()
    house.clock.advance(59)
    house.work()
    assert house.counts(alert)["delivered"] == 1
    house.clock.advance(60)
    house.work()
    assert house.counts(alert) == {"delivered": 2}


def test_an_answer_that_nobody_foresaw_is_one_recipients_retry(house: EngineHouse) -> None:
    house.subscribe("ada", "bob", "cyd")
    house.wire.answers["bob"] = Answer(status=cast("int", "４１０"))
    alert = house.accept()
    with capture_logs() as logs:
        house.work()
    assert "push.not-judged" in [line["event"] for line in logs]
    assert house.counts(alert) == {"delivered": 2, "retrying": 1}
    house.wire.answers.clear()
    house.clock.advance(LATER_S)
    house.work()
    assert house.counts(alert) == {"delivered": 3}
    assert house.wire.reached == ["ada", "bob", "cyd", "bob"]


def test_what_cannot_be_sealed_is_one_recipients_retry(house: EngineHouse) -> None:
    def seal_most(payload: bytes, keys: PushKeys) -> bytes:
        if keys.endpoint.endswith("bob"):
            raise SubscriptionInvalid("the browser's public key is not a point on P-256")
        return payload

    house.subscribe("ada", "bob", "cyd")
    alert = house.accept()
    runner = house.worker(house.wire, seal=seal_most)
    while runner.work_once(never):
        pass
    assert house.counts(alert) == {"delivered": 2, "retrying": 1}
    assert house.wire.reached == ["ada", "cyd"]


class BrokenPauses(Pauses):
    """Breaks whenever it is asked what else a service took."""

    def is_amid(self, service: str | None, now: datetime) -> bool:
        raise OverflowError


def test_what_breaks_while_one_answer_is_judged_is_one_recipients_retry(house: EngineHouse) -> None:
    house.pauses = BrokenPauses(house.metrics)
    house.subscribe("ada", "bob", "cyd")
    house.wire.answers["bob"] = Answer(status=403)
    alert = house.accept()
    runner = house.worker(house.wire)
    while runner.work_once(never):
        pass
    assert house.counts(alert) == {"delivered": 2, "retrying": 1}
