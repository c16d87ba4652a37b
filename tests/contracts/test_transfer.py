"""What a bulk import promises on each database: everybody once, with their topics, however often it is repeated."""

from __future__ import annotations

from dataclasses import replace

from notifier.storage.database import Database
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.storage.transfer import SqlTransfer
from tests.contracts.samples import NOON, a_subscription, day, token


def test_everybody_comes_in_with_all_that_belongs_to_them(database: Database) -> None:
    transfer = SqlTransfer(database)
    assert transfer.add([a_subscription("ada", "world", "uk"), a_subscription("bob")], NOON) == 2
    ada, bob = transfer.every()
    wanted = a_subscription("ada", "world", "uk")
    assert (ada.keys, ada.push_service, ada.vapid_key_id) == (wanted.keys, wanted.push_service, wanted.vapid_key_id)
    assert [ada.topics, bob.topics] == [{"world", "uk"}, set()]
    assert (ada.created_at, ada.last_seen_at, ada.browser) == (day(NOON), day(NOON), wanted.browser)
    assert SqlSubscriptionStore(database).audience(frozenset({"uk"})) == 1


def test_whoever_is_here_stays_as_they_are(database: Database) -> None:
    transfer, subscriptions = SqlTransfer(database), SqlSubscriptionStore(database)
    subscriptions.subscribe(a_subscription("ada", "world"), NOON)
    again = replace(a_subscription("ada", "uk"), token_hash=token("somebody"), browser="another")
    assert transfer.add([again, a_subscription("bob", "uk"), a_subscription("bob", "uk")], NOON) == 1
    assert transfer.add([again, a_subscription("bob", "world")], NOON) == 0
    ada, bob = transfer.every()
    assert [ada.topics, bob.topics] == [{"world"}, {"uk"}]
    assert subscriptions.find(token("ada")) == ada


def test_nothing_is_nothing(database: Database) -> None:
    assert SqlTransfer(database).add([], NOON) == 0
    assert SqlTransfer(database).count() == 0
