"""A clock that was ahead and is set back: nothing stands still until it is that time again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from notifier.alerts.delivery import RetryLater, Settlement
from notifier.alerts.evidence import OnHold
from notifier.clock import LEAST_STEP, ManualClock, StepDetector
from notifier.feeds.feed import FeedConfig
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.clock_back import bring_back
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.feeds import SqlFeedStore
from notifier.storage.schema import alert, chunk, delivery_retry, push_limit, subscription
from notifier.storage.stories import SqlStoryStore
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.topics.topic import Then
from tests.contracts.samples import a_subscription, an_alert

# On PostgreSQL the server's own clock counts as well: what is now must not be behind it.
NOW = datetime.fromisoformat("2101-05-01T12:00:00+00:00")
AHEAD = NOW + timedelta(days=2)
LEASE_S = 90.0


@dataclass
class Desk:
    """The stores that wait for times."""

    database: Database
    subscriptions: SqlSubscriptionStore = field(init=False)
    alerts: SqlAlertStore = field(init=False)
    deliveries: SqlDeliveryStore = field(init=False)

    def __post_init__(self) -> None:
        self.subscriptions = SqlSubscriptionStore(self.database)
        self.alerts = SqlAlertStore(self.database)
        self.deliveries = SqlDeliveryStore(self.database)

    def accept(self, at: datetime, hold: timedelta | None = None) -> int:
        new = replace(an_alert("world"), decided_at=at, hold_until=None if hold is None else at + hold)
        new = replace(new, why=replace(new.why, hold=OnHold(then=Then.SEND)))
        return self.alerts.accept(new, at).id

    def back(self) -> None:
        bring_back(self.database, NOW, LEASE_S)


@pytest.fixture
def desk(database: Database) -> Desk:
    desk = Desk(database)
    desk.subscriptions.subscribe(a_subscription("ada", "world"), AHEAD)
    return desk


def test_an_alert_that_was_decided_ahead_is_sent_now_and_ends_in_its_time(desk: Desk) -> None:
    number = desk.accept(AHEAD)
    assert desk.deliveries.claim_chunk(NOW, LEASE_S) is None
    desk.back()
    job = desk.deliveries.claim_chunk(NOW, LEASE_S)
    assert job is not None
    assert (job.alert.id, job.alert.decided_at) == (number, NOW)


def test_an_alert_that_is_held_is_held_for_as_long_as_it_was_to_be(desk: Desk) -> None:
    desk.accept(AHEAD, hold=timedelta(minutes=15))
    desk.back()
    assert desk.deliveries.claim_chunk(NOW + timedelta(minutes=14), LEASE_S) is None
    assert desk.deliveries.claim_chunk(NOW + timedelta(minutes=15), LEASE_S) is not None


def test_a_chunk_and_a_retry_that_were_held_ahead_are_free_after_a_lease(desk: Desk) -> None:
    desk.accept(AHEAD)
    job = desk.deliveries.claim_chunk(AHEAD, LEASE_S)
    assert job is not None
    desk.back()
    after = NOW + timedelta(seconds=LEASE_S + 1)
    again = desk.deliveries.claim_chunk(after, LEASE_S)
    assert again is not None
    (ada,) = desk.deliveries.take(again, 0, 10)
    later = [RetryLater(ada.subscription_id, 1, "503", after, "mozilla")]
    desk.deliveries.settle(
        again, Settlement(again.chunk.hi, {"mozilla": {"retrying": 1}}, later, done=True), after, LEASE_S
    )
    with desk.database.writing() as connection:
        connection.execute(update(delivery_retry).values(next_attempt_at=AHEAD, lease_until=AHEAD, lease_token="x"))
    desk.back()
    assert desk.deliveries.claim_retries(after + timedelta(minutes=2), 10, LEASE_S)


def test_the_decider_and_the_feeds_that_were_taken_ahead_are_free_after_a_lease(desk: Desk) -> None:
    news, feeds = SqlStoryStore(desk.database), SqlFeedStore(desk.database)
    feeds.sync_config([FeedConfig("https://news.example/feed.xml", "A", "A", "world")], NOW - timedelta(days=1))
    assert news.lease_decisions("gone", AHEAD, LEASE_S)
    assert feeds.claim_due(AHEAD, 10, LEASE_S)
    after = NOW + timedelta(seconds=LEASE_S + 1)
    assert not news.lease_decisions("here", after, LEASE_S)
    desk.back()
    assert news.lease_decisions("here", after, LEASE_S)
    assert feeds.claim_due(after, 10, LEASE_S)


def test_a_minute_that_would_not_end_limits_no_push_service(desk: Desk) -> None:
    state = {
        "minute": [AHEAD.isoformat(), 1000, 1000, 0], "before": [None, 0, 0, 0],
        "limited_minutes": 0, "per_minute": 1000, "lifts_at": AHEAD.isoformat(),
    }  # fmt: skip
    with desk.database.writing() as connection:
        connection.execute(insert(push_limit).values(origin="https://fcm.example", state=state))
    desk.back()
    with desk.database.reading() as connection:
        assert connection.execute(select(push_limit)).all() == []


def test_what_is_not_ahead_stays_as_it_is(desk: Desk) -> None:
    desk.accept(NOW - timedelta(minutes=5), hold=timedelta(days=1))
    desk.deliveries.claim_chunk(NOW, LEASE_S)
    tables = (alert, chunk, subscription)
    desk.back()  # ada came ahead
    with desk.database.reading() as connection:
        before = [connection.execute(select(table)).all() for table in tables]
    desk.back()
    with desk.database.reading() as connection:
        assert [connection.execute(select(table)).all() for table in tables] == before


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(-200_000, 200_000)), max_size=30))
def test_each_step_is_told_once_and_nothing_else_is_one(looks: list[tuple[float, float]]) -> None:
    wall, steady = ManualClock(NOW), [0.0]
    detector = StepDetector(wall, lambda: steady[0])
    for passed_s, set_by_s in looks:
        steady[0] += passed_s
        wall.advance(passed_s)
        wall.advance(set_by_s)
        found = detector.step()
        if abs(set_by_s) >= LEAST_STEP.total_seconds() + 0.001:
            assert found is not None
            assert abs(found.total_seconds() - set_by_s) < 0.001
        elif abs(set_by_s) < LEAST_STEP.total_seconds() - 0.001:
            assert found is None
