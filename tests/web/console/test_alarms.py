"""What is wrong is said with what to do, the grave first; what is well says nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from notifier.alerts.queue import QueueState
from notifier.feeds.feed import FeedState
from notifier.push.pacing import Limit, Pace
from notifier.web.console.alarms import Alarm, alarms, service_reports, span
from notifier.web.console.state import ChoreReport, SystemState
from notifier.web.services import Check
from tests.web.console.newsroom import Console
from tests.web.console.rooms import health
from tests.web.site import NOW

WELL = SystemState("This process", contact="mailto:desk@news.example")
SOON = NOW + timedelta(minutes=1)


def told(state: SystemState, **more: object) -> list[Alarm]:
    known: dict[str, object] = {"checks": {}, "complaints": (), "feeds": (), "now": NOW, "wall": NOW}
    return alarms(state, **known | more)  # type: ignore[arg-type]


def test_where_all_is_well_there_is_no_alarm() -> None:
    assert told(replace(WELL, paces={"https://push.example": Pace()}, chores=[ChoreReport("poll", 1, NOW, 0.1)])) == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (replace(WELL, paused={"mozilla": SOON}), "mozilla, paused: It refuses our key"),
        (replace(WELL, paces={"https://push.example": Pace(failures=4, rests_until=SOON)}), "circuit open"),
        (replace(WELL, paces={"https://push.example": Pace(limit=Limit(per_minute=1000))}), "limited"),
        (replace(WELL, queue=QueueState(ready={True: 3}, oldest_ready_at=NOW - timedelta(minutes=9))), "for 9 minutes"),
        (replace(WELL, chores=[ChoreReport("prune", 3600, NOW, 0.1, "OSError", 2)]), "failed 2 times running"),
        (replace(WELL, chores=[ChoreReport("poll", 1, NOW - timedelta(minutes=5), 0.1)]), "not ended a run for 5 min"),
        (replace(WELL, unknown_keys=12), "12 subscriptions are bound to a key that is not here"),
    ],
)
def test_what_holds_alerts_up_is_grave_and_says_what_helps(state: SystemState, said: str) -> None:
    (alarm,) = told(state)

    assert said in alarm.what
    assert alarm.do
    assert alarm.grave


def test_the_grave_come_first() -> None:
    found = told(replace(WELL, public=False), checks={"database": Check(False, "does not answer")})

    assert [alarm.grave for alarm in found] == [True, False]
    assert "does not answer" in found[0].what


def test_many_failing_feeds_point_at_our_own_network() -> None:
    bad = [health(n, f"https://{n}.example/", FeedState.FAILING) for n in range(5)]

    (alarm,) = told(WELL, feeds=bad)
    assert "network" in alarm.do
    (alarm,) = told(WELL, feeds=[*bad[:1], *(health(n, "https://x.example/") for n in range(9))])
    assert not alarm.grave


def test_services_that_are_not_well_are_listed_first() -> None:
    paces = {
        "https://a.example": Pace(usual_s=0.02),
        "https://b.example": Pace(failures=3),
        "https://c.example": Pace(),
    }

    assert [(r.name, r.well) for r in service_reports(replace(WELL, paces=paces), NOW)] == [
        ("b.example", False),
        ("a.example", True),
        ("c.example", True),
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "under 1 s"), (45, "45 s"), (60, "1 min"), (5400, "2 h"), (86_400, "24 h"), (4 * 86_400, "4 days")],
)
def test_a_length_of_time_is_said_in_its_unit(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_the_page_shows_alarms_chores_and_keys(console: Console) -> None:
    console.sign_in()
    later: datetime = NOW + timedelta(seconds=30)
    console.state = replace(
        WELL,
        chores=[ChoreReport("audience", 3600, NOW, 0.21, "OperationalError", 1)],
        paused={"apple": later},
        versions={"Notifier": "1.2"},
    )

    page = console.get("/console/system").text

    assert "apple, paused" in page
    assert "keep how many follow what today" in page
    assert "failed: OperationalError" in page
    assert "<dt>Notifier</dt><dd>1.2</dd>" in page
