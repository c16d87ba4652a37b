"""What every OperatorStore and ChangeStore does."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest

from notifier.errors import Conflict
from notifier.operators.change import NewChange
from notifier.operators.operator import OperatorStore, Role
from notifier.storage.database import Database
from notifier.storage.operators import SqlChangeStore, SqlOperatorStore
from tests.contracts.samples import NOON
from tests.web.console.access import MemoryOperators
from tests.web.console.newsroom import MemoryChanges

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def store(database_or_double: Database | None) -> OperatorStore:
    return MemoryOperators() if database_or_double is None else SqlOperatorStore(database_or_double)


def test_a_session_belongs_to_its_operator_until_it_ends(store: OperatorStore) -> None:
    ada = store.add("Ada", "hash", Role.EDITOR, NOON)

    store.open_session(ada.id, b"token", NOON, NOON + HOUR)

    assert store.session(b"token", NOON) == ada
    assert store.session(b"other", NOON) is None
    assert store.session(b"token", NOON + HOUR) is None


def test_a_closed_session_is_over_at_once(store: OperatorStore) -> None:
    ada = store.add("Ada", "hash", Role.EDITOR, NOON)
    store.open_session(ada.id, b"one", NOON, NOON + HOUR)
    store.open_session(ada.id, b"two", NOON, NOON + HOUR)

    store.close_session(b"one")

    assert store.session(b"one", NOON) is None
    assert store.session(b"two", NOON) is not None
    assert store.close_sessions("Ada") == 1
    assert store.session(b"two", NOON) is None


def test_a_removed_operator_is_signed_out_everywhere(store: OperatorStore) -> None:
    ada = store.add("Ada", "hash", Role.EDITOR, NOON)
    store.open_session(ada.id, b"token", NOON, NOON + HOUR)

    assert store.remove("Ada")

    assert store.session(b"token", NOON) is None
    assert not store.remove("Ada")
    assert store.credentials("Ada") is None


def test_a_name_is_given_once(store: OperatorStore) -> None:
    store.add("Ada", "hash", Role.EDITOR, NOON)

    with pytest.raises(Conflict):
        store.add("Ada", "another", Role.ADMIN, NOON)


def test_the_first_operator_is_made_once(store: OperatorStore) -> None:
    store.add("Ada", "hash", Role.ADMIN, NOON, only_first=True)

    with pytest.raises(Conflict):
        store.add("Eve", "hash", Role.ADMIN, NOON, only_first=True)


def test_operators_are_listed_by_name_with_their_open_sessions(store: OperatorStore) -> None:
    store.add("Bea", "hash", Role.VIEWER, NOON)
    ada = store.add("Ada", "hash", Role.EDITOR, NOON)
    store.open_session(ada.id, b"token", NOON, NOON + HOUR)

    assert [(o.name, o.signed_in) for o in store.all(NOON)] == [("Ada", 1), ("Bea", 0)]
    assert [(o.name, o.signed_in) for o in store.all(NOON + HOUR)] == [("Ada", 0), ("Bea", 0)]


def test_a_role_changes_for_open_sessions_too(store: OperatorStore) -> None:
    ada = store.add("Ada", "hash", Role.ADMIN, NOON)
    store.open_session(ada.id, b"token", NOON, NOON + HOUR)

    assert store.set_role("Ada", Role.VIEWER)

    now = store.session(b"token", NOON)
    assert now is not None
    assert now.role is Role.VIEWER
    assert not store.set_role("Eve", Role.ADMIN)


def test_a_new_password_ends_the_sessions_of_the_old_one(store: OperatorStore) -> None:
    ada = store.add("Ada", "hash", Role.ADMIN, NOON)
    store.open_session(ada.id, b"token", NOON, NOON + HOUR)

    assert store.set_password("Ada", "other")

    known = store.credentials("Ada")
    assert known is not None
    assert known[1] == "other"
    assert store.session(b"token", NOON) is None
    assert not store.set_password("Eve", "other")


def test_open_sessions_are_listed_and_ended_one_by_one(store: OperatorStore) -> None:
    ada, bea = (store.add(name, "hash", Role.EDITOR, NOON) for name in ("Ada", "Bea"))
    store.open_session(ada.id, sha256(b"one").digest(), NOON, NOON + HOUR, "firefox")
    store.open_session(ada.id, sha256(b"two").digest(), NOON + MINUTE, NOON + HOUR, "chrome")
    store.open_session(bea.id, sha256(b"three").digest(), NOON + MINUTE, NOON + 2 * HOUR)

    newest, oldest = store.sessions(NOON, "Ada")

    assert [(s.operator, s.browser, s.since) for s in (newest, oldest)] == [
        ("Ada", "chrome", NOON + MINUTE),
        ("Ada", "firefox", NOON),
    ]
    assert [s.operator for s in store.sessions(NOON + HOUR)] == ["Bea"]
    assert not store.close_by_handle(oldest.handle, "Bea"), "it is not hers"
    assert store.close_by_handle(oldest.handle, "Ada")
    assert not store.close_by_handle(oldest.handle, "Ada")
    assert store.session(sha256(b"one").digest(), NOON) is None
    assert store.session(sha256(b"two").digest(), NOON) is not None


def test_changes_are_kept_whole_newest_first(database_or_double: Database | None) -> None:
    changes = MemoryChanges() if database_or_double is None else SqlChangeStore(database_or_double)
    first = changes.record(NewChange("topics.yaml", "Ada", "Added ships", "a", "b"), NOON)
    changes.record(NewChange("topics.yaml", "Bea", "Changed ships", "b", "c"), NOON + HOUR)

    assert [(c.by, c.before, c.after) for c in changes.recent(10)] == [("Bea", "b", "c"), ("Ada", "a", "b")]
    assert [c.id for c in changes.recent(10, before=first + 1)] == [first]
    found = changes.find(first)
    assert found is not None
    assert (found.at, found.what) == (NOON, "Added ships")
    assert changes.find(99) is None


def test_nobody_has_a_name_that_no_database_could_hold(store: OperatorStore) -> None:
    assert store.credentials("A\x00") is None
    assert not store.set_role("A\x00", Role.ADMIN)
    assert store.close_sessions("A\x00") == 0
    assert not store.remove("A\x00")
