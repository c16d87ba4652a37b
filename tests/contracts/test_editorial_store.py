"""What an operator's hand does to alerts and stories, on every backend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.alerts.delivery import RetryLater, Settlement
from notifier.errors import LeaseLost, NotFound
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.editorial import SqlEditorialStore
from notifier.storage.story_reports import SqlStoryReports
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.stories.overrides import NEVER
from tests.contracts.samples import NOON, a_subscription, an_alert

LATER = NOON + timedelta(minutes=15)


@pytest.fixture
def newsroom(database: Database) -> SqlEditorialStore:
    SqlSubscriptionStore(database).subscribe(a_subscription("ada", "world"), NOON)
    return SqlEditorialStore(database)


def test_a_held_alert_goes_when_an_editor_lets_it(database: Database, newsroom: SqlEditorialStore) -> None:
    held = newsroom.accept(replace(an_alert("world"), hold_until=LATER), NOON)
    deliveries = SqlDeliveryStore(database)
    assert deliveries.claim_chunk(NOON, 60) is None

    assert newsroom.approve(held.id, NOON)

    assert deliveries.claim_chunk(NOON, 60) is not None
    assert not newsroom.approve(held.id, NOON), "it went already"
    let_go = newsroom.alert(held.id)
    assert not let_go.is_held(NOON)
    assert not let_go.nobody_looked(LATER)


def test_an_alert_whose_hold_is_over_cannot_be_let_go_any_more(database: Database, newsroom: SqlEditorialStore) -> None:
    held = newsroom.accept(replace(an_alert("world"), hold_until=LATER), NOON)

    assert not newsroom.approve(held.id, LATER)

    assert SqlDeliveryStore(database).claim_chunk(LATER, 60) is None


def test_a_dropped_alert_goes_to_nobody(database: Database, newsroom: SqlEditorialStore) -> None:
    held = newsroom.accept(replace(an_alert("world"), hold_until=LATER), NOON)

    assert newsroom.withdraw(held.id, NOON)

    assert SqlDeliveryStore(database).claim_chunk(LATER, 60) is None
    assert newsroom.alert(held.id).withdrawn_at == NOON
    assert not newsroom.approve(held.id, NOON)
    assert not newsroom.withdraw(held.id, LATER)


def test_a_worker_that_is_sending_a_withdrawn_alert_is_stopped(database: Database, newsroom: SqlEditorialStore) -> None:
    sending = newsroom.accept(an_alert("world"), NOON)
    deliveries = SqlDeliveryStore(database)
    job = deliveries.claim_chunk(NOON, 60)
    assert job is not None

    newsroom.withdraw(sending.id, NOON)

    with pytest.raises(LeaseLost):
        deliveries.settle(job, Settlement(1, {"mozilla": {"delivered": 1}}), NOON, 60)


def test_what_waits_to_be_tried_again_is_counted_as_withdrawn(database: Database, newsroom: SqlEditorialStore) -> None:
    alert = newsroom.accept(an_alert("world"), NOON)
    deliveries = SqlDeliveryStore(database)
    job = deliveries.claim_chunk(NOON, 60)
    assert job is not None
    (ada, *_) = deliveries.take(job, job.chunk.cursor, 10)
    again = RetryLater(ada.subscription_id, 1, "503", LATER)
    deliveries.settle(job, Settlement(ada.subscription_id, {"mozilla": {"retrying": 1}}, [again]), NOON, 60)

    newsroom.withdraw(alert.id, NOON)

    assert newsroom.outcomes(alert.id) == {"mozilla": {"retrying": 0, "withdrawn": 1}}
    assert deliveries.claim_retries(LATER, 10, 60) == []


def test_outcomes_are_counted_by_push_service(database: Database, newsroom: SqlEditorialStore) -> None:
    alert = newsroom.accept(an_alert("world"), NOON)
    deliveries = SqlDeliveryStore(database)
    job = deliveries.claim_chunk(NOON, 60)
    assert job is not None

    deliveries.settle(job, Settlement(1, {"mozilla": {"delivered": 1}}, done=True), NOON, 60)

    assert newsroom.outcomes(alert.id) == {"mozilla": {"delivered": 1}}


def test_an_unknown_alert_or_story_is_not_found(database: Database, newsroom: SqlEditorialStore) -> None:
    with pytest.raises(NotFound):
        newsroom.alert(99)
    with pytest.raises(NotFound):
        SqlStoryReports(database).story(99)
    with pytest.raises(NotFound):
        SqlStoryReports(database).choose(99, NEVER, "Ada", NOON)


def test_the_pulse_changes_with_what_pages_show(database: Database, newsroom: SqlEditorialStore) -> None:
    pulse = SqlStoryReports(database).pulse
    before = pulse()
    assert pulse() == before

    newsroom.accept(an_alert("world"), NOON)

    assert pulse() != before
