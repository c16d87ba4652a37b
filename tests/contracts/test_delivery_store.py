"""What every DeliveryStore promises, on each database: chunks, leases, retries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import ChunkJob, DeliveryStore, RetryJob, RetryLater, RetrySettlement, Settlement
from notifier.errors import LeaseLost
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.audience import SqlAudienceStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.retention import Retention
from notifier.storage.retries import MANY_DUE
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.storage.transfer import SqlTransfer
from tests.contracts.samples import NOON, a_subscription, an_alert, token

LEASE_S = 60.0
SOON = NOON + timedelta(seconds=1)
AFTER_LEASE = NOON + timedelta(seconds=LEASE_S + 1)
DUE = NOON + timedelta(seconds=10)
DUE_AFTER_LEASE = DUE + timedelta(seconds=LEASE_S + 1)


class House:
    """The stores of one database, and shorter words for what tests do with them."""

    def __init__(self, database: Database) -> None:
        self.subscriptions = SqlSubscriptionStore(database)
        self.alerts = SqlAlertStore(database)
        self.store: DeliveryStore = SqlDeliveryStore(database)

    def subscribe(self, name: str, *topics: str) -> int:
        return self.subscriptions.subscribe(a_subscription(name, *topics), NOON)

    def claim(self, now: object = NOON) -> ChunkJob:
        job = self.store.claim_chunk(NOON if now is NOON else now, LEASE_S)  # type: ignore[arg-type]
        assert job is not None
        return job

    def counts(self, alert: Alert) -> Mapping[str, int]:
        found = self.alerts.find(alert.id)
        assert found is not None
        return found.counts

    def is_done(self, alert: Alert) -> bool:
        found = self.alerts.find(alert.id)
        assert found is not None
        return found.done_at is not None


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def done(job: ChunkJob, delivered: int = 1, **more: object) -> Settlement:
    counts = {"mozilla": {"delivered": delivered}} if delivered else {}
    return Settlement(cursor=job.chunk.hi, counts=counts, done=True, **more)  # type: ignore[arg-type]


def test_an_alert_reaches_its_topics_subscribers_once_each_in_order_of_id(house: House) -> None:
    ada = house.subscribe("ada", "world", "uk")
    house.subscribe("bob", "sport")
    eve = house.subscribe("eve", "uk")
    house.alerts.accept(an_alert("world", "uk"), NOON)
    job = house.claim()
    assert [r.subscription_id for r in house.store.take(job, job.chunk.cursor, 10)] == [ada, eve]
    assert [r.subscription_id for r in house.store.take(job, ada, 10)] == [eve]
    assert [r.subscription_id for r in house.store.take(job, job.chunk.cursor, 1)] == [ada]


def test_whoever_subscribes_after_the_decision_is_not_in_the_audience(house: House) -> None:
    house.subscribe("ada", "world")
    alert = house.alerts.accept(an_alert("world"), NOON)
    house.subscribe("late", "world")
    job = house.claim()
    assert alert.audience == 1
    assert len(house.store.take(job, job.chunk.cursor, 10)) == 1


def test_an_audience_is_counted_before_the_writers_turn_not_in_it(house: House, database: Database) -> None:
    for name in ("ada", "bob"):
        house.subscribe(name, "world", "uk")
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *heard: said.append(heard[2]))
    alert = house.alerts.accept(an_alert("world", "uk"), NOON)
    (counted,) = [place for place, words in enumerate(said) if "count(distinct" in words.lower()]
    assert counted < min(place for place, words in enumerate(said) if words.startswith(("INSERT", "BEGIN IMMEDIATE")))
    assert alert.audience == 2


def test_followers_of_an_excluded_topic_are_left_out(house: House) -> None:
    ada = house.subscribe("ada", "world")
    house.subscribe("bob", "world", "uk")
    alert = house.alerts.accept(replace(an_alert("world"), except_topics=frozenset({"uk"})), NOON)
    job = house.claim()
    assert (alert.audience, alert.topics) == (1, {"world"})
    assert [r.subscription_id for r in house.store.take(job, job.chunk.cursor, 10)] == [ada]


def test_an_alert_to_nobody_is_done_at_once(house: House) -> None:
    house.subscribe("ada", "sport")
    alert = house.alerts.accept(an_alert("world"), NOON)
    assert house.is_done(alert)
    assert house.store.claim_chunk(NOON, LEASE_S) is None


def test_a_claimed_chunk_is_nobody_elses_until_its_lease_ends(house: House) -> None:
    house.subscribe("ada", "world")
    house.alerts.accept(an_alert("world"), NOON)
    first = house.claim()
    assert house.store.claim_chunk(SOON, LEASE_S) is None
    second = house.claim(AFTER_LEASE)
    assert second.chunk.id == first.chunk.id
    assert second.chunk.lease_token != first.chunk.lease_token
    assert second.chunk.attempts == 2


def test_a_worker_whose_lease_was_taken_over_writes_nothing(house: House) -> None:
    house.subscribe("ada", "world")
    alert = house.alerts.accept(an_alert("world"), NOON)
    slow = house.claim()
    house.claim(AFTER_LEASE)
    with pytest.raises(LeaseLost):
        house.store.settle(slow, done(slow), AFTER_LEASE, LEASE_S)
    with pytest.raises(LeaseLost):
        house.store.release(slow, AFTER_LEASE)
    assert house.counts(alert) == {}
    assert not house.is_done(alert)


def test_settling_moves_the_cursor_and_renews_the_lease(house: House) -> None:
    ada = house.subscribe("ada", "world")
    house.subscribe("bob", "world")
    house.alerts.accept(an_alert("world"), NOON)
    job = house.claim()
    house.store.settle(job, Settlement(ada, {"mozilla": {"delivered": 1}}), AFTER_LEASE, LEASE_S)
    assert house.store.claim_chunk(AFTER_LEASE + timedelta(seconds=LEASE_S - 1), LEASE_S) is None
    taken = house.claim(AFTER_LEASE + timedelta(seconds=LEASE_S + 1))
    assert taken.chunk.cursor == ada


def test_a_released_chunk_can_be_claimed_at_once_where_it_stands(house: House) -> None:
    ada = house.subscribe("ada", "world")
    house.subscribe("bob", "world")
    house.alerts.accept(an_alert("world"), NOON)
    job = house.claim()
    house.store.settle(job, Settlement(ada, {}), SOON, LEASE_S)
    house.store.release(job, SOON)
    assert house.claim(SOON).chunk.cursor == ada


def test_a_finished_alert_has_its_counts_and_its_time(house: House) -> None:
    house.subscribe("ada", "world")
    alert = house.alerts.accept(an_alert("world"), NOON)
    job = house.claim()
    house.store.settle(job, done(job), SOON, LEASE_S)
    found = house.alerts.find(alert.id)
    assert found is not None
    assert (found.counts, found.done_at) == ({"delivered": 1}, SOON)
    assert house.store.claim_chunk(AFTER_LEASE, LEASE_S) is None


def test_breaking_news_is_claimed_before_what_waited_longer(house: House) -> None:
    house.subscribe("ada", "world")
    house.alerts.accept(an_alert("world", story=1), NOON)
    assert not house.store.breaking_waits(NOON)
    urgent = house.alerts.accept(an_alert("world", story=2, breaking=True), NOON)
    assert house.store.breaking_waits(NOON)
    assert house.claim().alert.id == urgent.id
    assert not house.store.breaking_waits(NOON)


def test_a_held_alert_goes_at_its_time_where_its_topics_say_so(house: House) -> None:
    house.subscribe("ada", "world")
    until = NOON + timedelta(minutes=10)
    house.alerts.accept(replace(an_alert("world"), hold_until=until, why={"then": "send"}), NOON)
    assert house.store.claim_chunk(SOON, LEASE_S) is None
    assert house.alerts.end_holds(until) == 0
    assert house.store.claim_chunk(until, LEASE_S) is not None


@pytest.mark.parametrize("why", [{}, {"then": "drop"}])
def test_a_held_alert_that_nobody_looks_at_is_never_sent(house: House, why: dict[str, str]) -> None:
    house.subscribe("ada", "world")
    until = NOON + timedelta(minutes=10)
    held = house.alerts.accept(replace(an_alert("world"), hold_until=until, why=why), NOON)
    assert house.alerts.end_holds(SOON) == 0
    for hours in (1, 24, 24 * 365):
        assert house.store.claim_chunk(until + timedelta(hours=hours), LEASE_S) is None, "not even if no clean-up came"

    assert house.alerts.end_holds(until) == 1
    assert house.alerts.end_holds(until) == 0

    dropped = house.alerts.find(held.id)
    assert dropped is not None
    assert (dropped.done_at, dropped.withdrawn_at) == (until, until)
    assert dropped.nobody_looked(until)
    assert "Nobody looked" in dropped.why["nobody_looked"]
    assert house.store.claim_chunk(until + timedelta(days=1), LEASE_S) is None


def test_gone_subscribers_are_removed_when_the_sub_batch_is_settled(house: House) -> None:
    ada = house.subscribe("ada", "world")
    alert = house.alerts.accept(an_alert("world"), NOON)
    job = house.claim()
    gone = Settlement(job.chunk.hi, {"mozilla": {"gone": 1}}, gone={ada: "gone-410"}, done=True)
    house.store.settle(job, gone, SOON, LEASE_S)
    assert house.subscriptions.find(token("ada")) is None
    assert house.counts(alert) == {"gone": 1}


def failed(house: House, name: str = "ada", story: int = 1, *, breaking: bool = False) -> tuple[Alert, int]:
    """An alert whose one push has to be tried again ten seconds after NOON."""
    ada = house.subscribe(name, "world")
    alert = house.alerts.accept(an_alert("world", story=story, breaking=breaking), NOON)
    job = house.claim()
    later = RetryLater(ada, 1, "503", DUE, "mozilla")
    house.store.settle(job, Settlement(job.chunk.hi, {"mozilla": {"retrying": 1}}, [later], done=True), SOON, LEASE_S)
    return alert, ada


def settled(job: RetryJob, outcome: str, **more: object) -> RetrySettlement:
    return RetrySettlement(job.alert.id, job.recipient, outcome, lease_token=job.lease_token, **more)  # type: ignore[arg-type]


def test_a_retry_is_claimed_when_it_is_due_and_once(house: House) -> None:
    alert, ada = failed(house)
    assert not house.is_done(alert)
    assert house.store.claim_retries(SOON, 10, LEASE_S) == []
    (job,) = house.store.claim_retries(DUE, 10, LEASE_S)
    assert (job.alert.id, job.recipient.subscription_id, job.attempts) == (alert.id, ada, 1)
    assert house.store.claim_retries(DUE, 10, LEASE_S) == []
    assert len(house.store.claim_retries(DUE + timedelta(seconds=LEASE_S + 1), 10, LEASE_S)) == 1


def test_a_retry_that_went_well_is_counted_and_ends_the_alert(house: House) -> None:
    alert, _ = failed(house)
    (job,) = house.store.claim_retries(DUE, 10, LEASE_S)
    house.store.settle_retries([settled(job, "delivered")], DUE)
    assert house.counts(alert) == {"retrying": 0, "delivered": 1}
    assert house.is_done(alert)


def test_a_retry_that_failed_again_comes_back_later(house: House) -> None:
    alert, ada = failed(house)
    (job,) = house.store.claim_retries(DUE, 10, LEASE_S)
    again = RetryLater(ada, 2, "503", DUE + timedelta(seconds=20))
    house.store.settle_retries([settled(job, "retrying", again=again)], DUE)
    assert house.store.claim_retries(DUE, 10, LEASE_S) == []
    (job,) = house.store.claim_retries(DUE + timedelta(seconds=20), 10, LEASE_S)
    assert job.attempts == 2
    assert house.counts(alert) == {"retrying": 1}


def test_settling_one_retry_twice_counts_once(house: House) -> None:
    alert, _ = failed(house)
    (job,) = house.store.claim_retries(DUE, 10, LEASE_S)
    for _ in range(2):
        house.store.settle_retries([settled(job, "delivered")], DUE)
    assert house.counts(alert) == {"retrying": 0, "delivered": 1}


def test_whoever_left_is_not_tried_again(house: House) -> None:
    alert, _ = failed(house)
    house.subscriptions.delete(token("ada"), SOON)
    assert house.store.claim_retries(DUE, 10, LEASE_S) == []
    assert house.counts(alert) == {"retrying": 0, "left": 1}
    assert house.is_done(alert)


def test_an_alert_of_which_only_who_left_was_missing_does_not_outlive_its_keeping(
    house: House, database: Database
) -> None:
    alert, _ = failed(house)
    house.subscriptions.delete(token("ada"), SOON)
    Retention(database).prune(AFTER_LEASE)
    assert house.alerts.find(alert.id) is None


def test_an_alert_goes_on_when_one_of_two_who_are_tried_again_leaves(house: House) -> None:
    ids = [house.subscribe(name, "world") for name in ("ada", "bob")]
    alert = house.alerts.accept(an_alert("world"), NOON)
    job = house.claim()
    later = [RetryLater(number, 1, "503", DUE, "mozilla") for number in ids]
    house.store.settle(job, Settlement(job.chunk.hi, {"mozilla": {"retrying": 2}}, later, done=True), SOON, LEASE_S)
    house.subscriptions.remove_gone(ids[:1], "gone-410", SOON)
    assert house.counts(alert) == {"retrying": 1, "left": 1}
    assert not house.is_done(alert)
    house.subscriptions.remove_gone(ids[1:], "gone-410", SOON)
    assert house.counts(alert) == {"retrying": 0, "left": 2}
    assert house.is_done(alert)


def test_whoever_turns_out_to_be_gone_in_one_alert_ends_the_retry_of_another(house: House) -> None:
    first, ada = failed(house)
    second = house.alerts.accept(an_alert("world", story=2), SOON)
    job = house.claim(SOON)
    gone = Settlement(job.chunk.hi, {"mozilla": {"gone": 1}}, gone={ada: "gone-410"}, done=True)
    house.store.settle(job, gone, SOON, LEASE_S)
    assert (house.counts(first), house.counts(second)) == ({"retrying": 0, "left": 1}, {"gone": 1})
    assert house.is_done(first)
    assert house.is_done(second)


def test_an_endpoint_that_changes_hands_ends_the_retries_of_who_had_it(house: House) -> None:
    alert, _ = failed(house)
    house.subscriptions.subscribe(a_subscription("bob", "world", endpoint="https://push.example/ada"), SOON)
    assert house.counts(alert) == {"retrying": 0, "left": 1}
    assert house.is_done(alert)


def test_whoever_subscribes_anew_during_an_alert_still_gets_it(house: House) -> None:
    house.subscribe("ada", "world")
    house.alerts.accept(an_alert("world"), NOON)
    house.subscriptions.subscribe(a_subscription("ada", "world", endpoint="https://push.example/new"), SOON)
    job = house.claim()
    (ada,) = house.store.take(job, job.chunk.cursor, 10)
    assert ada.keys.endpoint == "https://push.example/new"


def test_retries_are_claimed_an_alert_at_a_time_breaking_ones_first(house: House) -> None:
    ordinary, ada = failed(house, story=1)
    breaking, bob = failed(house, "bob", story=2, breaking=True)
    claimed = [house.store.claim_retries(DUE, 10, LEASE_S) for _ in range(3)]
    found = [[(job.alert.id, job.recipient.subscription_id) for job in jobs] for jobs in claimed]
    assert found == [[(breaking.id, bob)], [(ordinary.id, ada)], []]


def test_who_was_here_most_recently_is_tried_again_first_and_a_held_service_is_left_alone(house: House) -> None:
    ids = {}
    for day, name in enumerate(("ada", "bob", "eve")):
        ids[name] = house.subscribe(name, "world")
        house.subscriptions.seen(token(name), NOON - timedelta(days=(day * 2) % 3))
    house.alerts.accept(an_alert("world"), NOON)
    job = house.claim()
    later = [RetryLater(number, 1, "429", DUE - timedelta(seconds=number % 2), "mozilla") for number in ids.values()]
    house.store.settle(job, Settlement(job.chunk.hi, {"mozilla": {"retrying": 3}}, later, done=True), SOON, LEASE_S)
    assert house.store.claim_retries(DUE, 9, LEASE_S, {False: {"mozilla"}, True: set()}) == []
    claimed = house.store.claim_retries(DUE, 2, LEASE_S, {True: {"mozilla"}, False: {"fcm"}})
    assert [job.recipient.subscription_id for job in claimed] == [ids["ada"], ids["eve"]]
    (last,) = house.store.claim_retries(DUE, 9, LEASE_S)
    assert last.recipient.subscription_id == ids["bob"]


def test_of_very_many_who_are_due_those_who_were_here_last_are_found_all_the_same(
    house: House, database: Database
) -> None:
    many = MANY_DUE + 50
    SqlTransfer(database).add([a_subscription(str(number), "world") for number in range(many)], NOON)
    house.subscriptions.seen(token("17"), NOON + timedelta(days=1))
    house.alerts.accept(an_alert("world"), NOON)
    job = house.claim()
    ids = [recipient.subscription_id for recipient in house.store.take(job, 0, many)]
    later = [RetryLater(number, 1, "held", DUE, "mozilla") for number in ids]
    counts = {"mozilla": {"retrying": many}}
    house.store.settle(job, Settlement(job.chunk.hi, counts, later, done=True), SOON, LEASE_S)
    claimed = house.store.claim_retries(DUE, 10, LEASE_S)
    assert len(claimed) == 10
    assert claimed[0].recipient.keys.endpoint == "https://push.example/17"


def test_a_retry_that_another_worker_took_over_is_settled_by_that_one_only(house: House) -> None:
    alert, ada = failed(house)
    (slow,) = house.store.claim_retries(DUE, 10, LEASE_S)
    (quick,) = house.store.claim_retries(DUE_AFTER_LEASE, 10, LEASE_S)
    again = RetryLater(ada, 2, "503", DUE_AFTER_LEASE, "mozilla")
    house.store.settle_retries([settled(slow, "retrying", again=again)], DUE_AFTER_LEASE)
    house.store.settle_retries([settled(slow, "gone", gone="gone-410")], DUE_AFTER_LEASE)
    assert house.store.claim_retries(DUE_AFTER_LEASE, 10, LEASE_S) == [], "the new holder's lease stands"
    assert house.counts(alert) == {"retrying": 1}
    house.store.settle_retries([settled(quick, "delivered")], DUE_AFTER_LEASE)
    assert house.counts(alert) == {"retrying": 0, "delivered": 1}


def test_a_retry_that_finds_the_subscriber_gone_ends_the_subscription_with_its_reason(
    house: House, database: Database
) -> None:
    alert, _ = failed(house)
    (job,) = house.store.claim_retries(DUE, 10, LEASE_S)
    house.store.settle_retries([settled(job, "gone", gone="gone-410")], DUE)
    assert house.subscriptions.find(token("ada")) is None
    assert house.counts(alert) == {"retrying": 0, "gone": 1}
    assert house.is_done(alert)
    assert [(end.reason, end.count) for end in SqlAudienceStore(database).ends(NOON)] == [("gone-410", 1)]


def test_whoever_left_while_being_pushed_to_leaves_no_retry(house: House) -> None:
    ada = house.subscribe("ada", "world")
    alert = house.alerts.accept(an_alert("world"), NOON)
    job = house.claim()
    house.subscriptions.delete(token("ada"), SOON)
    later = RetryLater(ada, 1, "503", DUE, "mozilla")
    house.store.settle(job, Settlement(job.chunk.hi, {"mozilla": {"retrying": 1}}, [later], done=True), SOON, LEASE_S)
    assert house.store.claim_retries(DUE, 10, LEASE_S) == []
    assert house.counts(alert) == {"left": 1}
    assert house.is_done(alert)
