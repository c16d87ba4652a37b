"""Series over days: the largest by name, the rest together, and nobody counted twice or left out."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from notifier.subscribers.audience import OTHERS, AudienceKind, DayCount, largest

FIRST, SECOND = date(2026, 4, 25), date(2026, 4, 26)


def count(name: str, number: int, day: date = SECOND) -> DayCount:
    return DayCount(day, AudienceKind.TOPIC, name, number)


def test_the_largest_of_today_come_first() -> None:
    series = largest([count("a", 9, FIRST), count("a", 1), count("b", 5)], 6)

    assert list(series) == ["b", "a"]
    assert series["a"] == {FIRST: 9, SECOND: 1}


def test_what_is_too_much_for_a_chart_is_added_up() -> None:
    series = largest([count("a", 9), count("b", 5), count("c", 2), count("c", 1, FIRST)], 2)

    assert dict(series["a"]) == {SECOND: 9}
    assert dict(series[OTHERS]) == {SECOND: 7, FIRST: 1}


def test_nothing_makes_no_series() -> None:
    assert largest([], 3) == {}


@given(st.dictionaries(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([FIRST, SECOND])), st.integers(0, 99)))
def test_every_day_adds_up_to_what_came_in(counts: dict[tuple[str, date], int]) -> None:
    series = largest([count(name, number, day) for (name, day), number in counts.items()], 4)

    assert len(series) <= 4
    for day in (FIRST, SECOND):
        assert sum(by_day.get(day, 0) for by_day in series.values()) == sum(
            number for (_, then), number in counts.items() if then == day
        )
