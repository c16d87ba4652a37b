"""What every FeedStore promises, on each database: configuration, claims with leases, items and their versions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from notifier.feeds.cadence import CadenceSettings
from notifier.feeds.feed import FeedConfig, FeedItem, HealthStatus
from notifier.feeds.health import FeedHealth, health_table
from notifier.feeds.poll_state import ClaimedFeed, PollResult, Recorded
from notifier.feeds.store import FeedStore, Synced
from notifier.storage.database import Database
from notifier.storage.feeds import SqlFeedStore
from notifier.storage.schema import item, item_version
from tests.feeds.claimed import NOON, an_item

LEASE_S = 60.0
LATER = NOON + timedelta(hours=1)


def config(name: str = "world", publisher: str = "The Paper", **settings: object) -> FeedConfig:
    return replace(FeedConfig(f"https://paper.example/{name}", name.title(), publisher, name), **settings)  # type: ignore[arg-type]


class Harness:
    """A store with feeds, and shorter words for what tests do with it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store: FeedStore = SqlFeedStore(database)

    def health(self, now: datetime) -> list[FeedHealth]:
        return health_table(self.store.facts(now), now, CadenceSettings())

    def has(self, *configs: FeedConfig, now: datetime = NOON) -> Synced:
        return self.store.sync_config(configs, now)

    def claim(self, now: datetime = LATER, limit: int = 100) -> list[ClaimedFeed]:
        return self.store.claim_due(now, limit, LEASE_S)

    def poll(
        self, *items: FeedItem, feed: ClaimedFeed | None = None, now: datetime = LATER, first: bool = False
    ) -> Recorded:
        """Record a poll of `feed` (or of the one that is due) that found these items."""
        feed = feed or self.claim(now)[0]
        poll_state = replace(
            feed.poll_state,
            state=HealthStatus.OK,
            last_success_at=now,
            next_poll_at=now + timedelta(minutes=1),
            etag='"1"',
        )
        result = replace(
            PollResult(feed.id, feed.publisher, feed.lease_token, poll_state, items, document_size=len(items)),
            digests=(b"12345678",) if items else (),
            backlog="the first poll of this feed" if first else None,
            previous_success_at=feed.poll_state.last_success_at,
        )
        return self.store.record([result], now)

    def items(self) -> list[tuple[str, int, bool]]:
        with self.database.reading() as connection:
            rows = connection.execute(select(item.c.title, item.c.version, item.c.may_alert).order_by(item.c.id))
            return [(row[0], row[1], bool(row[2])) for row in rows]

    def versions(self) -> list[tuple[int, str]]:
        with self.database.reading() as connection:
            query = select(item_version.c.version, item_version.c.title).order_by(
                item_version.c.item_id, item_version.c.version
            )
            return [(row[0], row[1]) for row in connection.execute(query)]


@pytest.fixture
def harness(database: Database) -> Harness:
    return Harness(database)


def test_feeds_follow_the_configuration(harness: Harness) -> None:
    assert harness.has(config("world"), config("uk")) == Synced(added=2)
    assert harness.has(config("world", publisher="Paper"), config("uk")) == Synced(updated=1)
    assert harness.has(config("uk")) == Synced(removed=1)
    assert harness.has(config("uk")) == Synced()
    assert [feed.url for feed in harness.claim()] == ["https://paper.example/uk"]


def test_a_feed_that_comes_back_remembers(harness: Harness) -> None:
    harness.has(config())
    harness.poll(an_item())
    harness.has()
    assert harness.claim(LATER + timedelta(hours=1)) == []
    harness.has(config(), now=LATER + timedelta(hours=1))
    (feed,) = harness.claim(LATER + timedelta(hours=2))
    assert feed.poll_state.etag == '"1"'


def test_a_paused_feed_is_not_polled(harness: Harness) -> None:
    harness.has(config("world", paused=True), config("uk"))
    assert [feed.url for feed in harness.claim()] == ["https://paper.example/uk"]
    assert [one.title for one in harness.health(NOON)] == ["Uk"]


def test_a_thousand_new_feeds_are_not_asked_at_once(harness: Harness) -> None:
    harness.has(*(config(f"feed{n}") for n in range(1_000)))
    due = [len(harness.claim(NOON + timedelta(seconds=s), 1_000)) for s in (1, 10, 25, 51)]
    assert sum(due) == 1_000
    assert due[0] < 60
    assert due[1] < 300


def test_those_that_wait_longest_are_claimed_first_and_nobody_else_gets_them(harness: Harness) -> None:
    harness.has(config("world"), config("uk"), config("us"))
    first = harness.claim(limit=2)
    second = harness.claim(limit=2)
    assert (len(first), len(second)) == (2, 1)
    assert max(f.poll_state.next_poll_at for f in first) <= second[0].poll_state.next_poll_at
    assert harness.claim() == []


def test_a_feed_whose_process_died_is_free_when_the_lease_ends(harness: Harness) -> None:
    harness.has(config())
    (dead,) = harness.claim()
    (alive,) = harness.claim(LATER + timedelta(seconds=LEASE_S + 1))
    assert (alive.id, alive.lease_token != dead.lease_token) == (dead.id, True)
    assert harness.poll(an_item(1), feed=dead) == Recorded(lost=1)
    assert harness.items() == []
    assert harness.poll(an_item(2), feed=alive) == Recorded(new=1)


def test_a_lease_that_ran_out_and_that_nobody_took_is_still_good(harness: Harness) -> None:
    harness.has(config())
    (feed,) = harness.claim()
    assert harness.poll(an_item(), feed=feed, now=LATER + timedelta(hours=1)) == Recorded(new=1)


def test_a_lease_that_is_kept_does_not_end_and_one_that_was_lost_is_not_undone(harness: Harness) -> None:
    harness.has(config())
    (slow,) = harness.claim()
    harness.store.keep([slow], LATER + timedelta(seconds=50), LEASE_S)
    assert harness.claim(LATER + timedelta(seconds=LEASE_S + 1)) == []
    (other,) = harness.claim(LATER + timedelta(seconds=111))
    harness.store.keep([slow], LATER + timedelta(hours=9), LEASE_S)
    assert harness.poll(an_item(), feed=slow) == Recorded(lost=1)
    assert harness.poll(an_item(), feed=other) == Recorded(new=1)


def test_two_processes_never_get_the_same_feed(harness: Harness) -> None:
    harness.has(*(config(f"feed{n}") for n in range(200)))
    with ThreadPoolExecutor(4) as threads:
        claims = list(threads.map(lambda _: harness.store.claim_due(LATER, 10, LEASE_S), range(30)))
    ids = [feed.id for claim in claims for feed in claim]
    assert len(ids) == len(set(ids)) == 200


def test_a_feed_put_off_is_due_at_its_time(harness: Harness) -> None:
    harness.has(config())
    (feed,) = harness.claim()
    harness.store.postpone([(feed, LATER + timedelta(seconds=30))])
    assert harness.claim(LATER + timedelta(seconds=29)) == []
    assert len(harness.claim(LATER + timedelta(seconds=30))) == 1


def test_a_poll_leaves_its_memory_and_the_digests_of_the_body(harness: Harness) -> None:
    harness.has(config())
    harness.poll(an_item())
    (feed,) = harness.claim(LATER + timedelta(minutes=2))
    assert (feed.poll_state.etag, feed.poll_state.last_success_at, feed.poll_state.state) == (
        '"1"',
        LATER,
        HealthStatus.OK,
    )
    assert feed.poll_state.last_change_at == LATER
    assert feed.known == {b"12345678"}
    harness.poll(feed=feed, now=LATER + timedelta(minutes=2))
    (feed,) = harness.claim(LATER + timedelta(hours=1))
    assert feed.known == {b"12345678"}


def test_items_are_stored_with_whether_they_may_alert(harness: Harness) -> None:
    harness.has(config())
    assert harness.poll(an_item(1), first=True) == Recorded(new=1)
    assert harness.poll(an_item(1), an_item(2), now=LATER + timedelta(hours=1)) == Recorded(new=1)
    assert [may for _, _, may in harness.items()] == [False, True]


def test_an_edit_is_a_new_version_and_every_version_is_kept(harness: Harness) -> None:
    harness.has(config())
    harness.poll(an_item(title="Bridge to open"))
    assert harness.poll(an_item(title="Bridge opens"), now=LATER + timedelta(hours=1)) == Recorded(edited=1)
    assert harness.items() == [("Bridge opens", 2, True)]
    assert harness.versions() == [(1, "Bridge to open"), (2, "Bridge opens")]


def test_a_stale_cache_makes_no_version_and_a_real_return_does(harness: Harness) -> None:
    harness.has(config())
    harness.poll(an_item(title="Old words"))
    harness.poll(an_item(title="New words"), now=LATER + timedelta(hours=2))
    assert harness.poll(an_item(title="Old words"), now=LATER + timedelta(hours=2, minutes=5)) == Recorded()
    assert harness.poll(an_item(title="Old words"), now=LATER + timedelta(hours=4)) == Recorded(edited=1)


def test_an_edit_and_a_new_item_wait_for_the_decider(harness: Harness, database: Database) -> None:
    harness.has(config())
    harness.poll(an_item(1), an_item(2))
    with database.writing() as connection:
        connection.execute(item.update().values(grouped_version=item.c.version))
    harness.poll(an_item(1, title="Edited"), an_item(3), now=LATER + timedelta(hours=1))
    with database.reading() as connection:
        waiting = connection.execute(select(item.c.title).where(item.c.grouped_version < item.c.version)).scalars()
        assert set(waiting) == {"Edited", an_item(3).title}


def test_the_same_page_in_another_feed_of_the_publisher_is_one_item(harness: Harness) -> None:
    harness.has(config("world"), config("uk"), config("other", publisher="Another"))
    world, uk, other = sorted(
        harness.claim(), key=lambda feed: ("world", "uk", "other").index(feed.url.rsplit("/", 1)[1])
    )
    harness.poll(an_item(), feed=world)
    tracked = an_item(guid="else", url="https://paper.example/story/1?utm_source=rss")
    assert harness.poll(tracked, feed=uk) == Recorded()
    assert harness.poll(an_item(), feed=other) == Recorded(new=1)


def test_one_transaction_with_the_same_page_from_two_feeds_stores_it_once(harness: Harness) -> None:
    harness.has(config("world"), config("uk"))
    results = [
        PollResult(feed.id, feed.publisher, feed.lease_token, feed.poll_state, (an_item(), an_item(n)), (b"1" * 8,), 2)
        for n, feed in enumerate(harness.claim(), 2)
    ]
    assert harness.store.record(results, LATER) == Recorded(new=3)


def test_renumbered_guids_keep_their_items(harness: Harness) -> None:
    harness.has(config())
    harness.poll(*(an_item(n) for n in range(5)))
    renumbered = [an_item(n, guid=f"new-{n}", url=f"https://new.example/{n}") for n in range(5)]
    assert harness.poll(*renumbered, now=LATER + timedelta(hours=1)) == Recorded()
    edited = [replace(one, title=f"Edited {one.title}") for one in renumbered]
    assert harness.poll(*edited, now=LATER + timedelta(hours=2)) == Recorded(edited=5)


def test_a_crash_in_the_middle_leaves_neither_items_nor_memory(harness: Harness) -> None:
    harness.has(config())
    (feed,) = harness.claim()
    broken = an_item(2, title=None)
    with pytest.raises(Exception, match=r"."):
        harness.poll(an_item(1), broken, feed=feed)
    assert harness.items() == []
    (again,) = harness.claim(LATER + timedelta(hours=1))
    assert again.poll_state.etag is None
    assert harness.poll(an_item(1), feed=again, now=LATER + timedelta(hours=1)) == Recorded(new=1)


def test_a_push_stores_items_and_leaves_the_poll_that_is_under_way_its_lease(harness: Harness) -> None:
    harness.has(config())
    (feed,) = harness.claim()
    looked = harness.store.look(feed.id, LATER)
    assert looked is not None
    pushed = PollResult(feed.id, feed.publisher, None, looked.poll_state, (an_item(1),), (), 1)
    assert harness.store.record([pushed], LATER) == Recorded(new=1)
    assert harness.poll(an_item(1), an_item(2), feed=feed) == Recorded(new=1)


def test_a_feed_that_left_is_not_looked_at(harness: Harness) -> None:
    harness.has(config())
    (feed,) = harness.claim()
    harness.has()
    assert harness.store.look(feed.id, LATER) is None
    assert harness.store.look(99, LATER) is None


def test_a_feed_that_broke_news_knows_it(harness: Harness) -> None:
    harness.has(config())
    (feed,) = harness.claim()
    harness.store.broke([feed.id], NOON)
    looked = harness.store.look(feed.id, LATER)
    assert looked is not None
    assert looked.broke_at == NOON


def test_a_retired_feed_is_asked_no_more_until_its_entry_changes(harness: Harness) -> None:
    harness.has(config())
    (feed,) = harness.claim()
    poll_state = replace(feed.poll_state, state=HealthStatus.RETIRED, error="HTTP 410")
    harness.store.record([PollResult(feed.id, feed.publisher, feed.lease_token, poll_state)], LATER)
    assert harness.claim(LATER + timedelta(days=1)) == []
    assert harness.health(LATER)[0].state is HealthStatus.RETIRED
    harness.has(config(section="news"), now=LATER + timedelta(days=1))
    assert len(harness.claim(LATER + timedelta(days=1))) == 1


def test_health_puts_first_what_needs_attention_and_says_how_often_it_asks(harness: Harness) -> None:
    harness.has(config("bad"), config("fine"))
    feeds = {feed.url.rsplit("/", 1)[1]: feed for feed in harness.claim()}
    harness.poll(an_item(), feed=feeds["fine"])
    failed = replace(feeds["bad"].poll_state, failures=3, error="HTTP 404. Look for the feed's new address")
    harness.store.record([PollResult(feeds["bad"].id, "The Paper", feeds["bad"].lease_token, failed)], LATER)
    bad, fine = harness.health(LATER)
    assert (bad.title, bad.state, bad.error) == (
        "Bad",
        HealthStatus.FAILING,
        "HTTP 404. Look for the feed's new address",
    )
    assert "backing off after 3 failed polls" in bad.pace
    assert (fine.title, fine.state, fine.last_success_at) == ("Fine", HealthStatus.OK, LATER)
    assert "every 300 s: its rhythm is not known yet" in fine.pace


def test_a_big_batch_is_one_transaction_of_any_size(harness: Harness) -> None:
    harness.has(*(config(f"feed{n}") for n in range(40)))
    results = [
        PollResult(
            feed.id, feed.publisher, feed.lease_token, feed.poll_state,
            tuple(an_item(100 * n + k) for k in range(30)), (b"1" * 8,), 30,
        )
        for n, feed in enumerate(harness.claim())
    ]  # fmt: skip
    assert harness.store.record(results, LATER) == Recorded(new=1_200)


def test_a_poll_that_found_nothing_moves_the_times_and_ends_the_lease(harness: Harness) -> None:
    harness.has(config())
    harness.poll(an_item(), first=True)
    then = LATER + timedelta(hours=1)
    (feed,) = harness.claim(then)
    poll_state = replace(
        feed.poll_state,
        last_polled_at=then,
        last_success_at=then,
        interval_s=77.0,
        next_poll_at=then + timedelta(seconds=77),
    )
    calm = PollResult(feed.id, feed.publisher, feed.lease_token, poll_state, before=feed.poll_state)
    assert harness.store.record([calm], then) == Recorded()
    assert harness.store.record([calm], then) == Recorded(lost=1)
    assert harness.claim(then + timedelta(seconds=76)) == []
    (again,) = harness.claim(then + timedelta(seconds=77))
    assert (again.poll_state, again.known) == (poll_state, frozenset({b"12345678"}))


def test_a_poll_that_found_nothing_leaves_alone_what_a_hub_told_meanwhile(harness: Harness) -> None:
    harness.has(config())
    harness.poll(an_item(), first=True)
    then = LATER + timedelta(hours=1)
    (feed,) = harness.claim(then)
    harness.store.record([PollResult(feed.id, feed.publisher, None, feed.poll_state, (an_item(2),), (), 1)], then)
    poll_state = replace(
        feed.poll_state, last_polled_at=then, last_success_at=then, next_poll_at=then + timedelta(minutes=1)
    )
    harness.store.record(
        [PollResult(feed.id, feed.publisher, feed.lease_token, poll_state, before=feed.poll_state)], then
    )
    (again,) = harness.claim(then + timedelta(minutes=1))
    assert again.poll_state.last_change_at == then


AHEAD = timedelta(days=2)


def polled_ahead(harness: Harness, ahead: timedelta, **poll_state: object) -> None:
    """A feed that was polled while the clock was ahead."""
    harness.has(config())
    (feed,) = harness.claim(LATER + ahead)
    known = {"last_polled_at": LATER + ahead, "next_poll_at": LATER + ahead + timedelta(minutes=5), "interval_s": 300.0}
    after = replace(feed.poll_state, **{**known, **poll_state})  # type: ignore[arg-type]
    harness.store.record([PollResult(feed.id, feed.publisher, feed.lease_token, after)], LATER + ahead)


@pytest.mark.parametrize("ahead", [timedelta(minutes=4), timedelta(hours=1), AHEAD, timedelta(days=3_000)])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_feed_polled_while_the_clock_was_ahead_is_due_when_it_is_right_again(
    harness: Harness, ahead: timedelta, restarted: bool
) -> None:
    polled_ahead(harness, ahead)
    if restarted:
        harness.store = SqlFeedStore(harness.database)
    assert len(harness.claim(LATER)) == 1


def test_a_time_further_ahead_than_any_interval_is_void_by_itself(harness: Harness) -> None:
    polled_ahead(harness, AHEAD, last_polled_at=None)
    assert len(harness.claim(LATER)) == 1


def test_a_feed_that_rightly_waits_long_is_left_alone(harness: Harness) -> None:
    harness.has(config(poll_every_s=80_000.0))
    (feed,) = harness.claim()
    poll_state = replace(
        feed.poll_state, last_polled_at=LATER, next_poll_at=LATER + timedelta(seconds=87_000), interval_s=8e4
    )
    harness.store.record([PollResult(feed.id, feed.publisher, feed.lease_token, poll_state)], LATER)
    for minutes in (0, 1, 60, 1_300):
        assert SqlFeedStore(harness.database).claim_due(LATER + timedelta(minutes=minutes), 9, LEASE_S) == []
    assert len(harness.claim(LATER + timedelta(seconds=87_000))) == 1


def test_a_lease_taken_while_the_clock_was_ahead_ends_with_it(harness: Harness) -> None:
    harness.has(config())
    assert len(harness.claim(LATER + AHEAD)) == 1
    assert harness.claim(LATER + AHEAD) == []
    assert len(harness.claim(LATER)) == 1


def test_when_the_whole_document_was_seen_is_remembered(harness: Harness) -> None:
    harness.has(config())
    (feed,) = harness.claim()
    poll_state = replace(feed.poll_state, last_body_at=LATER, next_poll_at=LATER)
    harness.store.record([PollResult(feed.id, feed.publisher, feed.lease_token, poll_state)], LATER)
    assert harness.claim()[0].poll_state.last_body_at == LATER
