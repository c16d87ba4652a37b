"""The audience by day, on every backend: counts, and never who."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifier.storage.audience import KEPT, SqlAudienceStore
from notifier.storage.database import Database
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.subscribers.audience import AudienceKind, DayCount, DayEnds, day_of
from tests.contracts.samples import NOON, a_subscription, token

TODAY = day_of(NOON)
DAY = timedelta(days=1)


@pytest.fixture
def subscriptions(database: Database) -> SqlSubscriptionStore:
    store = SqlSubscriptionStore(database)
    store.subscribe(a_subscription("ada", "world", "science"), NOON)
    store.subscribe(a_subscription("bea", "world", service="apple"), NOON)
    return store


def test_a_day_is_counted_by_topic_browser_and_push_service(
    database: Database, subscriptions: SqlSubscriptionStore
) -> None:
    assert list(SqlAudienceStore(database).today(NOON)) == [
        DayCount(TODAY, AudienceKind.ALL, "all", 2),
        DayCount(TODAY, AudienceKind.TOPIC, "world", 2),
        DayCount(TODAY, AudienceKind.TOPIC, "science", 1),
        DayCount(TODAY, AudienceKind.BROWSER, "firefox", 2),
        DayCount(TODAY, AudienceKind.PUSH_SERVICE, "apple", 1),
        DayCount(TODAY, AudienceKind.PUSH_SERVICE, "mozilla", 1),
    ]


def test_the_last_count_of_a_day_is_kept(database: Database, subscriptions: SqlSubscriptionStore) -> None:
    store = SqlAudienceStore(database)
    store.snapshot(NOON)
    subscriptions.subscribe(a_subscription("cleo", "world"), NOON)
    store.snapshot(NOON + timedelta(hours=11))
    subscriptions.delete(token("ada"), NOON + DAY)
    store.snapshot(NOON + DAY)

    everybody = [(c.day, c.count) for c in store.days(NOON) if c.kind is AudienceKind.ALL]

    assert everybody == [(TODAY, 3), (TODAY + DAY, 2)]
    assert {c.day for c in store.days(NOON + DAY)} == {TODAY + DAY}


def test_what_is_years_old_is_let_go(database: Database) -> None:
    store = SqlAudienceStore(database)
    store.snapshot(NOON)
    store.snapshot(NOON + KEPT + DAY)

    assert {c.day for c in store.days(NOON)} == {day_of(NOON + KEPT + DAY)}


def test_ends_are_added_up_by_day_reason_and_push_service(
    database: Database, subscriptions: SqlSubscriptionStore
) -> None:
    ids = [subscriptions.subscribe(a_subscription(name, "world"), NOON) for name in ("dora", "eve")]
    subscriptions.remove_gone(ids[:1], "410", NOON)
    subscriptions.remove_gone(ids[1:], "410", NOON + timedelta(hours=5))
    subscriptions.delete(token("bea"), NOON + DAY)
    store = SqlAudienceStore(database)

    assert list(store.ends(NOON)) == [
        DayEnds(TODAY, "410", "mozilla", 2),
        DayEnds(TODAY + DAY, "stopped", "apple", 1),
    ]
    assert [end.reason for end in store.ends(NOON + DAY)] == ["stopped"]
