"""What a feed has brought, on every backend, also where it is paused or has moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.errors import NotFound
from notifier.storage.database import Database
from notifier.storage.feed_archive import SqlFeedArchive
from tests.contracts.test_feed_store import LATER, House, config
from tests.feeds.claimed import an_item

OLD, NEW = config("world"), replace(config("world"), url="https://paper.example/elsewhere")


@pytest.fixture
def house(database: Database) -> House:
    house = House(database)
    house.has(OLD, config("uk"))
    world = next(feed for feed in house.claim() if feed.url == OLD.url)
    house.poll(an_item(title="Ferry aground"), feed=world)
    return house


def test_a_feed_has_its_items_and_times_while_it_is_paused(house: House) -> None:
    house.has(replace(OLD, paused=True), config("uk"))
    archive = SqlFeedArchive(house.database)

    record = archive.record(archive.ids()[OLD.url])

    assert (record.active, record.items, record.last_success_at) == (False, 1, LATER)
    assert [item.title for item in archive.items(record.feed_id, 5)] == ["Ferry aground"]


def test_an_unknown_feed_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        SqlFeedArchive(house.database).record(99)


def test_a_feed_that_moved_is_the_same_feed_with_a_backlog_to_come(house: House) -> None:
    archive = SqlFeedArchive(house.database)
    number = archive.ids()[OLD.url]

    synced = house.has(NEW, config("uk"), now=LATER + timedelta(minutes=1))

    assert archive.ids()[NEW.url] == number
    assert OLD.url not in archive.ids()
    assert [item.title for item in archive.items(number, 5)] == ["Ferry aground"]
    assert (synced.added, synced.removed) == (0, 0)
    (claimed,) = [feed for feed in house.claim(LATER + timedelta(minutes=2)) if feed.id == number]
    assert (claimed.url, claimed.memory.etag, claimed.known) == (NEW.url, None, frozenset())
    assert claimed.memory.last_success_at is None, "its next poll is a first one: what it finds alerts nobody"
    house.has(OLD, config("uk"), now=LATER + timedelta(minutes=3))
    assert archive.ids()[OLD.url] == number, "taken back, it is the same feed still"


def test_a_feed_that_moves_while_it_is_paused_is_the_same_feed_too(house: House) -> None:
    archive = SqlFeedArchive(house.database)
    number = archive.ids()[OLD.url]
    house.has(replace(OLD, paused=True), config("uk"))

    house.has(replace(NEW, paused=True), config("uk"))
    house.has(NEW, config("uk"))

    assert archive.ids()[NEW.url] == number
    assert archive.record(number).active
