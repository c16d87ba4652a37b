"""What every DeliveryStore promises, on each database: chunks, leases, retries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import DeliveryStore, LeasedChunk, LeasedRetry, RetryLater, RetrySettlement, Settlement
from notifier.alerts.evidence import Evidence, OnHold
from notifier.errors import LeaseLost
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.audience import SqlAudienceStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.retention import Retention
from notifier.storage.retries import MANY_DUE
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.storage.transfer import SqlTransfer
from notifier.topics.topic import Then
from tests.contracts.samples import NOON, a_subscription, an_alert, token

LEASE_S = 60.0
SOON = NOON + timedelta(seconds=1)
AFTER_LEASE = NOON + timedelta(seconds=LEASE_S + 1)
DUE = NOON + timedelta(seconds=10)
DUE_AFTER_LEASE = DUE + timedelta(seconds=LEASE_S + 1)


class Harness:
    """The stores of one database, and shorter words for what tests do with them."""

    def __init__(self, database: Database) -> None:
        self.subscriptions = SqlSubscriptionStore(database)
        self.alerts = SqlAlertStore(database)
        self.store: DeliveryStore = SqlDeliveryStore(database)

    def subscribe(self, name: str, *topics: str) -> int:
        return self.subscriptions.subscribe(a_subscription(name, *topics), NOON)

    def claim(self, now: object = NOON) -> LeasedChunk:
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
def harness(database: Database) -> Harness:
    return Harness(database)


def done(job: LeasedChunk, delivered: int = 1, **more: object) -> Settlement:
    counts = {"mozilla": {"delivered": delivered}} if delivered else {}
    return Settlement(cursor=job.chunk.hi, counts=counts, done=True, **more)  # type: ignore[arg-type]


def test_an_alert_reaches_its_topics_subscribers_once_each_in_order_of_id(harness: Harness) -> None:
    ada = harness.subscribe("ada", "world", "uk")
    harness.subscribe("bob", "sport")
    eve = harness.subscribe("eve", "uk")
    harness.alerts.accept(an_alert("world", "uk"), NOON)
    job = harness.claim()
    assert [r.subscription_id for r in harness.store.take(job, job.chunk.cursor, 10)] == [ada, eve]
    assert [r.subscription_id for r in harness.store.take(job, ada, 10)] == [eve]
    assert [r.subscription_id for r in harness.store.take(job, job.chunk.cursor, 1)] == [ada]


def test_whoever_subscribes_after_the_decision_is_not_in_the_audience(harness: Harness) -> None:
    harness.subscribe("ada", "world")
    alert = harness.alerts.accept(an_alert("world"), NOON)
    harness.subscribe("late", "world")
    job = harness.claim()
    assert alert.audience == 1
    assert len(harness.store.take(job, job.chunk.cursor, 10)) == 1


def test_an_audience_is_counted_before_the_writers_turn_not_in_it(harness: Harness, database: Database) -> None:
    for name in ("ada", "bob"):
        harness.subscribe(name, "world", "uk")
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *heard: said.append(heard[2]))
    alert = harness.alerts.accept(an_alert("world", "uk"), NOON)
    (counted,) = [place for place, words in enumerate(said) if "count(distinct" in words.lower()]
    assert counted < min(place for place, words in enumerate(said) if words.startswith(("INSERT", "BEGIN IMMEDIATE")))
    assert alert.audience == 2


def test_followers_of_an_excluded_topic_are_left_out(harness: Harness) -> None:
    ada = harness.subscribe("ada", "world")
    harness.subscribe("bob", "world", "uk")
    alert = harness.alerts.accept(replace(an_alert("world"), except_topics=frozenset({"uk"})), NOON)
    job = harness.claim()
    assert (alert.audience, alert.topics) == (1, frozenset({"world"}))
    assert [r.subscription_id for r in harness.store.take(job, job.chunk.cursor, 10)] == [ada]


def test_an_alert_to_nobody_is_done_at_once(harness: Harness) -> None:
    harness.subscribe("ada", "sport")
    alert = harness.alerts.accept(an_alert("world"), NOON)
    assert harness.is_done(alert)
    assert harness.store.claim_chunk(NOON, LEASE_S) is None


def test_a_claimed_chunk_is_nobody_elses_until_its_lease_ends(harness: Harness) -> None:
    harness.subscribe("ada", "world")
    harness.alerts.accept(an_alert("world"), NOON)
    first = harness.claim()
    assert harness.store.claim_chunk(SOON, LEASE_S) is None
    second = harness.claim(AFTER_LEASE)
    assert second.chunk.id == first.chunk.id
    assert second.chunk.lease_token != first.chunk.lease_token
    assert second.chunk.attempts == 2


def test_a_worker_whose_lease_was_taken_over_writes_nothing(harness: Harness) -> None:
    harness.subscribe("ada", "world")
    alert = harness.alerts.accept(an_alert("world"), NOON)
    slow = harness.claim()
    harness.claim(AFTER_LEASE)
    with pytest.raises(LeaseLost):
        harness.store.settle(slow, done(slow), AFTER_LEASE, LEASE_S)
    with pytest.raises(LeaseLost):
        harness.store.release(slow, AFTER_LEASE)
    assert harness.counts(alert) == {}
    assert not harness.is_done(alert)


def test_settling_moves_the_cursor_and_renews_the_lease(harness: Harness) -> None:
    ada = harness.subscribe("ada", "world")
    harness.subscribe("bob", "world")
    harness.alerts.accept(an_alert("world"), NOON)
    job = harness.claim()
    harness.store.settle(job, Settlement(ada, {"mozilla": {"delivered": 1}}), AFTER_LEASE, LEASE_S)
    assert harness.store.claim_chunk(AFTER_LEASE + timedelta(seconds=LEASE_S - 1), LEASE_S) is None
    taken = harness.claim(AFTER_LEASE + timedelta(seconds=LEASE_S + 1))
    assert taken.chunk.cursor == ada


def test_a_released_chunk_can_be_claimed_at_once_where_it_stands(harness: Harness) -> None:
    ada = harness.subscribe("ada", "world")
    harness.subscribe("bob", "world")
    harness.alerts.accept(an_alert("world"), NOON)
    job = harness.claim()
    harness.store.settle(job, Settlement(ada, {}), SOON, LEASE_S)
    harness.store.release(job, SOON)
    assert harness.claim(SOON).chunk.cursor == ada


def test_a_finished_alert_has_its_counts_and_its_time(harness: Harness) -> None:
    harness.subscribe("ada", "world")
    alert = harness.alerts.accept(an_alert("world"), NOON)
    job = harness.claim()
    harness.store.settle(job, done(job), SOON, LEASE_S)
    found = harness.alerts.find(alert.id)
    assert found is not None
    assert (found.counts, found.done_at) == ({"delivered": 1}, SOON)
    assert harness.store.claim_chunk(AFTER_LEASE, LEASE_S) is None


def test_breaking_news_is_claimed_before_what_waited_longer(harness: Harness) -> None:
    harness.subscribe("ada", "world")
    harness.alerts.accept(an_alert("world", story=1), NOON)
    assert not harness.store.breaking_waits(NOON)
    urgent = harness.alerts.accept(an_alert("world", story=2, breaking=True), NOON)
    assert harness.store.breaking_waits(NOON)
    assert harness.claim().alert.id == urgent.id
    assert not harness.store.breaking_waits(NOON)


def test_a_held_alert_goes_at_its_time_where_its_topics_say_so(harness: Harness) -> None:
    harness.subscribe("ada", "world")
    until = NOON + timedelta(minutes=10)
    harness.alerts.accept(replace(an_alert("world"), hold_until=until, why=Evidence(hold=OnHold(then=Then.SEND))), NOON)
    assert harness.store.claim_chunk(SOON, LEASE_S) is None
    assert harness.alerts.end_holds(until) == 0
    assert harness.store.claim_chunk(until, LEASE_S) is not None


@pytest.mark.parametrize("hold", [OnHold(), OnHold(then=Then.DROP)])
def test_a_held_alert_that_nobody_looks_at_is_never_sent(harness: Harness, hold: OnHold) -> None:
    harness.subscribe("ada", "world")
    until = NOON + timedelta(minutes=10)
    held = harness.alerts.accept(replace(an_alert("world"), hold_until=until, why=Evidence(hold=hold)), NOON)
    assert harness.alerts.end_holds(SOON) == 0
    for hours in (1, 24, 24 * 365):
        assert harness.store.claim_chunk(until + timedelta(hours=hours), LEASE_S) is None, (
            "not even if no clean-up came"
        )

    assert harness.alerts.end_holds(until) == 1
    assert harness.alerts.end_holds(until) == 0

    dropped = harness.alerts.find(held.id)
    assert dropped is not None
    assert (dropped.done_at, dropped.withdrawn_at) == (until, until)
    assert dropped.nobody_looked(until)
    assert "Nobody looked" in dropped.why.hold.nobody_looked
    assert harness.store.claim_chunk(until + timedelta(days=1), LEASE_S) is None


def test_gone_subscribers_are_removed_when_the_sub_batch_is_settled(harness: Harness) -> None:
    ada = harness.subscribe("ada", "world")
    alert = harness.alerts.accept(an_alert("world"), NOON)
    job = harness.claim()
    gone = Settlement(job.chunk.hi, {"mozilla": {"gone": 1}}, gone={ada: "gone-410"}, done=True)
    harness.store.settle(job, gone, SOON, LEASE_S)
    assert harness.subscriptions.find(token("ada")) is None
    assert harness.counts(alert) == {"gone": 1}


def failed(harness: Harness, name: str = "ada", story: int = 1, *, breaking: bool = False) -> tuple[Alert, int]:
    """An alert whose one push has to be tried again ten seconds after NOON."""
    ada = harness.subscribe(name, "world")
    alert = harness.alerts.accept(an_alert("world", story=story, breaking=breaking), NOON)
    job = harness.claim()
    later = RetryLater(ada, 1, "503", DUE, "mozilla")
    harness.store.settle(job, Settlement(job.chunk.hi, {"mozilla": {"retrying": 1}}, [later], done=True), SOON, LEASE_S)
    return alert, ada


def settled(job: LeasedRetry, outcome: str, **more: object) -> RetrySettlement:
    return RetrySettlement(job.alert.id, job.recipient, outcome, lease_token=job.lease_token, **more)  # type: ignore[arg-type]


def test_a_retry_is_claimed_when_it_is_due_and_once(harness: Harness) -> None:
    alert, ada = failed(harness)
    assert not harness.is_done(alert)
    assert harness.store.claim_retries(SOON, 10, LEASE_S) == []
    (job,) = harness.store.claim_retries(DUE, 10, LEASE_S)
    assert (job.alert.id, job.recipient.subscription_id, job.attempts) == (alert.id, ada, 1)
    assert harness.store.claim_retries(DUE, 10, LEASE_S) == []
    assert len(harness.store.claim_retries(DUE + timedelta(seconds=LEASE_S + 1), 10, LEASE_S)) == 1


def test_a_retry_that_went_well_is_counted_and_ends_the_alert(harness: Harness) -> None:
    alert, _ = failed(harness)
    (job,) = harness.store.claim_retries(DUE, 10, LEASE_S)
    harness.store.settle_retries([settled(job, "delivered")], DUE)
    assert harness.counts(alert) == {"retrying": 0, "delivered": 1}
    assert harness.is_done(alert)


def test_a_retry_that_failed_again_comes_back_later(harness: Harness) -> None:
    alert, ada = failed(harness)
    (job,) = harness.store.claim_retries(DUE, 10, LEASE_S)
    again = RetryLater(ada, 2, "503", DUE + timedelta(seconds=20))
    harness.store.settle_retries([settled(job, "retrying", again=again)], DUE)
    assert harness.store.claim_retries(DUE, 10, LEASE_S) == []
    (job,) = harness.store.claim_retries(DUE + timedelta(seconds=20), 10, LEASE_S)
    assert job.attempts == 2
    assert harness.counts(alert) == {"retrying": 1}


def test_settling_one_retry_twice_counts_once(harness: Harness) -> None:
    alert, _ = failed(harness)
    (job,) = harness.store.claim_retries(DUE, 10, LEASE_S)
    for _ in range(2):
        harness.store.settle_retries([settled(job, "delivered")], DUE)
    assert harness.counts(alert) == {"retrying": 0, "delivered": 1}


def test_whoever_left_is_not_tried_again(harness: Harness) -> None:
    alert, _ = failed(harness)
    harness.subscriptions.delete(token("ada"), SOON)
    assert harness.store.claim_retries(DUE, 10, LEASE_S) == []
    assert harness.counts(alert) == {"retrying": 0, "left": 1}
    assert harness.is_done(alert)


def test_an_alert_of_which_only_who_left_was_missing_does_not_outlive_its_keeping(
    harness: Harness, database: Database
) -> None:
    alert, _ = failed(harness)
    harness.subscriptions.delete(token("ada"), SOON)
    Retention(database).prune(AFTER_LEASE)
    assert harness.alerts.find(alert.id) is None


def test_an_alert_that_somebody_is_still_to_have_outlives_its_keeping(harness: Harness, database: Database) -> None:
    alert, _ = failed(harness)
    Retention(database).prune(AFTER_LEASE)
    assert harness.alerts.find(alert.id) is not None


def test_an_alert_goes_on_when_one_of_two_who_are_tried_again_leaves(harness: Harness) -> None:
    ids = [harness.subscribe(name, "world") for name in ("ada", "bob")]
    alert = harness.alerts.accept(an_alert("world"), NOON)
    job = harness.claim()
    later = [RetryLater(number, 1, "503", DUE, "mozilla") for number in ids]
    harness.store.settle(job, Settlement(job.chunk.hi, {"mozilla": {"retrying": 2}}, later, done=True), SOON, LEASE_S)
    harness.subscriptions.remove_gone(ids[:1], "gone-410", SOON)
    assert harness.counts(alert) == {"retrying": 1, "left": 1}
    assert not harness.is_done(alert)
    harness.subscriptions.remove_gone(ids[1:], "gone-410", SOON)
    assert harness.counts(alert) == {"retrying": 0, "left": 2}
    assert harness.is_done(alert)


def test_whoever_turns_out_to_be_gone_in_one_alert_ends_the_retry_of_another(harness: Harness) -> None:
    first, ada = failed(harness)
    second = harness.alerts.accept(an_alert("world", story=2), SOON)
    job = harness.claim(SOON)
    gone = Settlement(job.chunk.hi, {"mozilla": {"gone": 1}}, gone={ada: "gone-410"}, done=True)
    harness.store.settle(job, gone, SOON, LEASE_S)
    assert (harness.counts(first), harness.counts(second)) == ({"retrying": 0, "left": 1}, {"gone": 1})
    assert harness.is_done(first)
    assert harness.is_done(second)


def test_an_endpoint_that_changes_hands_ends_the_retries_of_who_had_it(harness: Harness) -> None:
    alert, _ = failed(harness)
    harness.subscriptions.subscribe(a_subscription("bob", "world", endpoint="https://push.example/ada"), SOON)
    assert harness.counts(alert) == {"retrying": 0, "left": 1}
    assert harness.is_done(alert)


def test_whoever_subscribes_anew_during_an_alert_still_gets_it(harness: Harness) -> None:
    harness.subscribe("ada", "world")
    harness.alerts.accept(an_alert("world"), NOON)
    harness.subscriptions.subscribe(a_subscription("ada", "world", endpoint="https://push.example/new"), SOON)
    job = harness.claim()
    (ada,) = harness.store.take(job, job.chunk.cursor, 10)
    assert ada.keys.endpoint == "https://push.example/new"


def test_retries_are_claimed_an_alert_at_a_time_breaking_ones_first(harness: Harness) -> None:
    ordinary, ada = failed(harness, story=1)
    breaking, bob = failed(harness, "bob", story=2, breaking=True)
    claimed = [harness.store.claim_retries(DUE, 10, LEASE_S) for _ in range(3)]
    found = [[(job.alert.id, job.recipient.subscription_id) for job in jobs] for jobs in claimed]
    assert found == [[(breaking.id, bob)], [(ordinary.id, ada)], []]


def test_who_was_here_most_recently_is_tried_again_first_and_a_held_service_is_left_alone(harness: Harness) -> None:
    ids = {}
    for day, name in enumerate(("ada", "bob", "eve")):
        ids[name] = harness.subscribe(name, "world")
        harness.subscriptions.seen(token(name), NOON - timedelta(days=(day * 2) % 3))
    harness.alerts.accept(an_alert("world"), NOON)
    job = harness.claim()
    later = [RetryLater(number, 1, "429", DUE - timedelta(seconds=number % 2), "mozilla") for number in ids.values()]
    harness.store.settle(job, Settlement(job.chunk.hi, {"mozilla": {"retrying": 3}}, later, done=True), SOON, LEASE_S)
    assert harness.store.claim_retries(DUE, 9, LEASE_S, {False: {"mozilla"}, True: set()}) == []
    claimed = harness.store.claim_retries(DUE, 2, LEASE_S, {True: {"mozilla"}, False: {"fcm"}})
    assert [job.recipient.subscription_id for job in claimed] == [ids["ada"], ids["eve"]]
    (last,) = harness.store.claim_retries(DUE, 9, LEASE_S)
    assert last.recipient.subscription_id == ids["bob"]


def test_a_held_service_keeps_nobody_longer_than_the_alert_is_worth(harness: Harness) -> None:
    alert, _ = failed(harness)
    over = alert.decided_at + timedelta(seconds=alert.ttl_s)
    held = {False: {"mozilla"}, True: {"mozilla"}}
    assert harness.store.claim_retries(over - timedelta(seconds=1), 9, LEASE_S, held) == []
    assert len(harness.store.claim_retries(over, 9, LEASE_S, held)) == 1


def test_of_very_many_who_are_due_those_who_were_here_last_are_found_all_the_same(
    harness: Harness, database: Database
) -> None:
    many = MANY_DUE + 50
    SqlTransfer(database).add([a_subscription(str(number), "world") for number in range(many)], NOON)
    harness.subscriptions.seen(token("17"), NOON + timedelta(days=1))
    harness.alerts.accept(an_alert("world"), NOON)
    job = harness.claim()
    ids = [recipient.subscription_id for recipient in harness.store.take(job, 0, many)]
    later = [RetryLater(number, 1, "held", DUE, "mozilla") for number in ids]
    counts = {"mozilla": {"retrying": many}}
    harness.store.settle(job, Settlement(job.chunk.hi, counts, later, done=True), SOON, LEASE_S)
    claimed = harness.store.claim_retries(DUE, 10, LEASE_S)
    assert len(claimed) == 10
    assert claimed[0].recipient.keys.endpoint == "https://push.example/17"


def test_a_retry_that_another_worker_took_over_is_settled_by_that_one_only(harness: Harness) -> None:
    alert, ada = failed(harness)
    (slow,) = harness.store.claim_retries(DUE, 10, LEASE_S)
    (quick,) = harness.store.claim_retries(DUE_AFTER_LEASE, 10, LEASE_S)
    again = RetryLater(ada, 2, "503", DUE_AFTER_LEASE, "mozilla")
    harness.store.settle_retries([settled(slow, "retrying", again=again)], DUE_AFTER_LEASE)
    harness.store.settle_retries([settled(slow, "gone", gone="gone-410")], DUE_AFTER_LEASE)
    assert harness.store.claim_retries(DUE_AFTER_LEASE, 10, LEASE_S) == [], "the new holder's lease stands"
    assert harness.counts(alert) == {"retrying": 1}
    harness.store.settle_retries([settled(quick, "delivered")], DUE_AFTER_LEASE)
    assert harness.counts(alert) == {"retrying": 0, "delivered": 1}


def test_a_retry_that_finds_the_subscriber_gone_ends_the_subscription_with_its_reason(
    harness: Harness, database: Database
) -> None:
    alert, _ = failed(harness)
    (job,) = harness.store.claim_retries(DUE, 10, LEASE_S)
    harness.store.settle_retries([settled(job, "gone", gone="gone-410")], DUE)
    assert harness.subscriptions.find(token("ada")) is None
    assert harness.counts(alert) == {"retrying": 0, "gone": 1}
    assert harness.is_done(alert)
    assert [(end.reason, end.count) for end in SqlAudienceStore(database).ends(NOON)] == [("gone-410", 1)]


def test_whoever_left_while_being_pushed_to_leaves_no_retry(harness: Harness) -> None:
    ada = harness.subscribe("ada", "world")
    alert = harness.alerts.accept(an_alert("world"), NOON)
    job = harness.claim()
    harness.subscriptions.delete(token("ada"), SOON)
    later = RetryLater(ada, 1, "503", DUE, "mozilla")
    harness.store.settle(job, Settlement(job.chunk.hi, {"mozilla": {"retrying": 1}}, [later], done=True), SOON, LEASE_S)
    assert harness.store.claim_retries(DUE, 10, LEASE_S) == []
    assert harness.counts(alert) == {"left": 1}
    assert harness.is_done(alert)
