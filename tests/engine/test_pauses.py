from __future__ import annotations

from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from notifier.engine.pauses import PAUSE_S, Pauses
from notifier.telemetry import Metrics

NOW = datetime(2026, 4, 25, 12, 0, tzinfo=UTC)
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
