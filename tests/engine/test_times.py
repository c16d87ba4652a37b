"""How long pushes took to be accepted is kept with the alert, whichever way they went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.alerts.receipts import ACCEPTED
from notifier.push.transport import PushResponse
from notifier.storage.database import Database
from notifier.storage.receipts import SqlReceiptStore
from tests.engine.harness import EngineHarness


@pytest.fixture
def receipts(tmp_path: Path, harness: EngineHarness) -> Iterator[SqlReceiptStore]:
    database = Database(f"sqlite:///{tmp_path / 'notifier.db'}")
    yield SqlReceiptStore(database)
    database.close()


def test_each_sub_batch_is_counted_when_it_is_settled(harness: EngineHarness, receipts: SqlReceiptStore) -> None:
    harness.subscribe("ada", "bob", "eve")
    alert = harness.accept()
    harness.clock.advance(4)

    def take_a_while() -> None:
        harness.clock.advance(4)

    harness.transport.then = take_a_while
    harness.work()
    assert receipts.times(alert.id) == {ACCEPTED: [(10.0, 2), (15.0, 1)]}


def test_a_push_that_was_taken_at_the_second_attempt_counts_from_the_same_start(
    harness: EngineHarness, receipts: SqlReceiptStore
) -> None:
    harness.subscribe("ada", "bob")
    harness.transport.answers["ada"] = PushResponse(status=503)
    alert = harness.accept()
    harness.work()
    assert receipts.times(alert.id) == {ACCEPTED: [(0.5, 1)]}
    harness.transport.answers.clear()
    harness.clock.advance(80)
    harness.work()
    assert receipts.times(alert.id) == {ACCEPTED: [(0.5, 1), (90.0, 1)]}
