"""When a poll sends conditions: nearly always, and not for so long that a "not modified" could hide the news."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.conditions import (
    MAX_VALIDATOR,
    WHOLE_AT_LEAST,
    WHOLE_AT_MOST,
    kept,
    seen_whole,
    unmodified,
    validators,
    wants_whole,
)
from notifier.feeds.poll_state import PollState
from tests.feeds.claimed import NOON, a_poll_state, ago

ETAG, MODIFIED = 'W/"1"', "Sun, 01 Mar 2026 11:50:00 GMT"


def known(**more: object) -> PollState:
    return a_poll_state(etag=ETAG, last_modified=MODIFIED, **more)


@given(
    gap_s=st.none() | st.floats(0, 1e12, allow_nan=False),
    ago_s=st.floats(-1e7, 1e7, allow_nan=False),
    failures=st.integers(0, 2),
)
def test_the_whole_is_asked_for_once_a_day_at_least_and_every_two_hours_at_most(
    gap_s: float | None, ago_s: float, failures: int
) -> None:
    since = timedelta(seconds=ago_s)
    poll_state = known(usual_gap_s=gap_s, last_body_at=NOON - since, failures=failures)
    if since >= WHOLE_AT_LEAST or since < timedelta():
        assert wants_whole(poll_state, NOON)
        assert validators(poll_state, NOON) == (None, None)
    if timedelta() <= since < WHOLE_AT_MOST:
        assert validators(poll_state, NOON) == (ETAG, MODIFIED)


def test_a_feed_in_doubt_is_one_that_skipped_three_of_its_gaps() -> None:
    assert not wants_whole(known(usual_gap_s=7_200.0, last_body_at=ago(hours=5, minutes=59)), NOON)
    assert wants_whole(known(usual_gap_s=7_200.0, last_body_at=ago(hours=6)), NOON)
    assert wants_whole(known(usual_gap_s=None, last_body_at=ago(hours=6)), NOON)


def test_304_for_ever_is_seen_through_from_the_first_one_on() -> None:
    poll_state = unmodified(known(), NOON)
    assert validators(poll_state, NOON + timedelta(minutes=119)) == (ETAG, MODIFIED)
    for minutes in (5, 30, 120):
        assert unmodified(poll_state, NOON + timedelta(minutes=minutes)) is poll_state, "a 304 shows no document"
    assert validators(poll_state, NOON + timedelta(minutes=120)) == (None, None)


def test_a_body_that_is_always_the_same_is_noted_as_seldom_as_it_may_be() -> None:
    poll_state = seen_whole(known(), NOON)
    assert poll_state.last_body_at == NOON
    assert seen_whole(poll_state, NOON + timedelta(minutes=119)) is poll_state
    assert seen_whole(poll_state, NOON + timedelta(hours=2)).last_body_at == NOON + timedelta(hours=2)


def test_a_feed_that_fails_is_asked_without_a_validator_that_may_be_the_reason() -> None:
    assert validators(known(failures=2, last_body_at=NOON), NOON) == (ETAG, MODIFIED)
    assert validators(known(failures=3, last_body_at=NOON), NOON) == (None, None)


@pytest.mark.parametrize(
    ("modified", "sent"),
    [
        ("Sun, 01 Mar 2026 12:30:00 GMT", True),
        ("Mon, 02 Mar 2026 12:00:00 GMT", False),
        ("Fri, 31 Dec 9999 23:59:59 GMT", False),
        ("Fri, 31 Dec 9999 23:59:59 -1200", False),
        ("Fri, 99 Dec 2026 23:59:59 GMT", True),
        ("yesterday", True),
        ("", False),
    ],
)
def test_a_last_modified_in_the_future_is_not_sent(modified: str, sent: bool) -> None:
    poll_state = a_poll_state(last_modified=modified, last_body_at=NOON)
    assert validators(poll_state, NOON) == (None, modified if sent else None)


@given(st.text(max_size=40), st.datetimes())
def test_no_text_whatever_makes_it_raise(text: str, day: datetime) -> None:
    validators(a_poll_state(last_modified=text, etag=text), NOON)
    validators(a_poll_state(last_modified=f"{day:%a, %d %b %Y %H:%M:%S} GMT"), NOON)


def test_a_validator_of_any_length_is_not_carried_about() -> None:
    assert kept("x" * MAX_VALIDATOR) is not None
    assert kept("x" * (MAX_VALIDATOR + 1)) is None
    assert validators(a_poll_state(etag="x" * 60_000), NOON) == (None, None)
