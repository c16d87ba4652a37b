"""What waits to be sent, in figures, on every backend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from notifier.alerts.delivery import RetryLater, Settlement
from notifier.alerts.queue import QueueState, Retries
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.queue import SqlQueueStore
from notifier.storage.subscriptions import SqlSubscriptionStore
from tests.contracts.samples import NOON, a_subscription, an_alert

SOON = NOON + timedelta(minutes=2)


def test_nothing_to_do_is_all_zeroes(database: Database) -> None:
    assert SqlQueueStore(database).state(NOON) == QueueState()


def test_chunks_are_counted_by_what_holds_them(database: Database) -> None:
    SqlSubscriptionStore(database).subscribe(a_subscription("ada", "world"), NOON)
    alerts = SqlAlertStore(database)
    alerts.accept(an_alert("world"), NOON)
    alerts.accept(an_alert("world", story=2, breaking=True), NOON)
    alerts.accept(replace(an_alert("world", story=3), hold_until=NOON + timedelta(hours=1)), NOON)
    SqlDeliveryStore(database).claim_chunk(NOON, 60)

    state = SqlQueueStore(database).state(SOON)

    assert (state.ready, state.leased, state.held) == ({False: 1}, {True: 1}, 1)
    assert (state.oldest_ready_at, state.overdue) == (NOON, 1)
    assert (state.subscriptions, state.by_key) == (1, {"key-1": 1})


def test_retries_are_counted_by_push_service_with_their_reasons(database: Database) -> None:
    subscriptions = SqlSubscriptionStore(database)
    ids = [subscriptions.subscribe(a_subscription(name, "world"), NOON) for name in ("ada", "bea")]
    SqlAlertStore(database).accept(an_alert("world"), NOON)
    deliveries = SqlDeliveryStore(database)
    job = deliveries.claim_chunk(NOON, 60)
    assert job is not None
    later = [
        RetryLater(ids[0], 1, "429", SOON),
        RetryLater(ids[1], 1, "503", SOON + timedelta(minutes=1)),
    ]
    deliveries.settle(job, Settlement(ids[-1], {}, later, done=True), NOON, 60)

    assert SqlQueueStore(database).state(NOON).retries == {"mozilla": Retries(2, SOON, {"429": 1, "503": 1})}
