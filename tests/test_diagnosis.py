"""What is wrong is said with what to do; what is well says nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.alerts.queue import QueueState
from notifier.diagnosis import merged, of_checks, of_settings, troubles_of
from notifier.feeds.feed import HealthStatus
from notifier.operations.system import JobReport, SystemState
from notifier.push.pacing import Limit, ServicePace
from notifier.troubles import Code, Trouble
from notifier.web.services import Check
from tests.web.console.rooms import health
from tests.web.site import NOW

WELL = SystemState("This process", contact="mailto:desk@news.example.com")
SOON = NOW + timedelta(minutes=1)


def told(state: SystemState, **more: object) -> list[Trouble]:
    known: dict[str, object] = {"complaints": {}, "feeds": (), "now": NOW, "wall": NOW}
    return troubles_of(state, **known | more)  # type: ignore[arg-type]


def test_where_all_is_well_there_is_no_trouble() -> None:
    assert (
        told(replace(WELL, paces={"https://push.example": ServicePace()}, jobs=[JobReport("poll", 1, NOW, 0.1)])) == []
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (replace(WELL, paused={"mozilla": SOON}), "mozilla, paused: It refuses our key"),
        (replace(WELL, paces={"https://push.example": ServicePace(failures=4, rests_until=SOON)}), "circuit open"),
        (replace(WELL, paces={"https://push.example": ServicePace(limit=Limit(per_minute=1000))}), "limited"),
        (replace(WELL, queue=QueueState(ready={True: 3}, oldest_ready_at=NOW - timedelta(minutes=9))), "for 9 min"),
        (replace(WELL, jobs=[JobReport("prune", 3600, NOW, 0.1, "OSError", 2)]), "failed 2 times running"),
        (replace(WELL, jobs=[JobReport("poll", 1, NOW - timedelta(minutes=5), 0.1)]), "not ended a run for 5 min"),
        (replace(WELL, unknown_keys=12), "12 subscriptions are bound to a key that is not here"),
    ],
)
def test_what_holds_alerts_up_is_grave_and_says_what_helps(state: SystemState, said: str) -> None:
    (trouble,) = told(state)

    assert said in trouble.what
    assert trouble.do
    assert trouble.grave


def test_many_failing_feeds_point_at_our_own_network() -> None:
    bad = [health(n, f"https://{n}.example/", HealthStatus.FAILING) for n in range(5)]

    (trouble,) = told(WELL, feeds=bad)
    assert "network" in trouble.do
    (trouble,) = told(WELL, feeds=[*bad[:1], *(health(n, "https://x.example/") for n in range(9))])
    assert not trouble.grave


def test_a_check_that_fails_is_a_grave_trouble() -> None:
    (trouble,) = of_checks({"database": Check(False, "does not answer"), "feeds": Check(True, "40")})

    assert (trouble.code, trouble.grave) == (Code.DATABASE_AWAY, True)
    assert "does not answer" in trouble.what


def test_a_file_that_cannot_be_used_is_named() -> None:
    (trouble,) = told(WELL, complaints={"topics.yaml": "topics.yaml, line 3: no such key"})

    assert (trouble.code, trouble.subject) == (Code.CONFIG_BROKEN, "topics.yaml")
    assert "line 3" in trouble.what


def test_settings_say_what_they_keep_from_readers() -> None:
    assert [trouble.code for trouble in of_settings("mailto:operator@localhost", public=False)] == [
        Code.BASE_URL_UNSET,
        Code.CONTACT_REFUSED,
    ]
    assert list(of_settings("https://news.example.com/contact", public=True)) == []


def test_what_two_processes_tell_is_listed_once_with_the_grave_first() -> None:
    mild, grave = Trouble(Code.BROKER_AWAY, "a", "b"), Trouble(Code.DECISIONS_FAILING, "c", "d", grave=True)

    assert merged([[mild], [mild, grave], [replace(mild, subject="x")]]) == [grave, mild, replace(mild, subject="x")]
