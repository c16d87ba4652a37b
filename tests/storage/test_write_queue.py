"""Writers of one process take turns, in the order in which they came."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import text

from notifier.storage.database import Database
from notifier.storage.write_queue import WriteQueue

SOON_S = 10.0


def test_who_comes_first_writes_first() -> None:
    queue, order, waiting = WriteQueue(), list[int](), list[Thread]()

    def write(number: int, arrived: Event) -> None:
        arrived.set()
        with queue.turn(SOON_S):
            order.append(number)

    with queue.turn(SOON_S):
        for number in range(5):
            arrived = Event()
            thread = Thread(target=write, args=(number, arrived))
            thread.start()
            waiting.append(thread)
            assert arrived.wait(SOON_S)
            while len(queue) <= number:  # it stands in the queue
                Event().wait(0.001)
    for thread in waiting:
        thread.join(SOON_S)
    assert order == [0, 1, 2, 3, 4]


def test_who_has_waited_long_enough_goes_on_and_holds_up_nobody() -> None:
    queue, went_on = WriteQueue(), Event()

    def write() -> None:
        with queue.turn(0.01):
            went_on.set()

    with queue.turn(SOON_S):
        thread = Thread(target=write)
        thread.start()
        assert went_on.wait(SOON_S)
        thread.join(SOON_S)
    with queue.turn(0.0):
        assert len(queue) == 0


def test_a_turn_is_passed_on_whatever_happened_in_it() -> None:
    queue = WriteQueue()
    with pytest.raises(ZeroDivisionError), queue.turn(SOON_S):
        raise ZeroDivisionError
    with queue.turn(0.0):
        assert len(queue) == 0


def test_what_must_last_waits_for_the_disk_and_what_may_be_repeated_does_not(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'd.sqlite'}")
    modes = []
    for may_be_repeated in (False, True, False):
        with database.writing(may_be_repeated=may_be_repeated) as connection:
            modes.append(connection.scalar(text("PRAGMA synchronous")))
    database.close()
    assert modes == [2, 1, 2]  # FULL, NORMAL, FULL (https://www.sqlite.org/pragma.html#pragma_synchronous)
