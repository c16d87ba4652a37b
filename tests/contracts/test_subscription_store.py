"""What every SubscriptionStore promises, on each database and in the double."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.errors import NotFound
from notifier.storage.database import Database
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.subscribers.subscriber import SubscriptionStore
from tests.contracts.samples import NOON, a_subscription, day, token
from tests.web.site import MemorySubscriptions


@pytest.fixture
def store(database_or_double: Database | None) -> SubscriptionStore:
    return MemorySubscriptions() if database_or_double is None else SqlSubscriptionStore(database_or_double)


def test_a_subscription_is_found_by_its_token_only(store: SubscriptionStore) -> None:
    made = store.subscribe(a_subscription("ada", "world", "uk"), NOON)
    found = store.find(token("ada"))
    assert found is not None
    assert (found.id, found.topics, found.push_service) == (made, frozenset({"world", "uk"}), "mozilla")
    assert (found.created_at, found.last_seen_at) == (day(NOON), day(NOON))
    assert store.find(token("bob")) is None


def test_subscribing_again_with_one_token_changes_all_but_the_id(store: SubscriptionStore) -> None:
    made = store.subscribe(a_subscription("ada", "world"), NOON)
    later = NOON + timedelta(days=3)
    again = store.subscribe(a_subscription("ada", "uk", endpoint="https://push.example/other"), later)
    found = store.find(token("ada"))
    assert found is not None
    assert (again, found.id, found.topics) == (made, made, frozenset({"uk"}))
    assert (found.created_at, found.last_seen_at) == (day(NOON), day(later))
    assert found.keys.endpoint == "https://push.example/other"
    assert store.audience(frozenset({"world"})) == 0


def test_one_endpoint_belongs_to_one_token(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world", endpoint="https://push.example/1"), NOON)
    store.subscribe(a_subscription("bob", "world", endpoint="https://push.example/1"), NOON)
    assert store.find(token("ada")) is None
    assert store.audience(frozenset({"world"})) == 1


def test_subscribing_again_takes_the_endpoint_from_whoever_had_it(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world", endpoint="https://push.example/1"), NOON)
    bob = store.subscribe(a_subscription("bob", "world", endpoint="https://push.example/2"), NOON)
    assert store.subscribe(a_subscription("bob", "world", endpoint="https://push.example/1"), NOON) == bob
    assert store.find(token("ada")) is None
    assert store.audience(frozenset({"world"})) == 1


def test_a_later_subscription_has_a_higher_id_even_after_removals(store: SubscriptionStore) -> None:
    first = store.subscribe(a_subscription("ada", "world"), NOON)
    store.delete(token("ada"), NOON)
    assert store.subscribe(a_subscription("ada", "world"), NOON) > first


NONE = frozenset[str]()


def test_topics_are_added_and_removed_and_the_visit_is_noted(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world", "uk"), NOON)
    later = NOON + timedelta(days=3)
    store.change_topics(token("ada"), frozenset({"science", "uk"}), frozenset({"world", "unheard-of"}), later)
    found = store.find(token("ada"))
    assert found is not None
    assert (found.topics, found.last_seen_at, found.version) == (frozenset({"science", "uk"}), day(later), 1)


def test_the_version_grows_with_each_change_of_the_topics_and_with_nothing_else(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world"), NOON)
    ada, science = token("ada"), frozenset({"science"})
    seen = []
    for change in (
        lambda: store.change_topics(ada, science, NONE, NOON),
        lambda: store.change_topics(ada, science, NONE, NOON),
        lambda: store.renew(ada, a_subscription("ada", endpoint="https://push.example/new"), NOON),
        lambda: store.seen(ada, NOON),
        lambda: store.change_topics(ada, NONE, science, NOON),
        lambda: store.subscribe(a_subscription("ada", "uk"), NOON),
    ):
        change()
        found = store.find(ada)
        assert found is not None
        seen.append(found.version)
    assert seen == [1, 1, 1, 1, 2, 3]


def test_a_visit_is_noted_and_changes_nothing_else(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world"), NOON)
    before = store.find(token("ada"))
    later = NOON + timedelta(days=3)
    store.seen(token("ada"), later)
    assert before is not None
    assert store.find(token("ada")) == replace(before, last_seen_at=day(later))


def test_no_topic_at_all_is_a_choice_too(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world"), NOON)
    store.change_topics(token("ada"), NONE, frozenset({"world"}), NOON)
    found = store.find(token("ada"))
    assert found is not None
    assert found.topics == frozenset()


def test_new_keys_keep_the_topics(store: SubscriptionStore) -> None:
    made = store.subscribe(a_subscription("ada", "world"), NOON)
    store.renew(token("ada"), a_subscription("ada", endpoint="https://push.example/new"), NOON)
    found = store.find(token("ada"))
    assert found is not None
    assert (found.id, found.keys.endpoint, found.topics) == (made, "https://push.example/new", frozenset({"world"}))


def test_new_keys_take_an_endpoint_from_whoever_had_it(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world", endpoint="https://push.example/1"), NOON)
    store.subscribe(a_subscription("bob", "world", endpoint="https://push.example/2"), NOON)
    store.renew(token("bob"), a_subscription("bob", endpoint="https://push.example/1"), NOON)
    assert store.find(token("ada")) is None


def test_new_keys_of_nobody_take_no_endpoint(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world", endpoint="https://push.example/1"), NOON)
    with pytest.raises(NotFound):
        store.renew(token("bob"), a_subscription("bob", endpoint="https://push.example/1"), NOON)
    assert store.find(token("ada")) is not None


def test_changing_what_is_not_there_says_so(store: SubscriptionStore) -> None:
    with pytest.raises(NotFound, match="Get alerts"):
        store.change_topics(token("nobody"), frozenset({"world"}), NONE, NOON)
    with pytest.raises(NotFound, match="Get alerts"):
        store.renew(token("nobody"), a_subscription("nobody"), NOON)


def test_deleting_forgets_everything(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world"), NOON)
    assert store.delete(token("ada"), NOON) is True
    assert store.delete(token("ada"), NOON) is False
    assert store.find(token("ada")) is None
    assert store.audience(frozenset({"world"})) == 0


def test_gone_subscriptions_are_removed_by_id(store: SubscriptionStore) -> None:
    ada = store.subscribe(a_subscription("ada", "world"), NOON)
    store.subscribe(a_subscription("bob", "world"), NOON)
    assert store.remove_gone([ada, 10_000], "gone-410", NOON) == 1
    assert store.find(token("ada")) is None
    assert store.find(token("bob")) is not None


def test_an_audience_counts_each_subscriber_once(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada", "world", "uk"), NOON)
    store.subscribe(a_subscription("bob", "uk"), NOON)
    assert store.audience(frozenset({"world"})) == 1
    assert store.audience(frozenset({"world", "uk"})) == 2
    assert store.audience(frozenset({"unheard-of"})) == 0
