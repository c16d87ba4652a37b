"""401 and 403: one subscription's refusals are its own, and only nearly all pause a service."""

from __future__ import annotations

from datetime import timedelta

from structlog.testing import capture_logs

from notifier.engine.refusals import (
    ENDS_AFTER,
    ENDS_REFUSALS,
    MOST_REMEMBERED,
    SEVERAL,
    UNPROVEN_ENDS_AFTER,
    UNPROVEN_ENDS_FAILURES,
)
from notifier.push.transport import PushResponse
from notifier.storage.schema import standing
from tests.engine.harness import EngineHarness

GOOD = [f"good-{number}" for number in range(8)]
BAD = [f"bad-{number}" for number in range(3 * SEVERAL)]
DAY_S = 86_400.0


def day_after_day(harness: EngineHarness, days: int, *, story: int = 100) -> None:
    """An alert on each day, with all its retries."""
    for number in range(days):
        harness.accept(story=story + number, ttl_s=60)
        for _ in range(12):
            harness.work()
            harness.clock.advance(10)
        harness.clock.advance(DAY_S - 120)


def test_refusals_of_some_amid_acceptances_pause_nobody_and_are_named(harness: EngineHarness) -> None:
    harness.subscribe(*BAD, *GOOD)
    harness.prove()
    harness.sub_batch = 100
    harness.runner = harness.worker(harness.transport)
    harness.transport.answers |= {name: PushResponse(status=403) for name in BAD}
    with capture_logs() as logs:
        alert = harness.accept()
        for _ in range(10):
            harness.work()
            harness.clock.advance(10)
    assert logs == [], "no alarm about a good key"
    assert not harness.pauses.is_paused("mozilla", harness.clock())
    assert harness.counts(alert) == {"delivered": len(GOOD), "refused-403": len(BAD)}
    assert harness.read(alert).done_at is not None
    assert all(harness.is_subscribed(name) for name in BAD), "one alert ends nobody"


def test_a_service_that_accepts_what_it_accepted_before_is_not_paused(harness: EngineHarness) -> None:
    harness.subscribe("good", *BAD)
    harness.prove()
    harness.sub_batch = 100
    harness.first_batch = 1  # the good one alone, then only bad ones
    harness.runner = harness.worker(harness.transport)
    harness.transport.answers |= {name: PushResponse(status=401) for name in BAD}
    harness.accept(breaking=True)
    harness.work()
    assert harness.transport.reached.count("good") == 2, "probed with the alert that it has, which the device hides"
    assert not harness.pauses.is_paused("mozilla", harness.clock())


def test_a_few_of_one_person_who_are_pushed_to_first_pause_nobody(harness: EngineHarness) -> None:
    few, good = BAD[:SEVERAL], [f"good-{number}" for number in range(MOST_REMEMBERED)]
    harness.subscribe(*few, *good)
    harness.sub_batch, harness.first_batch = (
        100,
        SEVERAL,
    )  # they are alone in the first batch, as on a topic of their own
    harness.runner = harness.worker(harness.transport)
    harness.accept(story=1, ttl_s=60)
    harness.work()  # everybody is accepted: they all count
    harness.transport.answers |= {name: PushResponse(status=403) for name in few}
    for story, wait_s in ((2, 10.0), (3, 3600.0)):  # while the alert before may be repeated, and when its time is over
        harness.clock.advance(wait_s)
        alert = harness.accept(story=story, breaking=True)
        harness.work()
        assert not harness.pauses.is_paused("mozilla", harness.clock())
        assert harness.counts(alert)["delivered"] == len(good)


def test_who_was_accepted_last_does_not_speak_for_a_service_alone(harness: EngineHarness) -> None:
    harness.subscribe(*BAD[:SEVERAL], "good", "turncoat")
    harness.sub_batch = 1  # so that it is the turncoat who was accepted last
    harness.runner = harness.worker(harness.transport)
    harness.accept(story=1)
    harness.work()
    harness.transport.answers |= {name: PushResponse(status=403) for name in ("turncoat", *BAD)}
    harness.accept(story=2)
    harness.work()
    assert not harness.pauses.is_paused("mozilla", harness.clock())


def test_strangers_who_were_never_accepted_pause_nobody_however_many(harness: EngineHarness) -> None:
    harness.subscribe(*BAD)
    harness.transport.answers |= {name: PushResponse(status=403) for name in BAD}
    harness.accept()
    harness.work()
    assert not harness.pauses.is_paused("mozilla", harness.clock())


def test_a_subscription_that_is_refused_again_and_again_amid_acceptances_ends(harness: EngineHarness) -> None:
    harness.subscribe("bad", "good")
    harness.prove()
    harness.transport.answers["bad"] = PushResponse(status=403)
    day_after_day(harness, ENDS_REFUSALS - 1)
    assert harness.is_subscribed("bad")
    assert timedelta(days=ENDS_REFUSALS) > ENDS_AFTER
    day_after_day(harness, 1, story=200)
    assert not harness.is_subscribed("bad")
    assert harness.is_subscribed("good")


def test_an_acceptance_makes_refusals_forgotten(harness: EngineHarness) -> None:
    harness.subscribe("bad", "good")
    harness.prove()
    for round_ in range(3):
        harness.transport.answers["bad"] = PushResponse(status=403)
        day_after_day(harness, ENDS_REFUSALS - 1, story=100 * round_ + 100)
        harness.transport.answers.clear()
        day_after_day(harness, 1, story=100 * round_ + 150)
    assert harness.is_subscribed("bad")


def test_nobody_ends_where_nobody_is_accepted(harness: EngineHarness) -> None:
    harness.subscribe("bad")
    harness.transport.answers["bad"] = PushResponse(status=403)
    day_after_day(harness, 2 * ENDS_REFUSALS)
    assert harness.is_subscribed("bad")


def test_a_subscription_that_never_once_was_delivered_is_let_go_after_some_days(harness: EngineHarness) -> None:
    harness.subscribe("good")
    harness.prove()
    harness.subscribe("invented", service="nowhere")
    harness.transport.answers["invented"] = PushResponse(error="dns")
    day_after_day(harness, UNPROVEN_ENDS_FAILURES)
    assert harness.is_subscribed("invented")
    day_after_day(harness, UNPROVEN_ENDS_AFTER.days, story=200)
    assert not harness.is_subscribed("invented")


def test_a_network_that_is_away_ends_nobody_who_is_new(harness: EngineHarness) -> None:
    harness.subscribe("new", "newer")
    harness.transport.answers |= {name: PushResponse(error="connect") for name in ("new", "newer")}
    day_after_day(harness, 3 * UNPROVEN_ENDS_FAILURES)
    assert harness.is_subscribed("new")
    assert harness.is_subscribed("newer")


def test_a_subscription_proves_itself_once_and_anew_when_it_moves(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    assert standings(harness) == [(False, 0)]
    harness.accept()
    harness.work()
    assert standings(harness) == []


def standings(harness: EngineHarness) -> list[tuple[bool, int]]:
    with harness.database.reading() as connection:
        return [(row.is_proven, row.failures) for row in connection.execute(standing.select())]
