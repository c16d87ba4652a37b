"""Told to stop: everything at once, in order, and not for longer than it may take."""

from __future__ import annotations

import threading

from structlog.testing import capture_logs

from notifier.wiring.leaving import Leaving


def test_at_the_first_signal_everything_is_told_once_and_at_the_second_the_process_ends() -> None:
    told: list[str] = []
    left: list[int] = []
    leaving = Leaving(lambda: told.append("web"), lambda: told.append("pipeline"), leave=left.append)
    leaving.told(15)
    assert (told, left) == (["web", "pipeline"], [])
    leaving.told(15)
    assert (told, left) == (["web", "pipeline"], [128 + 15])


def test_what_does_not_end_is_left_behind_with_a_line_and_status_0() -> None:
    gone = threading.Event()
    left: list[int] = []

    def leave(status: int) -> None:
        left.append(status)
        gone.set()

    with capture_logs() as lines:
        Leaving(exit_s=0.01, leave=leave).told(15)
        assert gone.wait(10)
    assert left == [0]
    assert [line["event"] for line in lines] == ["stop.begun", "stop.cut-short"]
