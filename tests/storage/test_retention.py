"""What is deleted by age is deleted for good: a clock that is wrong for a moment takes nothing away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.storage.retention import Horizon

NOW = datetime(2030, 5, 14, 12, tzinfo=UTC)
KEEP = timedelta(days=65)
HOUR = timedelta(hours=1)


class Steady:
    """A clock that nobody sets, in hours from its start."""

    def __init__(self) -> None:
        self.hours = 0

    def __call__(self) -> float:
        return self.hours * 3_600.0


@given(st.lists(st.integers(-10_000, 10_000).map(lambda days: timedelta(days=days)), max_size=20))
def test_a_clock_that_is_wrong_at_some_looks_deletes_nothing_that_is_to_be_kept(steps: list[timedelta]) -> None:
    steady = Steady()
    horizon = Horizon(KEEP, steady)
    for step in steps:
        for is_right in (False, True):  # wrong at no two looks in a row
            right = NOW + steady.hours * HOUR
            before = horizon.at(right if is_right else right + step)
            assert before is None or before <= right - KEEP
            steady.hours += 1


def test_with_a_clock_that_is_right_all_goes_that_is_old_from_the_second_look_on() -> None:
    steady = Steady()
    horizon = Horizon(KEEP, steady)
    assert horizon.at(NOW) is None
    steady.hours = 1
    assert horizon.at(NOW + HOUR) == NOW + HOUR - KEEP
