"""A trial goes to one browser and says exactly what it was given, or that it is a test."""

from __future__ import annotations

import orjson

from notifier.alerts.alert import Message
from notifier.clock import ManualClock
from notifier.engine.alert_tester import AlertTester
from notifier.engine.dispatcher import PushDispatcher
from notifier.push.outcome import Delivered
from notifier.push.vapid import VapidSigner
from notifier.subscribers.subscriber import PushKeys, Subscription
from tests.contracts.samples import NOON
from tests.engine.harness import KEY, ScriptedTransport, without_sealing

ADA = Subscription(
    7, PushKeys("https://push.example/ada", b"", b""), "mozilla", KEY.key_id, "firefox", frozenset(), NOON, NOON
)


def said(message: Message | None) -> dict[str, object]:
    """What the push that went out says."""
    transport = ScriptedTransport()
    dispatcher = PushDispatcher(transport, VapidSigner([KEY], "mailto:desk@news.example"), without_sealing)
    trial = AlertTester(dispatcher, ManualClock(NOON), "The Morning Wire", "https://wire.example")

    assert trial.send(ADA, message) == Delivered()

    assert transport.reached == ["ada"]
    told: dict[str, object] = orjson.loads(transport.batches[0][0].body)
    return told


def test_an_editors_words_are_shown_as_they_are_and_never_taken_for_a_repeat() -> None:
    told = said(Message("Bridge reopens", "After a year.", "https://news.example/b", "The Morning Wire", NOON, "try-1"))

    assert (told["title"], told["body"], told["url"]) == ("Bridge reopens", "After a year.", "https://news.example/b")
    assert told["kind"] == "test"


def test_without_words_it_says_that_it_is_a_test() -> None:
    assert said(None)["title"] == "This is a test alert"
