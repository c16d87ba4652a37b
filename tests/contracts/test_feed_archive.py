"""What a feed has brought, on every backend, also where it is paused or has moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.errors import NotFound
from notifier.storage.database import Database
from notifier.storage.feed_archive import SqlFeedArchive
from tests.contracts.test_feed_store import LATER, Harness, config
from tests.feeds.claimed import an_item

OLD, NEW = config("world"), replace(config("world"), url="https://paper.example/elsewhere")


@pytest.fixture
def harness(database: Database) -> Harness:
    harness = Harness(database)
    harness.has(OLD, config("uk"))
    world = next(feed for feed in harness.claim() if feed.url == OLD.url)
    harness.poll(an_item(title="Ferry aground"), feed=world)
    return harness


def test_a_feed_has_its_items_and_times_while_it_is_paused(harness: Harness) -> None:
    harness.has(replace(OLD, paused=True), config("uk"))
    archive = SqlFeedArchive(harness.database)

    record = archive.record(archive.ids()[OLD.url])

    assert (record.active, record.items, record.last_success_at) == (False, 1, LATER)
    assert [item.title for item in archive.items(record.feed_id, 5)] == ["Ferry aground"]


def test_an_unknown_feed_is_not_found(harness: Harness) -> None:
    with pytest.raises(NotFound):
        SqlFeedArchive(harness.database).record(99)


def test_a_feed_that_moved_is_the_same_feed_with_a_backlog_to_come(harness: Harness) -> None:
    archive = SqlFeedArchive(harness.database)
    number = archive.ids()[OLD.url]

    synced = harness.has(NEW, config("uk"), now=LATER + timedelta(minutes=1))

    assert archive.ids()[NEW.url] == number
    assert OLD.url not in archive.ids()
    assert [item.title for item in archive.items(number, 5)] == ["Ferry aground"]
    assert (synced.added, synced.removed) == (0, 0)
    (claimed,) = [feed for feed in harness.claim(LATER + timedelta(minutes=2)) if feed.id == number]
    assert (claimed.url, claimed.poll_state.etag, claimed.known) == (NEW.url, None, frozenset())
    assert claimed.poll_state.last_success_at is None, "its next poll is a first one: what it finds alerts nobody"
    harness.has(OLD, config("uk"), now=LATER + timedelta(minutes=3))
    assert archive.ids()[OLD.url] == number, "taken back, it is the same feed still"


def test_a_feed_that_moves_while_it_is_paused_is_the_same_feed_too(harness: Harness) -> None:
    archive = SqlFeedArchive(harness.database)
    number = archive.ids()[OLD.url]
    harness.has(replace(OLD, paused=True), config("uk"))

    harness.has(replace(NEW, paused=True), config("uk"))
    harness.has(NEW, config("uk"))

    assert archive.ids()[NEW.url] == number
    assert archive.record(number).active
