"""Previews: one for each operator, two in all, each bounded, and none left when nobody waits for it."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Semaphore, Thread

import pytest

from notifier.errors import PreviewsBusy, TooMuchWork
from notifier.operations.previews import MOST_WAITING, Previews
from notifier.topics.work import LOOK_EVERY

ADA, BEN, CYD = 1, 2, 3


def test_an_operator_has_one_at_a_time_and_all_together_two() -> None:
    previews = Previews(wait_s=0)
    with previews.turn(ADA):
        with pytest.raises(PreviewsBusy), previews.turn(ADA):
            pass
        with previews.turn(BEN), pytest.raises(PreviewsBusy), previews.turn(CYD):
            pass
    with previews.turn(CYD), previews.turn(ADA):
        pass


def test_it_ends_when_its_time_is_up() -> None:
    seconds = 0.0
    with Previews(lambda: seconds, most_s=10).turn(ADA) as work:
        seconds = 9.0
        work.spend(LOOK_EVERY + 1)
        seconds = 11.0
        with pytest.raises(TooMuchWork):
            work.spend(LOOK_EVERY + 1)


def test_it_ends_when_its_client_is_gone() -> None:
    with Previews().turn(ADA, lambda: True) as work, pytest.raises(TooMuchWork):
        work.spend(LOOK_EVERY + 1)


def test_all_end_when_the_service_stops_and_none_begins() -> None:
    previews = Previews()
    with previews.turn(ADA) as work:
        previews.stop()
        with pytest.raises(TooMuchWork):
            work.spend(LOOK_EVERY + 1)
    with pytest.raises(PreviewsBusy), previews.turn(BEN):
        pass


def test_the_newest_takes_the_place_of_the_one_before() -> None:
    previews, begun, ended = Previews(), Event(), Event()

    def first() -> None:
        with suppress(TooMuchWork), previews.turn(ADA, newest=True) as work:
            begun.set()
            while True:
                work.spend(1000)
        ended.set()

    thread = Thread(target=first)
    thread.start()
    assert begun.wait(30)
    with previews.turn(ADA, newest=True):
        assert ended.wait(30)
    thread.join()


def test_of_one_operators_looks_only_the_newest_waits() -> None:
    previews, refused = Previews(wait_s=60), Semaphore(0)

    def look() -> None:
        try:
            with previews.turn(ADA, newest=True):
                pass
        except PreviewsBusy:
            refused.release()

    looks = [Thread(target=look) for _ in range(40)]
    with previews.turn(ADA):
        for one in looks:
            one.start()
        for _ in looks[1:]:
            assert refused.acquire(timeout=30), "a thread that pages need is not held"
    for one in looks:
        one.join()
    assert not refused.acquire(blocking=False), "the newest had its turn"


def test_no_more_operators_wait_than_pages_can_spare_threads() -> None:
    previews, refused = Previews(at_once=1, wait_s=60), Semaphore(0)

    def look(operator_id: int) -> None:
        try:
            with previews.turn(operator_id):
                pass
        except PreviewsBusy:
            refused.release()

    looks = [Thread(target=look, args=(number,)) for number in range(100, 100 + 3 * MOST_WAITING)]
    with previews.turn(ADA):
        for one in looks:
            one.start()
        for _ in looks[MOST_WAITING:]:
            assert refused.acquire(timeout=30)
    for one in looks:
        one.join()
