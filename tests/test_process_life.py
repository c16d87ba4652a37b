"""The process of the service from its start to its end: killed, started twice, told to stop."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from notifier.clock import system_clock
from notifier.push.vapid import load_key
from notifier.storage.database import Database
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.subscribers.subscriber import NewSubscription
from tests.browser.background import until
from tests.browser.newsroom import Newsroom
from tests.browser.service import Service
from tests.contracts.samples import token
from tests.pushsink.browser import keys_of
from tests.pushsink.process import PushSink

pytestmark = pytest.mark.timeout(400)  # whole processes start, some of them twice, on a machine that may be busy

SUBSCRIBERS = 300
# Far below the 90 s of a lease, with room for a busy machine.
SOON_S = 30.0


@pytest.fixture
def sink() -> Iterator[PushSink]:
    with PushSink(tls=False) as started:
        yield started


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    newsroom = Newsroom()
    yield newsroom
    newsroom.stop()


@pytest.fixture
def service(tmp_path: Path, newsroom: Newsroom, sink: PushSink) -> Iterator[Service]:
    service = Service(tmp_path, newsroom, sink.origin, NOTIFIER_PUSH_SUB_BATCH="10", NOTIFIER_PUSH_THREADS="2")
    yield service
    service.kill()


def subscribe(service: Service, sink: PushSink, behaviour: str, number: int) -> None:
    with closing(Database(service.database_url)) as database:
        store = SqlSubscriptionStore(database)
        key_id = load_key(service.key_path).key_id
        for one in range(number):
            keys = keys_of(one, sink.endpoint(behaviour, one))
            new = NewSubscription(keys, token(str(one)), frozenset({"ships"}), "test", key_id)
            store.subscribe(new, system_clock())


def command(service: Service, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command in the service's folder, beside it."""
    program = str(Path(sys.executable).with_name("notifier"))
    environment = {**service.environment, **settings}
    return subprocess.run(
        [program, *words], cwd=service.folder, env=environment, capture_output=True, text=True, timeout=150, check=False
    )


def test_what_a_killed_service_held_goes_on_at_once(service: Service, newsroom: Newsroom, sink: PushSink) -> None:
    subscribe(service, sink, "after-0.2", SUBSCRIBERS)
    newsroom.publish("Ferry reaches harbour", "All aboard are well.")
    until(lambda: sink.report()["browsers"] >= 20, "the fan-out to get on", 60)
    service.kill()
    assert sink.report()["browsers"] < SUBSCRIBERS
    service.start()
    began = monotonic()
    until(lambda: sink.report()["browsers"] == SUBSCRIBERS, "everybody to have the alert", 80)
    assert monotonic() - began < SOON_S


@pytest.mark.slow
def test_a_second_service_on_the_folder_is_refused_and_commands_are_not(service: Service) -> None:
    refused = command(service, "run", NOTIFIER_PORT="0")
    assert refused.returncode == 2
    words = " ".join(refused.stderr.split())
    assert f"a service runs on this database already, as process {service.pid}" in words
    assert "NOTIFIER_DATA_DIR" in words
    assert "Traceback" not in refused.stderr
    for words_of in (["check"], ["topics", "test", "ferry", "A ferry"], ["subscribers", "export", "all.csv"]):
        done = command(service, *words_of)
        assert done.returncode == 0, (words_of, done.stdout, done.stderr)


def test_what_the_service_makes_is_for_nobody_elses_eyes(service: Service) -> None:
    data = service.folder / "data"
    readable = [str(path) for path in data.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert readable == []


def open_slowly(port: int) -> socket.socket:
    """A request of which half is sent."""
    half = socket.create_connection(("127.0.0.1", port))
    half.sendall(b"POST /api/subscriptions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n{")
    return half


def test_a_service_that_is_told_to_stop_ends_soon_without_a_traceback(service: Service, newsroom: Newsroom) -> None:
    asked = newsroom.asked
    with closing(open_slowly(service.port)):
        until(lambda: newsroom.asked > asked, "a poll", 30)
        began = monotonic()
        assert service.terminate() == 0
    assert monotonic() - began < 15
    assert "Traceback" not in service.log
    assert "stop.begun" in service.log


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(service: Service, newsroom: Newsroom, sink: PushSink) -> None:
    subscribe(service, sink, "never", 3)
    newsroom.publish("Ferry reaches harbour", "All aboard are well.")
    until(lambda: sink.report()["requests"] >= 1, "a push that is never answered", 60)
    service.signal(signal.SIGTERM)
    until(lambda: "stop.begun" in service.log, "the first signal to be heard", 30)
    began = monotonic()
    service.signal(signal.SIGTERM)
    assert service.wait(10) == 128 + signal.SIGTERM
    assert monotonic() - began < 5


@pytest.mark.slow
def test_a_silent_push_service_holds_up_the_end_no_longer_than_its_deadline(
    service: Service, newsroom: Newsroom, sink: PushSink
) -> None:
    subscribe(service, sink, "never", 3)
    newsroom.publish("Ferry reaches harbour", "All aboard are well.")
    until(lambda: sink.report()["requests"] >= 1, "a push that is never answered", 60)
    began = monotonic()
    assert service.terminate(40) == 0
    assert monotonic() - began < 35
    assert "Traceback" not in service.log
