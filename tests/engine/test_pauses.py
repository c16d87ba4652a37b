from __future__ import annotations

from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from notifier.alerts.alert import Alert, AlertKind, Message, Urgency
from notifier.alerts.delivery import Recipient
from notifier.alerts.evidence import Evidence
from notifier.engine.pauses import PAUSE_S, Pauses
from notifier.engine.refusals import Good
from notifier.telemetry import Metrics
from notifier.troubles import Code
from tests.pushsink.browser import keys_of

NOW = datetime(2026, 4, 25, 12, 0, tzinfo=UTC)
WHO = Recipient(8, keys_of(8, "https://push.example.org/8"), "windows", "key")
MESSAGE = Message("Bakery opens", "", "https://news.example/1", "The Example", NOW, "story-1")
GOOD = Good(WHO, Alert(7, 1, AlertKind.NEW, MESSAGE, frozenset(), False, Urgency.NORMAL, 60, Evidence(), NOW, 1))
AFTER = NOW + timedelta(seconds=PAUSE_S)


def gauge(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("notifier_push_services_paused", {"service": "apple"})


def test_a_pause_concerns_one_service_and_ends_by_itself() -> None:
    pauses = Pauses(Metrics())
    pauses.pause("apple", 403, NOW)
    assert pauses.is_paused("apple", NOW)
    assert not pauses.is_paused("fcm", NOW)
    assert pauses.remaining_s("apple", NOW + timedelta(seconds=10)) == PAUSE_S - 10
    assert not pauses.is_paused("apple", AFTER)


def test_the_gauge_shows_a_pause_and_its_end() -> None:
    metrics = Metrics()
    pauses = Pauses(metrics)
    pauses.pause("apple", 403, NOW)
    assert gauge(metrics) == 1
    pauses.is_paused("apple", AFTER)
    assert gauge(metrics) == 0


def test_a_pause_is_told_once_with_what_to_do() -> None:
    pauses = Pauses(Metrics())
    with capture_logs() as logs:
        pauses.pause("apple", 403, NOW)
        pauses.pause("apple", 403, NOW + timedelta(seconds=1))
    assert [line["event"] for line in logs] == ["push.service-paused"]
    assert "notifier check" in logs[0]["fix"]


def test_a_service_with_few_that_refuses_everybody_is_told_of_and_not_paused() -> None:
    pauses = Pauses(Metrics())
    for alert in (1, 1, 1, 2):
        assert not pauses.refused("windows", [7, 8], alert, 403, NOW).is_doubtful
        assert pauses.troubles(NOW) == []
    pauses.refused("windows", [7], 3, 403, NOW)
    (told,) = pauses.troubles(NOW)
    assert (told.code, told.subject, told.grave) == (Code.PUSH_REFUSING, "windows", False)
    assert "3 alerts" in told.what
    assert "403" in told.what
    assert not pauses.is_paused("windows", NOW)
    assert pauses.troubles(NOW + timedelta(days=2)) == []


def test_an_acceptance_ends_what_is_told_of_a_service() -> None:
    pauses = Pauses(Metrics())
    for alert in (1, 2, 3):
        pauses.refused("windows", [7], alert, 401, NOW)
    pauses.accepted("windows", GOOD, NOW)
    assert pauses.troubles(NOW) == []


def test_those_who_tell_nothing_of_a_service_are_not_told_of() -> None:
    pauses = Pauses(Metrics())
    for alert in range(1, 9):
        pauses.refused("windows", [], alert, 401, NOW)
    assert pauses.troubles(NOW) == []
