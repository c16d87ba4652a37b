"""Sealing ahead ends with the service, whatever its processes do."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence

import structlog

from notifier.engine.sealing import Sealed, Sealer, Wanted
from notifier.telemetry import Metrics
from tests.browser.background import until
from tests.pushsink.browser import keys_of


class Endless:
    """Envelopes that nobody has, of more subscriptions than could be sealed for."""

    def without(self, after: int, limit: int) -> Sequence[Wanted]:
        keys = keys_of(1, "https://push.example.org/1")
        return [(after + number, keys.p256dh, keys.auth) for number in range(1, limit + 1)]

    def __init__(self) -> None:
        self.kept = 0

    def put(self, sealed: Sequence[Sealed]) -> int:
        self.kept += len(sealed)
        return len(sealed)

    def ready(self) -> int:
        return 0


def test_a_sealing_process_that_has_no_turn_does_not_hold_the_service_up() -> None:
    sealer = Sealer(Endless(), lambda: False, Metrics())
    with structlog.testing.capture_logs() as lines:
        sealer.start()
        until(multiprocessing.active_children, "a process to seal")
        for process in multiprocessing.active_children():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGSTOP)

        sealer.stop(20)

    assert multiprocessing.active_children() == []
    assert lines == []


def test_a_sealing_process_that_dies_is_replaced() -> None:
    envelopes = Endless()
    sealer = Sealer(envelopes, lambda: False, Metrics())
    with structlog.testing.capture_logs() as lines:
        sealer.start()
        until(lambda: envelopes.kept > 0, "a process to seal")
        for process in multiprocessing.active_children():
            process.kill()
        until(lambda: lines, "it to be told")
        kept = envelopes.kept

        until(lambda: envelopes.kept > kept, "another one to seal")

        sealer.stop(20)
    assert [line["event"] for line in lines] == ["sealing.failed"]
