"""kill -9 of a real process in the middle of a fan-out, with a real push service: nobody is lost (promise 1)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from notifier.clock import system_clock
from notifier.push.vapid import load_or_create_key
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.subscriptions import SqlSubscriptionStore
from tests.contracts.samples import a_subscription, an_alert
from tests.engine.worker import SUB_BATCH, THREADS
from tests.pushsink.browser import keys_of
from tests.pushsink.process import ROOT, PushSink

SUBSCRIBERS = 600
ENOUGH_S = 60.0


def wait_until(reached: Callable[[], bool], limit_s: float = ENOUGH_S) -> None:
    """Look ten times a second, at most for so long."""
    until = monotonic() + limit_s
    while not reached():
        assert monotonic() < until, f"it did not come to that in {limit_s:.0f} s"
        Event().wait(0.1)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(1, marks=pytest.mark.slow),
        SUBSCRIBERS // 3,
        pytest.param(SUBSCRIBERS - SUB_BATCH, marks=pytest.mark.slow),
    ],
)
def test_a_killed_worker_loses_nobody_and_repeats_no_more_than_what_it_had_under_way(
    tmp_path: Path, after: int
) -> None:
    url = f"sqlite:///{tmp_path / 'notifier.db'}"
    database = Database(url)
    database.create()
    with PushSink("--delay", "0.1") as sink:
        key = load_or_create_key(sink.ca_file.with_name("vapid.pem"))
        subscriptions = SqlSubscriptionStore(database)
        for number in range(SUBSCRIBERS):
            new = replace(a_subscription(f"{number}", "world"), keys=keys_of(number, sink.endpoint("ok", number)))
            subscriptions.subscribe(replace(new, vapid_key_id=key.key_id), system_clock())
        alerts = SqlAlertStore(database)
        alert = alerts.accept(replace(an_alert("world"), decided_at=system_clock()), system_clock())
        command = [sys.executable, "-m", "tests.engine.worker", url, sink.origin, str(sink.ca_file)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as victim:
            wait_until(lambda: sink.report()["requests"] >= after)
            victim.kill()
        assert sink.report()["browsers"] < SUBSCRIBERS
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as successor:
            wait_until(lambda: getattr(alerts.find(alert.id), "done_at", None) is not None)
            successor.communicate(timeout=ENOUGH_S)
        seen = sink.report()
    database.close()
    assert (seen["browsers"], seen["problems"]) == (SUBSCRIBERS, [])
    assert seen["repeated"] <= THREADS * SUB_BATCH
