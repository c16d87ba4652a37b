"""The engine of one process: it works what there is, wakes at once, survives a database that is away, and stops."""

from __future__ import annotations

import threading
from collections.abc import Callable

from notifier.engine.local import LocalEngine
from notifier.engine.run import Runner
from tests.engine.harness import EngineHarness


def wait_for(happened: threading.Event) -> None:
    assert happened.wait(10), "it did not happen within 10 s"


def notice_when_sent(harness: EngineHarness) -> threading.Event:
    """Set as soon as the transport has been given a message."""
    sent = threading.Event()
    harness.transport.then = sent.set
    return sent


def test_it_begins_with_what_was_left_from_before(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.accept()
    sent = notice_when_sent(harness)
    engine = LocalEngine(lambda: harness.worker(harness.transport), threads=2)
    engine.start()
    wait_for(sent)
    engine.stop(10)
    assert harness.transport.reached == ["ada"]


def test_it_works_what_is_accepted_while_it_runs(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    sent = notice_when_sent(harness)
    engine = LocalEngine(lambda: harness.worker(harness.transport), threads=1)
    engine.start()
    harness.accept()
    engine.wake()
    wait_for(sent)
    engine.stop(10)


def test_a_database_that_is_away_for_a_moment_ends_nothing(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.accept()
    sent = notice_when_sent(harness)

    class OnceBroken:
        """A runner whose first look at the database fails."""

        def __init__(self) -> None:
            self._runner, self._failed = harness.worker(harness.transport), False

        look_in_s = 0.1

        def work_once(
            self, stopping: Callable[[], bool], *, only_breaking: bool = False, only_retries: bool = False
        ) -> bool:
            if not self._failed:
                self._failed = True
                raise ConnectionError("the database is away")
            return self._runner.work_once(stopping, only_breaking=only_breaking, only_retries=only_retries)

        def finish(self) -> None:
            self._runner.finish()

        def close(self) -> None:
            self._runner.close()

    def make() -> Runner:
        return OnceBroken()  # type: ignore[return-value]

    engine = LocalEngine(make, threads=1)
    engine.start()
    wait_for(sent)
    engine.stop(10)


def test_breaking_news_does_not_wait_for_a_service_that_is_slow_to_answer_an_ordinary_alert(
    harness: EngineHarness,
) -> None:
    harness.subscribe("ada")
    urgent, released = threading.Event(), threading.Event()

    def answer_slowly() -> None:
        if harness.transport.batches[-1][0].headers.urgency.value == "high":
            urgent.set()
        else:
            harness.accept(story=2, breaking=True)
            wait_for(released)

    harness.transport.then = answer_slowly
    harness.accept(story=1)
    engine = LocalEngine(lambda: harness.worker(harness.transport), threads=1)
    engine.start()
    wait_for(urgent)
    released.set()
    engine.stop(10)
