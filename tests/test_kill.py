"""The whole service, killed without warning: what was accepted reaches everybody, and little of it twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

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

SUBSCRIBERS = 400
SUB_BATCH = 10
THREADS = 2


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
    service = Service(
        tmp_path,
        newsroom,
        sink.origin,
        NOTIFIER_PUSH_SUB_BATCH=str(SUB_BATCH),
        NOTIFIER_PUSH_THREADS=str(THREADS),
        NOTIFIER_PUSH_LEASE_S="1",
    )
    yield service
    service.stop()


def subscribe_everybody(service: Service, sink: PushSink) -> None:
    with closing(Database(service.database_url)) as database:
        store = SqlSubscriptionStore(database)
        key_id = load_key(service.key_path).key_id
        for number in range(SUBSCRIBERS):
            endpoint = sink.endpoint("201", number)
            keys = keys_of(number, endpoint)
            new = NewSubscription(keys, token(str(number)), frozenset({"ships"}), "test", key_id)
            store.subscribe(new, system_clock())


@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_a_killed_service_loses_nobody_and_repeats_little(
    service: Service, newsroom: Newsroom, sink: PushSink, kills: int
) -> None:
    subscribe_everybody(service, sink)
    newsroom.publish("Ferry reaches harbour", "All aboard are well.")
    for kill in range(kills):
        # Somewhere in the middle of the fan-out, each time further on.
        enough = int(SUBSCRIBERS * (kill + random.random()) / (kills + 1))
        until(lambda enough=enough: sink.report()["browsers"] >= enough, "the fan-out to get on", 60)  # type: ignore[misc]
        service.kill()
        service.start()
    until(lambda: sink.report()["browsers"] == SUBSCRIBERS, "everybody to have the alert", 60)
    report = sink.report()
    assert report["repeated"] <= kills * THREADS * SUB_BATCH
    assert report["problems"] == []


def test_an_item_that_was_fetched_before_the_kill_still_becomes_an_alert(
    service: Service, newsroom: Newsroom, sink: PushSink
) -> None:
    subscribe_everybody(service, sink)
    asked = newsroom.asked
    newsroom.publish("Ferry reaches harbour", "All aboard are well.")
    # The poll that brings the item has been answered: whether it is stored, grouped or alerted by now is chance.
    until(lambda: newsroom.asked > asked, "the poll", 30)
    service.kill()
    service.start()
    until(lambda: sink.report()["browsers"] == SUBSCRIBERS, "everybody to have the alert", 60)
