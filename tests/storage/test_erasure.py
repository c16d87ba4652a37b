"""Deleted is deleted: after the stated bound no file of the data folder holds a byte of what a subscriber gave."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from notifier.clock import ManualClock
from notifier.storage.database import Database
from notifier.storage.erasure import SMALL_BYTES, SMALL_EVERY_S, Erasure
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.subscribers.subscriber import NewSubscription, PushKeys
from tests.contracts.samples import NOON
from tests.databases import sqlite_database


class Hand:
    """A monotonic clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(sqlite_database(tmp_path / "notifier.db")) as fresh:
        yield fresh


def made(chance: random.Random) -> NewSubscription:
    keys = PushKeys(f"https://push.example/{chance.randbytes(40).hex()}", chance.randbytes(65), chance.randbytes(16))
    return NewSubscription(keys, chance.randbytes(32), frozenset({"world"}), "push.example", "key")


def secrets_of(new: NewSubscription) -> list[bytes]:
    return [new.keys.endpoint.encode(), new.keys.p256dh, new.keys.auth, new.token_hash]


def left(folder: Path, gone: list[NewSubscription]) -> list[bytes]:
    """What of these is in any file."""
    held = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return [secret for new in gone for secret in secrets_of(new) if secret in held]


@pytest.mark.parametrize("seed", range(3))
def test_what_was_deleted_is_in_no_file_after_two_minutes(database: Database, tmp_path: Path, seed: int) -> None:
    chance, hand = random.Random(seed), Hand()
    store, erasure = SqlSubscriptionStore(database), Erasure(database, steady=hand)
    everybody = [made(chance) for _ in range(150)]
    for new in everybody:
        store.subscribe(new, NOON)
    erasure.work()
    gone = chance.sample(everybody, 60)
    for new in gone:
        store.delete(new.token_hash, NOON)
    assert left(tmp_path, gone), "the test would see it"
    hand.now += SMALL_EVERY_S
    erasure.work()
    assert left(tmp_path, gone) == []
    assert len(left(tmp_path, everybody)) == 4 * 90


def test_what_a_renewal_replaced_is_gone_too(database: Database, tmp_path: Path) -> None:
    chance, hand = random.Random(1), Hand()
    store, erasure = SqlSubscriptionStore(database), Erasure(database, steady=hand)
    before, after = made(chance), made(chance)
    store.subscribe(before, NOON)
    store.renew(before.token_hash, after, NOON)
    erasure.work()
    assert set(left(tmp_path, [before])) == {before.token_hash}, "the token is still theirs"


def test_what_is_deleted_while_somebody_reads_is_gone_a_turn_after_they_end(database: Database, tmp_path: Path) -> None:
    chance, hand = random.Random(2), Hand()
    store, erasure = SqlSubscriptionStore(database), Erasure(database, steady=hand)
    new = made(chance)
    store.subscribe(new, NOON)
    with database.reading() as reader:
        reader.execute(text("SELECT count(*) FROM subscription")).all()
        store.delete(new.token_hash, NOON)
        erasure.work()
    hand.now += SMALL_EVERY_S
    erasure.work()
    assert left(tmp_path, [new]) == []


def test_nothing_is_rewritten_while_news_is_sent_or_before_its_time(database: Database) -> None:
    hand, sending = Hand(), [True]
    erasure = Erasure(database, lambda: sending[0], steady=hand)
    erasure.work()
    assert database.erased.is_set()
    sending[0] = False
    erasure.work()
    assert not database.erased.is_set()
    database.erased.set()
    erasure.work()
    assert database.erased.is_set()
    hand.now += SMALL_EVERY_S
    erasure.work()
    assert not database.erased.is_set()


def test_a_large_file_is_rewritten_once_a_day(database: Database) -> None:
    clock = ManualClock(NOON)
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE ballast (much BLOB)")
        connection.exec_driver_sql("INSERT INTO ballast VALUES (zeroblob(?))", (SMALL_BYTES,))
    with database.outside() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    erasure = Erasure(database, clock=clock)
    erasure.work()
    assert not database.erased.is_set()
    database.erased.set()
    clock.advance(timedelta(hours=1).total_seconds())
    erasure.work()
    assert database.erased.is_set()
    clock.advance(timedelta(days=1).total_seconds())
    erasure.work()
    assert not database.erased.is_set()
