"""When a failed push is tried again: later each time, never before the service asks, never after the TTL."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.engine.backoff import LONGEST_S, next_attempt
from notifier.outbound.retry_after import retry_after_s
from tests.contracts.samples import NOON

FAR = NOON + timedelta(days=365)


def wait_s(attempts: int, asked_s: float | None = None) -> float:
    at = next_attempt(attempts, asked_s, NOON, FAR, random.Random(1))
    assert at is not None
    return (at - NOON).total_seconds()


def test_waits_double_from_seconds_to_a_quarter_of_an_hour() -> None:
    assert 5 <= wait_s(1) <= 7.5
    assert 10 <= wait_s(2) <= 15
    assert LONGEST_S <= wait_s(50) <= LONGEST_S * 1.5


def test_what_the_service_asks_for_is_the_least() -> None:
    assert wait_s(1, asked_s=300) >= 300


def test_nothing_is_tried_after_its_ttl() -> None:
    assert next_attempt(1, None, NOON, NOON + timedelta(seconds=4), random.Random(1)) is None


@given(st.floats(5, 1e6), st.floats(0.001, 1e6), st.integers())
def test_what_the_service_asks_for_is_tried_whenever_the_ttl_allows_it(
    asked_s: float, rest_s: float, seed: int
) -> None:
    expires = NOON + timedelta(seconds=asked_s + rest_s)
    at = next_attempt(1, asked_s, NOON, expires, random.Random(seed))
    assert at is not None
    assert NOON + timedelta(seconds=asked_s) <= at < expires


@given(st.integers(1, 10_000), st.none() | st.floats(0, 1e6), st.floats(1, 1e6))
def test_an_attempt_lies_between_now_and_the_end(attempts: int, asked_s: float | None, ttl_s: float) -> None:
    expires = NOON + timedelta(seconds=ttl_s)
    at = next_attempt(attempts, asked_s, NOON, expires, random.Random(1))
    assert at is None or NOON + timedelta(seconds=asked_s or 0) <= at < expires


@given(
    attempts=st.integers(0, 10_000),
    asked_s=st.none() | st.floats(),
    now=st.datetimes(timezones=st.just(UTC)),
    expires=st.datetimes(timezones=st.just(UTC)),
)
def test_no_wait_and_no_time_break_it(attempts: int, asked_s: float | None, now: datetime, expires: datetime) -> None:
    at = next_attempt(attempts, asked_s, now, expires, random.Random(1))
    assert at is None or now < at < expires


@given(st.text(max_size=60) | st.just("Fri, 31 Dec 9999 23:59:59 GMT"), st.integers(1, 2_419_200))
def test_whatever_a_service_writes_into_retry_after_can_be_waited_for(header: str, ttl_s: int) -> None:
    expires = NOON + timedelta(seconds=ttl_s)
    at = next_attempt(1, retry_after_s(header, NOON), NOON, expires, random.Random(1))
    assert at is None or NOON < at < expires
