"""What every HubStore promises, on each database: each hub is told once, and what was said is remembered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.feeds import hub as hubs
from notifier.feeds.feed import FeedConfig
from notifier.feeds.hub import Hub, HubStore
from notifier.feeds.poll_state import PollResult
from notifier.storage.database import Database
from notifier.storage.feeds import SqlFeedStore
from notifier.storage.hubs import SqlHubStore
from tests.feeds.claimed import NOON

HUB, TOPIC = "https://hub.example/", "https://paper.example/feed"
SOON = NOON + timedelta(minutes=1)


class Harness:
    """Stores over one database, and a feed that names a hub."""

    def __init__(self, database: Database) -> None:
        self.database, self.feeds = database, SqlFeedStore(database)
        self.store: HubStore = SqlHubStore(database)

    def has_feeds(self, count: int = 1, hub_url: str | None = HUB) -> None:
        self.feeds.sync_config([FeedConfig(f"{TOPIC}{n}", "F", "P", "world") for n in range(count)], NOON)
        claimed = self.feeds.claim_due(SOON, count, 60.0)
        found = [
            PollResult(f.id, f.publisher, f.lease_token, replace(f.poll_state, hub_url=hub_url, hub_topic=f.url))
            for f in claimed
        ]
        self.feeds.record(found, SOON)

    def hub(self) -> Hub:
        found = self.store.by_feed(1)
        assert found is not None
        return found


@pytest.fixture
def harness(database: Database) -> Harness:
    return Harness(database)


def test_a_feed_with_a_hub_is_subscribed_once(harness: Harness) -> None:
    harness.has_feeds()
    (request,) = harness.store.take_steps(SOON, 10)
    assert (request.url, request.mode, request.topic) == (HUB, "subscribe", f"{TOPIC}0")
    assert harness.store.take_steps(SOON, 10) == []
    assert harness.store.by_callback(request.callback) == harness.hub()
    assert harness.hub().state == hubs.ASKED


def test_a_feed_without_a_hub_is_left_alone(harness: Harness) -> None:
    harness.has_feeds(hub_url=None)
    assert harness.store.take_steps(SOON, 10) == []


def test_two_processes_tell_each_hub_once(harness: Harness) -> None:
    harness.has_feeds(60)
    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(lambda _: harness.store.take_steps(SOON, 10), range(12)))
    ids = [request.feed_id for requests in taken for request in requests]
    assert len(ids) == len(set(ids)) == 60


def test_an_active_subscription_is_known_to_the_poller_until_its_lease_ends(harness: Harness) -> None:
    harness.has_feeds()
    harness.store.take_steps(SOON, 10)
    harness.store.save(hubs.verified(harness.hub(), 600.0, SOON))
    during, after = (harness.feeds.look(1, SOON + timedelta(seconds=s)) for s in (599, 601))
    assert during is not None
    assert after is not None
    assert (during.hub_active, after.hub_active) == (True, False)


def test_it_is_renewed_before_the_lease_ends(harness: Harness) -> None:
    harness.has_feeds()
    harness.store.take_steps(SOON, 10)
    harness.store.save(hubs.verified(harness.hub(), 600.0, SOON))
    assert harness.store.take_steps(SOON + timedelta(seconds=479), 10) == []
    (renewal,) = harness.store.take_steps(SOON + timedelta(seconds=480), 10)
    assert renewal.mode == "subscribe"
    assert harness.hub().state == hubs.ACTIVE


def test_a_feed_that_leaves_the_configuration_is_unsubscribed_and_then_forgotten(harness: Harness) -> None:
    harness.has_feeds()
    harness.store.take_steps(SOON, 10)
    harness.store.save(hubs.verified(harness.hub(), 600.0, SOON))
    harness.feeds.sync_config([], SOON)
    (goodbye,) = harness.store.take_steps(SOON, 10)
    assert goodbye.mode == "unsubscribe"
    assert harness.store.take_steps(SOON, 10) == []
    harness.store.save(hubs.left(harness.hub()))
    assert harness.store.take_steps(SOON + timedelta(days=9), 10) == []
    assert harness.store.by_callback(goodbye.callback) is None


def test_a_hub_that_said_only_that_there_is_something_makes_the_feed_due(harness: Harness) -> None:
    harness.has_feeds()
    harness.feeds.record([], SOON)
    harness.store.poll_soon(1, NOON)
    assert [feed.id for feed in harness.feeds.claim_due(SOON, 10, 60.0)] == [1]


def test_a_callback_that_nobody_gave_out_is_nobodys(harness: Harness) -> None:
    harness.has_feeds()
    assert harness.store.by_callback("guess") is None
    assert harness.store.by_feed(99) is None


def test_a_hub_that_agreed_while_the_clock_was_ahead_is_asked_again_when_it_is_right(harness: Harness) -> None:
    harness.has_feeds()
    harness.store.take_steps(SOON, 10)
    harness.store.save(hubs.verified(harness.hub(), 86_400.0, SOON))
    assert harness.store.take_steps(SOON, 10) == []
    harness.store.save(hubs.verified(harness.hub(), 86_400.0, SOON + timedelta(days=2)))
    assert [request.mode for request in harness.store.take_steps(SOON, 10)] == ["subscribe"]
    assert harness.store.take_steps(SOON, 10) == []


def test_a_hub_that_refused_while_the_clock_was_ahead_is_asked_again_when_it_is_right(harness: Harness) -> None:
    harness.has_feeds()
    harness.store.take_steps(SOON, 10)
    harness.store.save(hubs.denied(harness.hub(), SOON + timedelta(days=2)))
    assert len(harness.store.take_steps(SOON, 10)) == 1


def test_a_hub_that_pushes_without_end_has_its_feed_polled_no_more_often_than_the_quickest(harness: Harness) -> None:
    harness.has_feeds(hub_url=None)
    later = SOON + timedelta(minutes=10)
    (claimed,) = harness.feeds.claim_due(later, 1, 60.0)
    poll_state = replace(claimed.poll_state, last_polled_at=later, next_poll_at=later + timedelta(hours=1))
    harness.feeds.record([PollResult(claimed.id, claimed.publisher, claimed.lease_token, poll_state)], later)
    for seconds in range(5):
        harness.store.poll_soon(1, later + timedelta(seconds=seconds))
    assert harness.feeds.claim_due(later + timedelta(seconds=29), 1, 60.0) == []
    assert len(harness.feeds.claim_due(later + timedelta(seconds=30), 1, 60.0)) == 1


def test_a_hub_that_pushes_without_end_takes_no_writers_turn_once_its_feed_is_due(harness: Harness) -> None:
    harness.has_feeds()
    harness.store.poll_soon(1, NOON)
    with ThreadPoolExecutor(1) as another, harness.database.writing():
        another.submit(harness.store.poll_soon, 1, NOON).result(timeout=5)
