"""How often a feed is asked, and why."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.cadence import CadenceSettings, next_poll_at, pace, rhythm_s
from tests.feeds.claimed import NOON, a_feed, a_poll_state, ago

SETTINGS = CadenceSettings()


def interval(feed: dict[str, Any] | None = None, **poll_state: Any) -> float:
    known = a_poll_state(**poll_state)
    return pace(a_feed(known, **(feed or {})), known, NOON, SETTINGS).interval_s


@pytest.mark.parametrize(
    ("poll_state", "seconds"),
    [
        ({"usual_gap_s": 900.0}, 300.0),
        ({"usual_gap_s": 30.0}, 30.0),
        ({"usual_gap_s": 86_400.0}, 3_600.0),
        ({"usual_gap_s": None}, 300.0),
        ({"usual_gap_s": 300.0, "max_age_s": 60.0}, 100.0),
        ({"usual_gap_s": 300.0, "max_age_s": 200.0}, 200.0),
        ({"usual_gap_s": 300.0, "ttl_s": 3_600.0}, 300.0),
        ({"usual_gap_s": 60.0, "max_age_s": 9e9}, 300.0),
    ],
)
def test_the_interval_is_a_third_of_the_gap_within_limits_and_hints(poll_state: dict[str, Any], seconds: float) -> None:
    assert interval(**poll_state) == seconds


def test_a_feed_that_lately_broke_news_is_asked_twice_as_often_for_two_hours() -> None:
    assert interval({"broke_at": ago(minutes=90)}) == 150.0
    assert interval({"broke_at": ago(minutes=150)}) == 300.0


def test_failures_double_the_interval_up_to_the_limit_and_success_restores_it_at_once() -> None:
    assert [interval(failures=n) for n in (1, 2, 3, 4, 60)] == [600.0, 1_200.0, 2_400.0, 3_600.0, 3_600.0]
    assert interval(failures=0) == 300.0


def test_a_pin_wins_and_failing_backs_off_from_it() -> None:
    assert interval({"pinned_s": 15.0}) == 15.0
    assert interval({"pinned_s": 7_200.0}, failures=1) == 7_200.0
    assert interval({"pinned_s": 15.0}, failures=2) == 60.0


def test_polling_is_a_safety_net_while_a_hub_works_and_not_when_it_goes_quiet() -> None:
    assert interval({"hub_active": True}) == 900.0
    assert interval({"hub_active": True}, hub_missed=2) == 300.0


def test_the_reason_is_in_words() -> None:
    poll_state = a_poll_state(ttl_s=600.0, usual_gap_s=60.0)
    assert pace(a_feed(poll_state), poll_state, NOON, SETTINGS).why == "it asks for 300 s between polls"
    poll_state = a_poll_state(usual_gap_s=600.0)
    feed = a_feed(poll_state, broke_at=NOON)
    assert pace(feed, poll_state, NOON, SETTINGS).why == (
        "it changes every 600 s or so, halved because it broke news lately"
    )


@given(
    st.floats(0, 1e9) | st.none(),
    st.floats(0, 1e9) | st.none(),
    st.floats(0, 1e9) | st.none(),
    st.integers(0, 100_000),
    st.floats(-1, 1),
)
def test_whatever_a_feed_says_the_interval_stays_within_its_limits(
    gap: float | None, ttl: float | None, max_age: float | None, failures: int, jitter: float
) -> None:
    found = interval(usual_gap_s=gap, ttl_s=ttl, max_age_s=max_age, failures=failures)
    assert 30.0 <= found <= 3_600.0
    assert 26.9 <= (next_poll_at(NOON, found, jitter, SETTINGS) - NOON).total_seconds() <= 3_961


def test_a_new_feeds_rhythm_is_read_from_its_dates() -> None:
    assert rhythm_s([ago(minutes=10 * n) for n in range(6)]) == 600.0
    assert rhythm_s([ago(minutes=1), None, ago(minutes=2)]) is None
    assert rhythm_s([NOON] * 20) is None
