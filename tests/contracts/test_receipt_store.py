"""What every ReceiptStore promises, on each database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from notifier.alerts.alert import Alert
from notifier.alerts.receipts import ACCEPTED, BUCKETS_S, CLICKED, SHOWN, TOLD_AT_MOST, Receipt, ReceiptStore, bucket_of
from notifier.storage.alerts import SqlAlertStore, accept
from notifier.storage.database import Database
from notifier.storage.receipts import SqlReceiptStore, add_times
from tests.contracts.samples import NOON, an_alert

LATER = NOON + timedelta(minutes=10)


class Harness:
    """The stores of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store: ReceiptStore = SqlReceiptStore(database)
        self.alerts = SqlAlertStore(database)

    def accept(self, audience: int = 1000, hold_until: datetime | None = None) -> Alert:
        with self.database.writing() as connection:
            made = accept(connection, replace(an_alert("world"), hold_until=hold_until), NOON, audience=audience)
        found = self.alerts.find(made)
        assert found is not None
        return found


@pytest.fixture
def harness(database: Database) -> Harness:
    return Harness(database)


def told(alert: Alert, kind: str = SHOWN, seconds: float = 3) -> Receipt:
    assert alert.receipt is not None
    return Receipt(alert.receipt, kind, bucket_of(seconds))


def test_every_alert_has_a_name_of_its_own_that_says_nothing(harness: Harness) -> None:
    one, other = harness.accept(), harness.accept()
    assert one.receipt is not None
    assert len(one.receipt) == 16
    assert one.receipt != other.receipt


def test_what_browsers_told_is_added_up(harness: Harness) -> None:
    one, other = harness.accept(), harness.accept()
    counted = harness.store.add({told(one): 3, told(one, CLICKED): 1, told(other): 2}, LATER)
    assert counted == {(SHOWN, 3.0): 5, (CLICKED, 3.0): 1}
    harness.store.add({told(one): 4}, LATER)
    assert harness.store.receipts(one.id) == {SHOWN: 7, CLICKED: 1}
    assert harness.store.receipts(other.id) == {SHOWN: 2}


def test_the_time_until_it_was_shown_is_a_histogram_of_few_rows(harness: Harness) -> None:
    alert = harness.accept()
    harness.store.add({told(alert, seconds=3): 3, told(alert, seconds=100): 1, told(alert, CLICKED): 9}, LATER)
    assert harness.store.times(alert.id) == {SHOWN: [(3.0, 3), (120.0, 1)]}


def test_what_cannot_be_true_is_bounded_or_left_out(harness: Harness) -> None:
    alert = harness.accept(audience=5)
    assert alert.receipt is not None
    lies = {
        told(alert, seconds=3600): 1,  # shown an hour after the decision, told after ten minutes
        Receipt(alert.receipt, SHOWN, len(BUCKETS_S)): 1,
        Receipt(alert.receipt, SHOWN, -1): 1,
        Receipt(alert.receipt, "liked", 0): 1,
        Receipt("nobody", SHOWN, 0): 1,
        told(alert, CLICKED): 1000,
    }
    assert harness.store.add(lies, LATER) == {(SHOWN, 600.0): 1, (CLICKED, 3.0): 1000}
    assert harness.store.times(alert.id) == {SHOWN: [(600.0, 1)]}
    assert harness.store.receipts(alert.id) == {SHOWN: 1, CLICKED: 5}


def test_only_a_share_of_many_tells_and_stands_for_all(harness: Harness) -> None:
    alert = harness.accept(audience=10 * TOLD_AT_MOST)
    harness.store.add({told(alert): 2_000, told(alert, CLICKED): 70}, LATER)
    assert harness.store.receipts(alert.id) == {SHOWN: 20_000, CLICKED: 70}


def test_an_alert_that_no_screen_has_any_more_is_counted_no_more(harness: Harness) -> None:
    alert = harness.accept()
    assert harness.store.add({told(alert): 1}, NOON + timedelta(days=2)) == {}
    assert harness.store.receipts(alert.id) == {}


def test_the_time_of_a_held_alert_counts_from_when_it_might_go(harness: Harness) -> None:
    alert = harness.accept(hold_until=NOON + timedelta(minutes=9))
    harness.store.add({told(alert, seconds=600): 1}, LATER)
    assert harness.store.times(alert.id) == {SHOWN: [(60.0, 1)]}


def test_the_engine_adds_what_was_accepted_in_its_own_transaction(harness: Harness) -> None:
    alert = harness.accept()
    for _ in range(2):
        with harness.database.writing() as connection:
            add_times(connection, {(alert.id, ACCEPTED, 5.0): 500, (alert.id, ACCEPTED, 1.0): 300})
    assert harness.store.times(alert.id) == {ACCEPTED: [(1.0, 600), (5.0, 1000)]}


def test_many_names_that_nobody_has_are_no_trouble(harness: Harness) -> None:
    alert = harness.accept()
    noise = {Receipt(f"guess-{number}", SHOWN, 0): 1 for number in range(2_000)}
    assert harness.store.add(noise | {told(alert): 1}, LATER) == {(SHOWN, 3.0): 1}
