"""How fast an alert goes out, and what it came to: by what was seen lately, and from the story's publication."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.alerts.alert import Alert
from notifier.web.console.progress import Figures, Meter, Progress, figures
from tests.web.site import NOW
from tests.web.site import alert as made


def alert(settled: int = 0, retrying: int = 0, minutes_ago: float = 0) -> Alert:
    counts = {"delivered": settled, "retrying": retrying}
    return replace(made(1, "Ferry aground", minutes_ago=minutes_ago), counts=counts, audience=1000)


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_the_rate_is_that_since_the_last_looks() -> None:
    meter = Meter()
    meter.progress(alert(100), NOW + at(10))

    assert meter.progress(alert(300), NOW + at(20)) == Progress(300, 20.0, 35.0)


def test_the_first_look_counts_from_the_release() -> None:
    assert Meter().progress(alert(100), NOW + at(10)) == Progress(100, 10.0, 90.0)


def test_one_that_has_come_to_a_stop_is_not_promised_an_end() -> None:
    meter = Meter()
    for seconds in range(0, 60, 10):
        last = meter.progress(alert(100), NOW + at(100 + seconds))

    assert last == Progress(100, 0.0, None)


def test_those_that_are_tried_again_do_not_count_as_left() -> None:
    assert Meter().progress(alert(990, retrying=10), NOW + at(10)).left_s is None


def test_times_run_from_the_storys_publication() -> None:
    sent = replace(alert(970), published_at=NOW - at(15), counts={"delivered": 970, "gone": 20, "retrying": 10})

    found = figures(sent, {"shown": 700, "clicked": 60}, {"accepted": [(5.0, 500), (60.0, 400), (120.0, 100)]})

    assert found == Figures(970, 20, 10, 20.0, 75.0, 0.9, 700, 60)


@pytest.mark.parametrize("minutes_ago", [0, 10])
def test_what_nobody_told_is_not_known(minutes_ago: float) -> None:
    assert figures(alert(minutes_ago=minutes_ago), {}, {}) == Figures()
