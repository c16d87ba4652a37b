"""Passwords are tried few at a time, and a name that is guessed at is slow, but never closed to its operator."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import TooBusy, TooOften
from notifier.web import sign_ins
from notifier.web.sign_ins import EACH_FOR_ALL, FREE_TRIES, LONGEST_PAUSE_S, SignIns, pause_s
from tests.web.site import NOW

NET = "2001:db8:{:x}::/64"


def never() -> bool:
    return False


def test_two_at_once_and_the_others_are_told_to_come_back() -> None:
    counting = SignIns(at_once=2, waiting=1, patience_s=0.01)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(counting.turn())
        with pytest.raises(TooBusy), counting.turn():
            pass
    with counting.turn():
        pass


def test_no_more_wait_than_there_is_room_for() -> None:
    counting = SignIns(at_once=1, waiting=2, patience_s=5)

    def wait() -> None:
        with counting.turn():
            pass

    with ThreadPoolExecutor(2) as pool, counting.turn():
        waiting = [pool.submit(wait) for _ in range(2)]
        while counting._queue._value:
            pass
        with pytest.raises(TooBusy), counting.turn():
            pass
    assert [one.result() for one in waiting] == [None, None]


@pytest.mark.parametrize("name", ["Ada", "nobody at all"])
def test_a_name_is_slowed_down_whoever_tries_and_whether_or_not_it_is_there(name: str) -> None:
    counting = SignIns()
    for number in range(FREE_TRIES):
        counting.begin(name, NET.format(number), NOW, never)
    with pytest.raises(TooOften) as told:
        counting.begin(name, NET.format(99), NOW, never)
    assert told.value.after_s == pause_s(FREE_TRIES)
    counting.begin("Bea", NET.format(99), NOW, never)


def test_the_operator_is_let_in_from_where_they_were_before_however_long_others_guess() -> None:
    counting, now = SignIns(), NOW
    for number in range(500):
        now += timedelta(seconds=7)
        try:
            counting.begin("Ada", NET.format(number), now, never)
        except TooOften:
            continue
    counting.begin("Ada", "198.51.100.7", now, lambda: True)
    counting.succeeded("Ada", "198.51.100.7")
    counting.begin("Ada", NET.format(1), now, never)


def test_one_client_that_guesses_for_hours_keeps_an_operator_from_nowhere() -> None:
    counting, now = SignIns(), NOW
    for _ in range(2_000):
        now += timedelta(seconds=7)
        with suppress(TooOften):
            counting.begin("Ada", NET.format(1), now, never)
    for number in range(FREE_TRIES - EACH_FOR_ALL - 1):
        counting.begin("Ada", f"198.51.100.{number}", now, never)  # on the way, with a new telephone


def test_a_client_that_is_known_may_not_guess_without_end() -> None:
    counting = SignIns()
    for _ in range(FREE_TRIES):
        counting.begin("Ada", "198.51.100.7", NOW, lambda: True)
    with pytest.raises(TooOften):
        counting.begin("Ada", "198.51.100.7", NOW, lambda: True)


def test_what_is_refused_does_not_make_the_wait_longer() -> None:
    counting, now = SignIns(), NOW
    for _ in range(FREE_TRIES):
        counting.begin("Ada", "198.51.100.7", now, never)
    for _ in range(100):
        with pytest.raises(TooOften):
            counting.begin("Ada", "198.51.100.7", now, never)
    counting.begin("Ada", "198.51.100.8", now + timedelta(seconds=LONGEST_PAUSE_S), never)


@given(st.integers(1, 10**9))
def test_nobody_waits_longer_than_half_a_minute(times: int) -> None:
    assert 0 <= pause_s(times) <= LONGEST_PAUSE_S


def test_invented_names_take_a_bounded_place() -> None:
    counting = SignIns()
    for number in range(sign_ins.REMEMBERED + 100):
        counting.begin(f"name {number}", "198.51.100.7", NOW, never)
    assert len(counting._tried) == sign_ins.REMEMBERED
