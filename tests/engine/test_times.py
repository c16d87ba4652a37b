"""How long pushes took to be accepted is kept with the alert, whichever way they went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.alerts.receipts import ACCEPTED
from notifier.push.send import Answer
from notifier.storage.database import Database
from notifier.storage.receipts import SqlReceiptStore
from tests.engine.house import EngineHouse


@pytest.fixture
def receipts(tmp_path: Path, house: EngineHouse) -> Iterator[SqlReceiptStore]:
    database = Database(f"sqlite:///{tmp_path / 'notifier.db'}")
    yield SqlReceiptStore(database)
    database.close()


def test_each_sub_batch_is_counted_when_it_is_settled(house: EngineHouse, receipts: SqlReceiptStore) -> None:
    house.subscribe("ada", "bob", "eve")
    alert = house.accept()
    house.clock.advance(4)

    def take_a_while() -> None:
        house.clock.advance(4)

    house.wire.then = take_a_while
    house.work()
    assert receipts.times(alert.id) == {ACCEPTED: [(10.0, 2), (15.0, 1)]}


def test_a_push_that_was_taken_at_the_second_attempt_counts_from_the_same_start(
    house: EngineHouse, receipts: SqlReceiptStore
) -> None:
    house.subscribe("ada", "bob")
    house.wire.answers["ada"] = Answer(status=503)
    alert = house.accept()
    house.work()
    assert receipts.times(alert.id) == {ACCEPTED: [(0.5, 1)]}
    house.wire.answers.clear()
    house.clock.advance(80)
    house.work()
    assert receipts.times(alert.id) == {ACCEPTED: [(0.5, 1), (90.0, 1)]}
