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
from notifier.push.transport import PushResponse
from notifier.subscribers.subscriber import PushKeys
from tests.contracts.samples import NOON, a_subscription
from tests.engine.harness import KEY, EngineHarness, ScriptedTransport, never

LATER_S = 10.0
"""After the first back-off, which is 5 s and up to half as much again."""


def test_an_accepted_push_is_counted_and_ends_the_alert(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob")
    alert = harness.accept()
    harness.work()
    assert harness.transport.reached == ["ada", "bob"]
    assert harness.counts(alert) == {"delivered": 2}
    assert harness.read(alert).done_at == harness.clock()


@pytest.mark.parametrize("status", [404, 410])
def test_only_404_and_410_end_a_subscription(harness: EngineHarness, status: int) -> None:
    harness.subscribe("ada", "bob")
    harness.transport.answers["ada"] = PushResponse(status=status)
    alert = harness.accept()
    harness.work()
    assert not harness.is_subscribed("ada")
    assert harness.is_subscribed("bob")
    assert harness.counts(alert) == {"gone": 1, "delivered": 1}


def test_who_moved_to_another_endpoint_meanwhile_stays_and_gets_the_alert_there(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob")
    harness.transport.answers["ada"] = PushResponse(status=410)

    def ada_moves() -> None:
        harness.transport.then = lambda: None
        moved = a_subscription("ada", endpoint="https://push.example/ada-anew")
        harness.subscriptions.renew(moved.token_hash, replace(moved, vapid_key_id=KEY.key_id), NOON)

    harness.transport.then = ada_moves
    alert = harness.accept()
    harness.work()
    assert harness.is_subscribed("ada")
    assert harness.transport.reached == ["ada", "bob", "ada-anew"]
    assert harness.counts(alert) == {"delivered": 2}
    assert harness.read(alert).done_at == harness.clock()


def test_who_moved_while_a_retry_was_under_way_stays_too(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.transport.answers["ada"] = PushResponse(status=503)
    alert = harness.accept()
    harness.work()
    harness.transport.answers["ada"] = PushResponse(status=410)

    def ada_moves() -> None:
        harness.transport.then = lambda: None
        moved = a_subscription("ada", endpoint="https://push.example/ada-anew")
        harness.subscriptions.renew(moved.token_hash, replace(moved, vapid_key_id=KEY.key_id), NOON)

    harness.transport.then = ada_moves
    harness.clock.advance(LATER_S)
    harness.work()
    assert harness.transport.reached == ["ada", "ada", "ada-anew"]
    assert harness.counts(alert) == {"delivered": 1}
    assert harness.read(alert).done_at == harness.clock()


@pytest.mark.parametrize("status", [400, 413, 301])
def test_a_refused_message_is_not_sent_again_and_costs_nobody_the_subscription(
    harness: EngineHarness, status: int
) -> None:
    harness.subscribe("ada")
    harness.transport.answers["ada"] = PushResponse(status=status)
    alert = harness.accept()
    harness.work()
    harness.clock.advance(600)
    harness.work()
    assert harness.transport.reached == ["ada"]
    assert harness.is_subscribed("ada")
    assert harness.counts(alert) == {f"refused-{status}": 1}


@pytest.mark.parametrize(
    "answer",
    [
        PushResponse(status=500),
        PushResponse(status=503),
        PushResponse(status=429),
        PushResponse(error="timeout"),
        PushResponse(error="dns"),
        PushResponse(error="connect"),
        PushResponse(error="reset"),
        PushResponse(error="tls"),
        PushResponse(error="address-refused"),
    ],
    ids=str,
)
def test_a_service_in_trouble_is_tried_again_and_nobody_is_lost(harness: EngineHarness, answer: PushResponse) -> None:
    harness.subscribe("ada", "bob")
    harness.transport.answers["ada"] = answer
    alert = harness.accept()
    harness.work()
    assert harness.counts(alert) == {"retrying": 1, "delivered": 1}
    assert harness.read(alert).done_at is None
    del harness.transport.answers["ada"]
    harness.clock.advance(LATER_S)
    harness.work()
    assert harness.transport.reached == ["ada", "bob", "ada"]
    assert harness.counts(alert) == {"delivered": 2}
    assert harness.read(alert).done_at == harness.clock()


@pytest.mark.parametrize("retry_after", ["100", "Sat, 25 Apr 2026 12:01:40 GMT"])
def test_nobody_is_tried_again_before_the_time_that_the_service_named(harness: EngineHarness, retry_after: str) -> None:
    harness.subscribe("ada")
    harness.transport.answers["ada"] = PushResponse(status=429, retry_after=retry_after)
    harness.accept()
    harness.work()
    harness.clock.advance(99)
    harness.work()
    assert harness.transport.reached == ["ada"]
    harness.clock.advance(55)
    harness.work()
    assert harness.transport.reached == ["ada", "ada"]


def test_attempts_grow_rarer_and_end_with_the_ttl(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.transport.answers["ada"] = PushResponse(status=503)
    alert = harness.accept(ttl_s=120)
    sent_at: list[float] = []
    for second in range(200):
        before = len(harness.transport.batches)
        harness.work()
        if len(harness.transport.batches) > before:
            sent_at.append(second)
        harness.clock.advance(1)
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent_at)]
    assert gaps == sorted(gaps)
    assert 3 <= len(sent_at) <= 6
    assert sent_at[-1] < 120
    assert harness.counts(alert) == {"expired": 1}
    assert harness.read(alert).done_at is not None
    assert harness.is_subscribed("ada")


def test_a_late_attempt_asks_the_service_to_keep_the_message_for_the_rest_of_its_time(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.transport.answers["ada"] = PushResponse(status=503)
    harness.accept(ttl_s=3600)
    harness.work()
    harness.clock.advance(LATER_S)
    harness.work()
    assert [batch[0].headers.ttl_s for batch in harness.transport.batches] == [3600, 3590]


def test_an_alert_whose_time_is_over_is_sent_to_nobody(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    alert = harness.accept(ttl_s=60)
    harness.clock.advance(61)
    harness.work()
    assert harness.transport.reached == []
    assert harness.counts(alert) == {"expired": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_refuses_everybody_is_paused_with_an_alarm_and_loses_nobody(
    harness: EngineHarness, status: int
) -> None:
    names = [f"reader-{number}" for number in range(SEVERAL)]
    harness.subscribe(*names)
    harness.prove()
    harness.transport.answers |= {name: PushResponse(status=status) for name in names}
    first = harness.accept()
    with capture_logs() as logs:
        harness.work()
    assert [(line["event"], line["log_level"]) for line in logs] == [("push.service-paused", "error")]
    harness.transport.batches.clear()
    harness.subscribe("bob")
    harness.subscribe("eve", service="apple")
    second = harness.accept(story=2)
    harness.work()
    assert harness.transport.reached == ["eve"]
    assert harness.counts(second) == {"retrying": SEVERAL + 1, "delivered": 1}
    harness.transport.answers.clear()
    for _ in range(20):
        harness.clock.advance(10)
        harness.work()
    assert (harness.counts(first), harness.counts(second)) == ({"delivered": SEVERAL}, {"delivered": SEVERAL + 2})
    assert all(harness.is_subscribed(name) for name in (*names, "bob", "eve"))


def test_a_key_that_is_not_configured_loses_nobody(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    stranger = harness.worker(ScriptedTransport(), key_id="another-key")
    alert = harness.accept()
    with capture_logs() as logs:
        stranger.work_once(never)
    assert [line["event"] for line in logs] == ["push.misconfigured"]
    assert harness.counts(alert) == {"retrying": 1}
    harness.clock.advance(LATER_S)
    harness.work()
    assert harness.counts(alert) == {"delivered": 1}
    assert harness.transport.batches[0][0].headers.authorization.endswith(KEY.application_server_key)


def test_outcomes_are_counted_by_service(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.subscribe("eve", service="apple")
    harness.transport.answers["eve"] = PushResponse(status=410)
    harness.accept()
    harness.work()
    text = harness.metrics.exposition().decode()
    assert 'notifier_pushes_total{outcome="delivered",service="mozilla"} 1.0' in text
    assert 'notifier_pushes_total{outcome="gone",service="apple"} 1.0' in text


@pytest.mark.parametrize("status", [406, 429])
@pytest.mark.parametrize(
    "header", ["Fri, 31 Dec 9999 23:59:59 GMT", "9" * 5000, "-1", "１２０", "Fri, 31 Dec 9999 23:59:59 -2359"]
)
def test_whatever_retry_after_says_everybody_else_gets_the_alert_once(
    harness: EngineHarness, status: int, header: str
) -> None:
    harness.subscribe("ada", "bob", "cyd", "dan", "eve")
    harness.transport.answers["bob"] = PushResponse(status=status, retry_after=header)
    alert = harness.accept()
    harness.work()
    harness.clock.advance(7200)
    harness.work()
    assert [harness.transport.reached.count(name) for name in ("ada", "cyd", "dan", "eve")] == [1] * 4
    assert harness.counts(alert) == {"delivered": 4, "expired": 1}
    assert harness.read(alert).done_at is not None
    assert harness.is_subscribed("bob")


def test_windows_limit_is_kept_and_then_the_alert_is_sent(harness: EngineHarness) -> None:
    """WNS says 406 with Retry-After where all others say 429."""
    harness.subscribe("ada", "bob", service="wns")
    harness.transport.answers["ada"] = PushResponse(status=406, retry_after="60")
    alert = harness.accept()
    harness.work()
    harness.transport.answers.clear()
    harness.clock.advance(59)
    harness.work()
    assert harness.counts(alert)["delivered"] == 1
    harness.clock.advance(60)
    harness.work()
    assert harness.counts(alert) == {"delivered": 2}


def test_an_answer_that_nobody_foresaw_is_one_recipients_retry(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob", "cyd")
    harness.transport.answers["bob"] = PushResponse(status=cast("int", "４１０"))
    alert = harness.accept()
    with capture_logs() as logs:
        harness.work()
    assert "push.not-judged" in [line["event"] for line in logs]
    assert harness.counts(alert) == {"delivered": 2, "retrying": 1}
    harness.transport.answers.clear()
    harness.clock.advance(LATER_S)
    harness.work()
    assert harness.counts(alert) == {"delivered": 3}
    assert harness.transport.reached == ["ada", "bob", "cyd", "bob"]


def test_what_cannot_be_sealed_is_one_recipients_retry(harness: EngineHarness) -> None:
    def seal_most(payload: bytes, keys: PushKeys) -> bytes:
        if keys.endpoint.endswith("bob"):
            raise SubscriptionInvalid("the browser's public key is not a point on P-256")
        return payload

    harness.subscribe("ada", "bob", "cyd")
    alert = harness.accept()
    runner = harness.worker(harness.transport, seal=seal_most)
    while runner.work_once(never):
        pass
    assert harness.counts(alert) == {"delivered": 2, "retrying": 1}
    assert harness.transport.reached == ["ada", "cyd"]


class BrokenPauses(Pauses):
    """Breaks whenever it is asked what else a service took."""

    def is_amid(self, service: str | None, now: datetime) -> bool:
        raise OverflowError


def test_what_breaks_while_one_answer_is_judged_is_one_recipients_retry(harness: EngineHarness) -> None:
    harness.pauses = BrokenPauses(harness.metrics)
    harness.subscribe("ada", "bob", "cyd")
    harness.transport.answers["bob"] = PushResponse(status=403)
    alert = harness.accept()
    runner = harness.worker(harness.transport)
    while runner.work_once(never):
        pass
    assert harness.counts(alert) == {"delivered": 2, "retrying": 1}
