"""What each database promises of processes: who lives, and that the dead hold nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from notifier.alerts.delivery import RetryLater, Settlement
from notifier.errors import LeaseLost
from notifier.feeds.feed import FeedConfig
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.feeds import SqlFeedStore
from notifier.storage.processes import SqlProcessStore
from notifier.storage.stories import SqlStoryStore
from notifier.storage.subscriptions import SqlSubscriptionStore
from tests.contracts.samples import NOON, a_subscription, an_alert

LONG_S = 90.0
FEED = FeedConfig("https://news.example/feed.xml", "The Example", "The Example", "world")


@dataclass
class Member:
    """One process on a database: a connection pool of its own, and with it a name of its own."""

    database: Database
    processes: SqlProcessStore = field(init=False)
    deliveries: SqlDeliveryStore = field(init=False)
    feeds: SqlFeedStore = field(init=False)
    news: SqlStoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.processes = SqlProcessStore(self.database)
        self.deliveries = SqlDeliveryStore(self.database)
        self.feeds = SqlFeedStore(self.database)
        self.news = SqlStoryStore(self.database)
        self.processes.join("all", "host", 1)


@pytest.fixture
def first(database: Database) -> Member:
    return Member(database)


@pytest.fixture
def second(database: Database) -> Iterator[Member]:
    with closing(Database(database.url.render_as_string(hide_password=False))) as another:
        yield Member(another)


def accept(database: Database, *names: str) -> None:
    subscriptions = SqlSubscriptionStore(database)
    for name in names:
        subscriptions.subscribe(a_subscription(name, "world"), NOON)
    SqlAlertStore(database).accept(an_alert("world"), NOON)


def hold_everything(member: Member) -> None:
    """A lease of each kind."""
    accept(member.database, "ada")
    job = member.deliveries.claim_chunk(NOON, LONG_S)
    assert job is not None
    (ada,) = member.deliveries.take(job, 0, 10)
    later = [RetryLater(ada.subscription_id, 1, "503", NOON, "mozilla")]
    counts = {"mozilla": {"retrying": 1}}
    member.deliveries.settle(job, Settlement(job.chunk.hi, counts, later, done=True), NOON, LONG_S)
    assert member.deliveries.claim_retries(NOON, 10, LONG_S)
    accept(member.database, "bob")
    assert member.deliveries.claim_chunk(NOON, LONG_S) is not None
    member.feeds.sync_config([FEED], NOON)
    assert len(member.feeds.claim_due(NOON.replace(hour=13), 10, LONG_S)) == 1
    assert member.news.lease_decisions(member.database.holder, NOON, LONG_S)


def can_hold(member: Member) -> list[bool]:
    """Which kinds of leases this process gets at once: chunk, retry, feed, desk."""
    return [
        member.deliveries.claim_chunk(NOON, LONG_S) is not None,
        bool(member.deliveries.claim_retries(NOON, 10, LONG_S)),
        bool(member.feeds.claim_due(NOON.replace(hour=13), 10, LONG_S)),
        member.news.lease_decisions(member.database.holder, NOON, LONG_S),
    ]


def test_each_process_sees_the_others_beat(first: Member, second: Member) -> None:
    assert first.processes.others() == {second.database.holder: 0}
    assert second.processes.beat()
    assert first.processes.others() == {second.database.holder: 1}


def test_what_a_living_process_holds_is_its_own(first: Member, second: Member) -> None:
    hold_everything(first)
    assert can_hold(second) == [False] * 4


def test_what_the_dead_held_is_free_at_once(first: Member, second: Member) -> None:
    hold_everything(first)
    assert second.processes.bury(second.processes.others()) == [first.database.holder]
    assert can_hold(second) == [True] * 4
    assert second.processes.others() == {}


def test_who_beats_while_it_is_buried_lives(first: Member, second: Member) -> None:
    hold_everything(first)
    seen = second.processes.others()
    first.processes.beat()
    assert second.processes.bury(seen) == []
    assert can_hold(second) == [False] * 4


def test_the_death_of_one_takes_nothing_from_another(first: Member, second: Member) -> None:
    hold_everything(first)
    with closing(Database(first.database.url.render_as_string(hide_password=False))) as another:
        third = Member(another)
        assert list(second.processes.bury({third.database.holder: 0})) == [third.database.holder]
    assert can_hold(second) == [False] * 4


def test_who_was_taken_for_dead_is_told_at_its_next_beat_and_settles_nothing(first: Member, second: Member) -> None:
    accept(first.database, "ada")
    job = first.deliveries.claim_chunk(NOON, LONG_S)
    assert job is not None
    second.processes.bury(second.processes.others())
    taken = second.deliveries.claim_chunk(NOON, LONG_S)
    assert taken is not None
    with pytest.raises(LeaseLost):
        first.deliveries.settle(job, Settlement(job.chunk.hi, {"mozilla": {"delivered": 1}}, done=True), NOON, LONG_S)
    assert not first.processes.beat()
    first.processes.join("all", "host", 1)
    assert first.processes.beat()


def test_who_ends_in_good_order_leaves_nothing_held(first: Member, second: Member) -> None:
    hold_everything(first)
    first.processes.leave()
    assert can_hold(second) == [True] * 4
    assert second.processes.others() == {}


def test_a_successor_takes_everything_whoever_held_it(first: Member, second: Member) -> None:
    hold_everything(first)
    first.database.opening = "f" * 32  # of an earlier version, which gave its leases no names
    second.processes.succeed()
    assert can_hold(second) == [True] * 4
    assert second.processes.others() == {}
