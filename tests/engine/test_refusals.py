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
from notifier.push.send import Answer
from notifier.storage.schema import standing
from tests.engine.house import EngineHouse

GOOD = [f"good-{number}" for number in range(8)]
BAD = [f"bad-{number}" for number in range(3 * SEVERAL)]
DAY_S = 86_400.0


def day_after_day(house: EngineHouse, days: int, *, story: int = 100) -> None:
    """An alert on each day, with all its retries."""
    for number in range(days):
        house.accept(story=story + number, ttl_s=60)
        for _ in range(12):
            house.work()
            house.clock.advance(10)
        house.clock.advance(DAY_S - 120)


def test_refusals_of_some_amid_acceptances_pause_nobody_and_are_named(house: EngineHouse) -> None:
    house.subscribe(*BAD, *GOOD)
    house.prove()
    house.sub_batch = 100
    house.runner = house.worker(house.wire)
    house.wire.answers |= {name: Answer(status=403) for name in BAD}
    with capture_logs() as logs:
        alert = house.accept()
        for _ in range(10):
            house.work()
            house.clock.advance(10)
    assert logs == [], "no alarm about a good key"
    assert not house.pauses.is_paused("mozilla", house.clock())
    assert house.counts(alert) == {"delivered": len(GOOD), "refused-403": len(BAD)}
    assert house.read(alert).done_at is not None
    assert all(house.is_subscribed(name) for name in BAD), "one alert ends nobody"


def test_a_service_that_accepts_what_it_accepted_before_is_not_paused(house: EngineHouse) -> None:
    house.subscribe("good", *BAD)
    house.prove()
    house.sub_batch = 100
    house.first_batch = 1  # the good one alone, then only bad ones
    house.runner = house.worker(house.wire)
    house.wire.answers |= {name: Answer(status=401) for name in BAD}
    house.accept(breaking=True)
    house.work()
    assert house.wire.reached.count("good") == 2, "probed with the alert that it has, which the device hides"
    assert not house.pauses.is_paused("mozilla", house.clock())


def test_a_few_of_one_person_who_are_pushed_to_first_pause_nobody(house: EngineHouse) -> None:
    few, good = BAD[:SEVERAL], [f"good-{number}" for number in range(MOST_REMEMBERED)]
    house.subscribe(*few, *good)
    house.sub_batch, house.first_batch = 100, SEVERAL  # they are alone in the first batch, as on a topic of their own
    house.runner = house.worker(house.wire)
    house.accept(story=1, ttl_s=60)
    house.work()  # everybody is accepted: they all count
    house.wire.answers |= {name: Answer(status=403) for name in few}
    for story, wait_s in ((2, 10.0), (3, 3600.0)):  # while the alert before may be repeated, and when its time is over
        house.clock.advance(wait_s)
        alert = house.accept(story=story, breaking=True)
        house.work()
        assert not house.pauses.is_paused("mozilla", house.clock())
        assert house.counts(alert)["delivered"] == len(good)


def test_who_was_accepted_last_does_not_speak_for_a_service_alone(house: EngineHouse) -> None:
    house.subscribe(*BAD[:SEVERAL], "good", "turncoat")
    house.sub_batch = 1  # so that it is the turncoat who was accepted last
    house.runner = house.worker(house.wire)
    house.accept(story=1)
    house.work()
    house.wire.answers |= {name: Answer(status=403) for name in ("turncoat", *BAD)}
    house.accept(story=2)
    house.work()
    assert not house.pauses.is_paused("mozilla", house.clock())


def test_strangers_who_were_never_accepted_pause_nobody_however_many(house: EngineHouse) -> None:
    house.subscribe(*BAD)
    house.wire.answers |= {name: Answer(status=403) for name in BAD}
    house.accept()
    house.work()
    assert not house.pauses.is_paused("mozilla", house.clock())


def test_a_subscription_that_is_refused_again_and_again_amid_acceptances_ends(house: EngineHouse) -> None:
    house.subscribe("bad", "good")
    house.prove()
    house.wire.answers["bad"] = Answer(status=403)
    day_after_day(house, ENDS_REFUSALS - 1)
    assert house.is_subscribed("bad")
    assert timedelta(days=ENDS_REFUSALS) > ENDS_AFTER
    day_after_day(house, 1, story=200)
    assert not house.is_subscribed("bad")
    assert house.is_subscribed("good")


def test_an_acceptance_makes_refusals_forgotten(house: EngineHouse) -> None:
    house.subscribe("bad", "good")
    house.prove()
    for round_ in range(3):
        house.wire.answers["bad"] = Answer(status=403)
        day_after_day(house, ENDS_REFUSALS - 1, story=100 * round_ + 100)
        house.wire.answers.clear()
        day_after_day(house, 1, story=100 * round_ + 150)
    assert house.is_subscribed("bad")


def test_nobody_ends_where_nobody_is_accepted(house: EngineHouse) -> None:
    house.subscribe("bad")
    house.wire.answers["bad"] = Answer(status=403)
    day_after_day(house, 2 * ENDS_REFUSALS)
    assert house.is_subscribed("bad")


def test_a_subscription_that_never_once_was_delivered_is_let_go_after_some_days(house: EngineHouse) -> None:
    house.subscribe("good")
    house.prove()
    house.subscribe("invented", service="nowhere")
    house.wire.answers["invented"] = Answer(error="dns")
    day_after_day(house, UNPROVEN_ENDS_FAILURES)
    assert house.is_subscribed("invented")
    day_after_day(house, UNPROVEN_ENDS_AFTER.days, story=200)
    assert not house.is_subscribed("invented")


def test_a_network_that_is_away_ends_nobody_who_is_new(house: EngineHouse) -> None:
    house.subscribe("new", "newer")
    house.wire.answers |= {name: Answer(error="connect") for name in ("new", "newer")}
    day_after_day(house, 3 * UNPROVEN_ENDS_FAILURES)
    assert house.is_subscribed("new")
    assert house.is_subscribed("newer")


def test_a_subscription_proves_itself_once_and_anew_when_it_moves(house: EngineHouse) -> None:
    house.subscribe("ada")
    assert standings(house) == [(False, 0)]
    house.accept()
    house.work()
    assert standings(house) == []


def standings(house: EngineHouse) -> list[tuple[bool, int]]:
    with house.database.reading() as connection:
        return [(row.is_proven, row.failures) for row in connection.execute(standing.select())]
