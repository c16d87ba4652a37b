"""Lengths of time in words, the same on every page and in every command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from notifier.text.spans import ago, ahead, iso, span, written

NOON = datetime(2026, 4, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "under 1 s"),
        (5, "5 s"),
        (45, "45 s"),
        (60, "1 min"),
        (90, "90 s"),
        (119, "119 s"),
        (120, "2 min"),
        (119.8, "2 min"),
        (3_600, "1 h"),
        (5_400, "90 min"),
        (7_300, "2 h"),
        (86_400, "1 day"),
        (129_600, "36 h"),
        (200_000, "2 days"),
        (400_000, "5 days"),
    ],
)
def test_a_length_of_time_is_said_in_its_unit(seconds: float, said: str) -> None:
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "just now"), (1, "1 min ago"), (59, "59 min ago"), (60, "1 h ago"), (1440, "1 day ago"), (4320, "3 days ago")],
)
def test_ages_are_said_as_a_person_would(minutes: int, said: str) -> None:
    assert ago(NOON - timedelta(minutes=minutes), NOON) == said


def test_what_never_was_has_no_age_and_what_is_due_is_now() -> None:
    assert ago(None, NOON) == ahead(None, NOON) == "–"
    assert ahead(NOON, NOON) == "now"
    assert ahead(NOON + timedelta(seconds=40), NOON) == "in 40 s"


def test_a_time_is_written_with_its_zone_and_as_programs_read_it() -> None:
    at = datetime(2017, 5, 25, 16, 49, 7, 5, tzinfo=timezone(timedelta(hours=1)))
    assert written(at) == "Thursday 25 May 2017 15:49 UTC"
    assert iso(at) == "2017-05-25T15:49:07+00:00"
