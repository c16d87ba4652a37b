"""Histograms of few buckets, read by a person in a hurry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.receipts import (
    BUCKETS_S,
    TOLD_AT_MOST,
    believable,
    bucket_of,
    end_of,
    quantile_s,
    share_asked,
    share_within,
    total,
)


@given(st.floats(-1e9, 1e9))
def test_every_time_has_a_bucket_that_is_not_below_it(seconds: float) -> None:
    number = bucket_of(seconds)
    assert 0 <= number < len(BUCKETS_S)
    assert seconds <= BUCKETS_S[number] or number == len(BUCKETS_S) - 1
    assert number == 0 or BUCKETS_S[number - 1] < seconds


@given(st.integers(0, len(BUCKETS_S) - 1), st.floats(0, 1e7))
def test_nobody_showed_an_alert_later_than_now(bucket: int, since_s: float) -> None:
    assert believable(bucket, since_s) <= min(bucket, bucket_of(since_s))


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 2.0), (0.9, 30.0), (0.99, 120.0), (0.1, 1.0)])
def test_a_quantile_is_the_end_of_the_bucket_that_it_falls_into(share: float, seconds: float) -> None:
    assert quantile_s([(1.0, 20), (2.0, 40), (30.0, 35), (120.0, 5)], share) == seconds


def test_the_share_within_two_minutes_counts_whole_buckets() -> None:
    histogram = [(1.0, 20), (120.0, 60), (180.0, 20)]
    assert share_within(histogram) == 0.8
    assert total(histogram) == 100


def test_of_nothing_there_is_no_quantile_and_no_share() -> None:
    assert quantile_s([], 0.5) is None
    assert share_within([]) is None


def test_all_of_few_are_asked_and_about_as_many_of_many() -> None:
    assert share_asked(0) == share_asked(TOLD_AT_MOST) == 1
    assert share_asked(1_000_000) * 1_000_000 == pytest.approx(TOLD_AT_MOST)


def test_a_buckets_end_is_one_of_few() -> None:
    assert end_of(0.0) == 0.5
    assert end_of(119.0) == 120.0
