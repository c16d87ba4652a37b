"""Log lines with a traceback: one for each defect, however many loops meet it how often."""

from __future__ import annotations

import logging
import sys

import pytest
import structlog

from notifier.errors import DatabaseUnwell
from notifier.repeats import REMEMBERED, TELL_AGAIN_S, Repeats


class Hand:
    """A monotonic clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(problem: BaseException) -> None:
    raise problem


def raised(problem: BaseException) -> BaseException:
    try:
        fail(problem)
    except BaseException as caught:  # noqa: BLE001 - with its traceback, as a loop has it
        return caught
    raise AssertionError


def passed_on(repeats: Repeats, problem: BaseException, event: str = "job.failed") -> dict[str, object] | None:
    try:
        return dict(repeats(None, "error", {"event": event, "exc_info": raised(problem)}))
    except structlog.DropEvent:
        return None


def test_a_defect_that_repeats_is_written_once_and_later_again_with_its_count() -> None:
    hand = Hand()
    repeats = Repeats(hand)
    assert passed_on(repeats, ValueError("first")) is not None
    for hand.now in range(1, 500):
        assert passed_on(repeats, ValueError("again")) is None
    hand.now = TELL_AGAIN_S
    again = passed_on(repeats, ValueError("again"))
    assert again is not None
    assert again["times_since"] == 499


def test_another_defect_or_another_loop_has_a_line_of_its_own() -> None:
    repeats = Repeats(Hand())
    assert passed_on(repeats, ValueError()) is not None
    assert passed_on(repeats, KeyError()) is not None
    assert passed_on(repeats, ValueError(), "decisions.failed") is not None


def test_a_line_without_an_exception_always_passes() -> None:
    repeats = Repeats(Hand())
    assert all(repeats(None, "info", {"event": "alert.accepted"}) for _ in range(3))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_database_that_is_away_is_no_defect(wrapped: bool) -> None:
    away = DatabaseUnwell("away", "connection refused")
    if wrapped:
        other = RuntimeError("while deciding")
        other.__cause__ = away
        assert passed_on(Repeats(Hand()), other) is None
    assert passed_on(Repeats(Hand()), away) is None
    assert passed_on(Repeats(Hand()), BaseExceptionGroup("both", [away, away])) is None


def test_a_group_with_a_defect_among_what_is_away_is_one() -> None:
    both = BaseExceptionGroup("both", [DatabaseUnwell("away", "refused"), ValueError()])
    assert passed_on(Repeats(Hand()), both) is not None


def test_lines_of_the_standard_library_are_counted_the_same_way() -> None:
    repeats = Repeats(Hand())

    def line() -> logging.LogRecord:
        try:
            fail(ValueError())
        except ValueError:
            return logging.LogRecord("uvicorn.error", logging.ERROR, "", 1, "Exception in ASGI", None, sys.exc_info())
        raise AssertionError

    assert [repeats.filter(line()) for _ in range(3)] == [True, False, False]
    assert repeats.filter(logging.LogRecord("x", logging.INFO, "", 1, "well", None, None))


def test_what_is_remembered_is_bounded() -> None:
    repeats = Repeats(Hand())
    for number in range(3 * REMEMBERED):
        passed_on(repeats, ValueError(), f"event {number}")
    assert len(repeats._told) == REMEMBERED


def test_the_present_exception_is_found_where_a_line_asks_for_it() -> None:
    repeats = Repeats(Hand())
    written = 0
    for _ in range(3):
        try:
            fail(ValueError())
        except ValueError:
            try:
                repeats(None, "error", {"event": "engine.failed", "exc_info": True})
                written += 1
            except structlog.DropEvent:
                pass
    assert written == 1


def test_what_one_party_brings_about_is_written_once_for_each_party() -> None:
    hand = Hand()
    repeats = Repeats(hand)

    def written(party: int) -> object:
        try:
            return repeats(None, "warning", {"event": "push_forged", "party": party}).get("times_since", 0)
        except structlog.DropEvent:
            return None

    assert [written(1) for _ in range(50)] == [0, *[None] * 49]
    assert written(2) == 0
    hand.now = TELL_AGAIN_S
    assert written(1) == 49
