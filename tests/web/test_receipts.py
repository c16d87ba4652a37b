"""What browsers tell of alerts is counted without knowing who told it, and whoever asks learns nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

import notifier.web
from notifier.alerts.receipts import BUCKETS_S, CLICKED, SHOWN, Histogram, Receipt
from notifier.clock import ManualClock
from notifier.telemetry import Metrics
from notifier.web.rates import RECEIPTS_PER_MINUTE
from notifier.web.receipt_counter import MOST_TOLD, ReceiptCounter
from tests.web.site import NOW, Answer, Site

NAME = "abcdefghijklmnop"


class MemoryReceipts:
    """ReceiptStore in a dict; `away` makes it fail."""

    def __init__(self) -> None:
        self.told: dict[Receipt, int] = {}
        self.away = False

    def add(self, told: Mapping[Receipt, int], now: datetime) -> Mapping[tuple[str, float], int]:
        if self.away:
            raise OSError("the database is away")
        counted: dict[tuple[str, float], int] = {}
        for one, count in told.items():
            self.told[one] = self.told.get(one, 0) + count
            counted[one.kind, BUCKETS_S[one.bucket]] = count
        return counted

    def receipts(self, alert_id: int) -> Mapping[str, int]:
        return {}

    def times(self, alert_id: int) -> Mapping[str, Histogram]:
        return {}


class Reception:
    """A site that counts, and what it counted."""

    def __init__(self) -> None:
        self.store = MemoryReceipts()
        self.metrics = Metrics()
        self.desk = ReceiptCounter(self.store, ManualClock(NOW), self.metrics)
        self.site = Site(receipts=self.desk)

    def tell(self, **members: object) -> Answer:
        body = {"receipt": NAME, "kind": "shown", "bucket": 3} | members
        return self.site.ask("POST", "/api/receipts", body=body)


def test_what_is_told_is_counted_when_it_is_handed_over() -> None:
    reception = Reception()
    answers = [reception.tell(), reception.tell(), reception.tell(kind="clicked")]
    assert [(answer.status, answer.body) for answer in answers] == [(204, b"")] * 3
    assert reception.store.told == {}
    reception.desk.hand_over()
    assert reception.store.told == {Receipt(NAME, SHOWN, 3): 2, Receipt(NAME, CLICKED, 3): 1}
    assert b'notifier_receipts_total{kind="shown"} 2.0' in reception.metrics.exposition()
    assert b"notifier_decision_to_shown_seconds_count 2.0" in reception.metrics.exposition()


def test_a_name_that_nobody_has_is_answered_like_any_other() -> None:
    known, unknown = Reception().tell(), Reception().tell(receipt="qponmlkjihgfedcba")
    assert (known.status, known.headers, known.body) == (unknown.status, unknown.headers, unknown.body)


def test_a_site_that_does_not_ask_counts_nothing_and_does_not_say_so() -> None:
    answer = Site().ask("POST", "/api/receipts", body={"receipt": NAME, "kind": "shown", "bucket": 0})
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize(
    "members",
    [{"kind": "liked"}, {"bucket": -1}, {"bucket": len(BUCKETS_S)}, {"bucket": "3"}, {"receipt": "short"}],
)
def test_what_no_worker_of_ours_says_is_refused(members: dict[str, object]) -> None:
    assert Reception().tell(**members).status == 422


def test_a_long_story_is_not_read() -> None:
    assert Reception().tell(more="x" * 1000).status == 413


def test_another_sites_page_counts_nothing() -> None:
    reception = Reception()
    headers = {"sec-fetch-site": "cross-site"}
    body = {"receipt": NAME, "kind": "shown", "bucket": 3}
    assert reception.site.ask("POST", "/api/receipts", body=body, headers=headers).status == 403
    reception.desk.hand_over()
    assert reception.store.told == {}


def test_one_address_cannot_tell_without_end() -> None:
    reception = Reception()
    statuses = [reception.tell().status for _ in range(RECEIPTS_PER_MINUTE + 1)]
    assert statuses[-2:] == [204, 429]


def test_what_a_database_that_is_away_did_not_take_is_handed_over_later() -> None:
    reception = Reception()
    reception.tell()
    reception.store.away = True
    with pytest.raises(OSError, match="away"):
        reception.desk.hand_over()
    reception.store.away = False
    reception.tell()
    reception.desk.hand_over()
    assert reception.store.told == {Receipt(NAME, SHOWN, 3): 2}


def test_made_up_names_take_a_bounded_place_and_known_ones_go_on() -> None:
    reception = Reception()
    reception.desk.tell(Receipt(NAME, SHOWN, 0))
    for number in range(2 * MOST_TOLD):
        reception.desk.tell(Receipt(f"made-up-{number}", SHOWN, 0))
    reception.desk.tell(Receipt(NAME, SHOWN, 0))
    reception.desk.hand_over()
    assert len(reception.store.told) == MOST_TOLD
    assert reception.store.told[Receipt(NAME, SHOWN, 0)] == 2


def test_the_worker_and_the_server_count_in_the_same_steps() -> None:
    worker = (Path(notifier.web.__file__).parent / "static" / "sw.js").read_text(encoding="utf-8")
    written = re.search(r"BUCKETS_S = \[([^\]]+)\]", worker)
    assert written is not None
    assert tuple(float(end) for end in written[1].split(",")) == BUCKETS_S
