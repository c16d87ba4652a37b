"""Any poll of any feed can be recorded, and what cannot be stored costs itself; held on each database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, func, select, text

from notifier.feeds.cadence import CadenceSettings
from notifier.feeds.decide import PollRules, not_recorded
from notifier.feeds.feed import FeedConfig, FeedItem, HealthStatus
from notifier.feeds.flood import FloodSettings
from notifier.feeds.health import FeedHealth, health_table
from notifier.feeds.poll_state import ClaimedFeed, PollResult, Recorded
from notifier.storage.database import Database
from notifier.storage.feed_troubles import FeedTroubles
from notifier.storage.feeds import SqlFeedStore
from notifier.storage.schema import item, item_version
from notifier.storage.stories import SqlStoryStore
from notifier.stories.cluster import Grouper
from notifier.troubles import Code
from tests.examples import examples
from tests.feeds.claimed import NOON, an_item

SOON = NOON + timedelta(hours=1)
_numbers = count()
anyone = settings(
    max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
# Few values, so that they meet; every kind of text that somebody sends.
headlines = st.sampled_from(["", "Port", "port ", "Harbour shut", "\u2800", "a\x00b", "\ud83d half", "x" * 3_000])
addresses = st.sampled_from(
    [
        *("", "https://a.example/", "https://a.example/n#1", "https://a.example/n#2", "https://a.example/n?2026-1"),
        *("https://a.example/#/1", "https://a.example/c1", "https://a.example/" + "é\x00" * 1_000, "no address at all"),
    ]
)
guids = st.sampled_from(["g1", "g2", "g\x00", "https://a.example/c1#0", "https://a.example/c1#1", "", "g" * 9_000])
moments = st.none() | st.datetimes(timezones=st.just(UTC))
entries = st.builds(
    FeedItem,
    guid=guids | addresses,
    url=addresses,
    title=headlines,
    summary=headlines,
    image_url=st.none() | addresses,
    credit=st.none() | headlines,
    published_at=moments,
    language=st.sampled_from([None, "en", "x" * 200, "e\x00"]),
)


T = TypeVar("T")


class Harness:
    """A store with feeds of one test."""

    def __init__(self, database: Database, flood: FloodSettings | None = None) -> None:
        self.database = database
        self.store = SqlFeedStore(database, PollRules(flood=flood or FloodSettings()))
        self.now = SOON

    def health(self, now: datetime) -> list[FeedHealth]:
        return health_table(self.store.facts(now), now, CadenceSettings())

    def follow(self, feeds: int = 1) -> list[ClaimedFeed]:
        """So many new feeds of one new publisher, and no other feed."""
        name = f"Paper {next(_numbers)}"
        urls = [f"https://{next(_numbers)}.example/feed" for _ in range(feeds)]
        self.store.sync_config([FeedConfig(url, url, name, "world") for url in urls], self.now - timedelta(minutes=5))
        return self.claim()

    def claim(self) -> list[ClaimedFeed]:
        return self.store.claim_due(self.now, 100, 60.0)

    def result(self, one: ClaimedFeed, items: Sequence[FeedItem], **known: object) -> PollResult:
        poll_state = replace(one.poll_state, state=HealthStatus.OK, last_success_at=self.now, failures=0, error=None)
        poll_state = replace(poll_state, next_poll_at=self.now)
        poll = PollResult(one.id, one.publisher, one.lease_token, poll_state, tuple(items), document_size=len(items))
        return replace(poll, before=one.poll_state, previous_success_at=one.poll_state.last_success_at, **known)  # type: ignore[arg-type]

    def poll(self, *items: FeedItem) -> Recorded:
        """The one feed that is followed brings these a quarter of an hour later."""
        self.now += timedelta(minutes=15)
        (one,) = self.claim()
        return self.store.record([self.result(one, items)], self.now)

    def ask(self, query: Select[T]) -> list[T]:
        with self.database.reading() as connection:
            return list(connection.execute(query).scalars())

    def titles(self, feed_id: int) -> list[object]:
        return self.ask(select(item.c.title).where(item.c.feed_id == feed_id).order_by(item.c.id))


@pytest.fixture
def harness(database: Database) -> Harness:
    return Harness(database)


@pytest.fixture
def picky(database: Database) -> Iterator[Harness]:
    """A database that refuses an item, or an edit of one, that is called "poison"."""
    with database.writing() as connection:
        for statement in POISON[database.is_sqlite]:
            connection.execute(text(statement))
    yield Harness(database)
    if not database.is_sqlite:
        with database.writing() as connection:
            connection.execute(text("ALTER TABLE item DROP CONSTRAINT poison"))


POISON = {
    True: (
        *(
            f"CREATE TRIGGER poison_{what} BEFORE {what} ON item WHEN NEW.title LIKE '%poison%'"
            " BEGIN SELECT RAISE(ABORT, 'refused'); END"
            for what in ("INSERT", "UPDATE")
        ),
    ),
    False: ("ALTER TABLE item ADD CONSTRAINT poison CHECK (title NOT LIKE '%poison%')",),
}


@anyone
@given(st.lists(st.lists(entries, max_size=8), min_size=1, max_size=4))
def test_whatever_a_feed_lists_each_poll_is_recorded_and_the_next_one_works(
    harness: Harness, polls: list[list[FeedItem]]
) -> None:
    (one,) = harness.follow()
    for items in polls:
        harness.poll(*items)
        assert harness.health(harness.now)[0].last_success_at == harness.now
    found = harness.poll(an_item(1, guid="quite new", url="https://a.example/new", title="Quite new"))
    assert (found.new, found.refused) == (1, 0)
    assert harness.ask(select(func.count()).where(item_version.c.item_id == item.c.id, item.c.version == 0)) == [0]
    numbers = (
        harness.ask(select(func.count()).select_from(item.join(item_version)).where(item.c.feed_id == one.id)),
        harness.ask(select(func.sum(item.c.version)).where(item.c.feed_id == one.id)),
    )
    assert numbers[0] == numbers[1]  # every version is kept, and none is counted twice


@anyone
@given(
    st.lists(
        st.builds(
            an_item,
            st.just(1),
            guid=st.sampled_from("abcdef"),
            url=st.sampled_from(
                ["https://a.example/n#1", "https://a.example/n#2", "https://a.example/", "https://b.a/x"]
            ),
            title=st.sampled_from(["Port", "Harbour", "Bridge", "Tunnel", "Ferry"]),
        ),
        max_size=12,
    ),
)
def test_every_entry_whose_guid_and_headline_are_its_own_is_stored(harness: Harness, items: list[FeedItem]) -> None:
    (one,) = harness.follow()
    middle = len(items) // 2
    harness.poll(*items[:middle])
    harness.poll(*items[middle:])
    alone = [
        entry
        for entry in items
        if sum(o.guid == entry.guid for o in items) == 1 and sum(o.title == entry.title for o in items) == 1
    ]
    assert {entry.title for entry in alone} <= set(harness.titles(one.id))


def test_two_entries_of_a_poll_that_are_edits_of_one_item_do_not_stop_the_feed(harness: Harness) -> None:
    (one,) = harness.follow()
    harness.poll(an_item(1))
    edits = [an_item(1, title=title) for title in ("Bridge closes", "Bridge burns")]
    assert harness.poll(an_item(2), *edits) == Recorded(new=1, edited=1)
    assert harness.poll(an_item(1, title="Bridge gone"), an_item(3)) == Recorded(new=1, edited=1)
    assert harness.titles(one.id) == ["Bridge gone", an_item(2).title, an_item(3).title]


def test_items_that_share_a_page_are_stories_of_their_own_and_may_alert(harness: Harness, database: Database) -> None:
    harness.follow()
    page = "https://paper.example/advisories/"
    harness.poll(an_item(1, url=page, title="Harbour advisory: calm sea"))
    harness.poll(
        an_item(2, url=page, title="Bridge collapses after ship strike", published_at=harness.now),
        an_item(3, url=page, title="Airport closed by smoke from volcano", published_at=harness.now),
    )
    waiting = SqlStoryStore(database).pending(10)
    assert [one.may_alert for one in waiting] == [True, True, True]
    assert len({grouping.story_id for grouping in Grouper().place(waiting)}) == 3


def test_a_push_and_a_poll_of_one_batch_may_both_edit_an_item(harness: Harness) -> None:
    harness.follow()
    harness.poll(an_item(1))
    harness.now += timedelta(minutes=15)
    (one,) = harness.claim()
    pushed = replace(harness.result(one, [an_item(1, title="Bridge closes")]), lease_token=None)
    polled = harness.result(one, [an_item(1, title="Bridge burns")])
    assert harness.store.record([pushed, polled], harness.now) == Recorded(edited=2)
    assert harness.ask(select(item_version.c.version).order_by(item_version.c.version)) == [1, 2, 3]


@pytest.mark.parametrize("bad", [1, 3])
def test_an_entry_that_cannot_be_stored_costs_itself_and_is_named(picky: Harness, bad: int) -> None:
    one, other = picky.follow(2)
    poison = [an_item(50 + n, title=f"poison {n}") for n in range(bad)]
    good = [an_item(n) for n in range(1, 10)]
    polls = [
        picky.result(one, [*good[:4], *poison, *good[4:]], digests=(b"8 bytes.",)),
        picky.result(other, [an_item(n, url=f"https://other.example/{n}") for n in range(1, 4)]),
    ]
    assert picky.store.record(polls, picky.now) == Recorded(new=12, refused=bad)
    assert len(picky.titles(one.id)) == 9
    notes = {h.feed_id: h.notes for h in picky.health(picky.now)}
    assert notes[other.id] == ()
    assert f"{bad} of its entries cannot be stored" in notes[one.id][0]
    assert "“poison 0”" in notes[one.id][0]
    (trouble,) = FeedTroubles(picky.database, lambda: picky.now)()
    assert (trouble.code, trouble.grave, trouble.what) == (Code.FEED_NOT_RECORDED, False, notes[one.id][0])
    (again,) = [claimed for claimed in picky.claim() if claimed.id == one.id]
    assert again.known == {b"8 bytes."}  # what was refused is known: it is not tried again for ever


def test_an_edit_that_cannot_be_stored_leaves_the_item_as_it_was(picky: Harness) -> None:
    (one,) = picky.follow()
    picky.poll(an_item(1), an_item(2))
    found = picky.poll(an_item(1, title="poison"), an_item(2, title="Bridge 2 closes"), an_item(3))
    assert found == Recorded(new=1, edited=1, refused=1)
    assert picky.titles(one.id) == [an_item(1).title, "Bridge 2 closes", an_item(3).title]
    assert picky.poll(an_item(1, title="Bridge 1 closes")) == Recorded(edited=1)


def test_what_a_header_holds_does_not_stop_a_feed(harness: Harness) -> None:
    (one,) = harness.follow()
    result = harness.result(one, [an_item(1)])
    odd = replace(result.poll_state, etag='"a\x00b\udc80"', last_modified="\x00", hub_url="https://h.example/\x00")
    assert harness.store.record([replace(result, poll_state=odd)], harness.now) == Recorded(new=1)


def test_a_feed_that_brings_hundreds_at_each_poll_is_bounded_and_told(database: Database) -> None:
    harness = Harness(database, FloodSettings(new_at_once=60, new_an_hour=4))
    (one,) = harness.follow()
    numbers = count()

    def flood() -> list[FeedItem]:
        return [an_item(next(numbers), published_at=harness.now) for _ in range(50)]

    troubles = FeedTroubles(database, lambda: harness.now)
    assert harness.poll(*flood()) == Recorded(new=50)
    assert list(troubles()) == []
    assert harness.poll(*flood()) == Recorded(new=11, left_out=39)
    for _ in range(20):
        harness.poll(*flood())
    assert len(harness.titles(one.id)) <= 60 + 4 * 6
    (health,) = harness.health(harness.now)
    assert "It brings more than a feed may: 1,019 new items and edits were left out" in health.notes[0]
    (trouble,) = troubles()
    assert (trouble.code, trouble.subject) == (Code.FEED_FLOODING, health.title)
    harness.now += timedelta(hours=2)
    assert list(troubles()) == []
    harness.now += timedelta(days=1)
    assert harness.health(harness.now)[0].notes == ()


def test_a_feed_whose_headlines_change_at_every_poll_is_bounded(database: Database) -> None:
    harness = Harness(database, FloodSettings(edits_at_once=30, edits_an_hour=4, versions=9))
    harness.follow()
    for poll in range(40):
        harness.poll(*(an_item(n, title=f"Bridge {n}, version {poll}") for n in range(10)))
    versions = harness.ask(select(func.count()).select_from(item_version))
    assert versions[0] <= 10 + 30 + 4 * 10
    assert max(harness.ask(select(item.c.version))) <= 9
    assert "were left out" in harness.health(harness.now)[0].notes[0]


def test_a_feed_that_cannot_be_recorded_is_failing_in_words_and_a_trouble(harness: Harness, database: Database) -> None:
    (one,) = harness.follow()
    harness.poll(an_item(1))
    harness.now += timedelta(minutes=15)
    (one,) = harness.claim()
    instead = not_recorded(harness.result(one, [an_item(2)]), "ValueError", harness.now)
    assert instead is not None
    harness.store.record([instead], harness.now)
    (health,) = harness.health(harness.now)
    assert health.state is HealthStatus.FAILING
    assert "cannot be stored (ValueError)" in str(health.error)
    (trouble,) = FeedTroubles(database, lambda: harness.now)()
    assert (trouble.code, trouble.grave, trouble.subject) == (Code.FEED_NOT_RECORDED, True, health.title)
    assert harness.poll(an_item(2)) == Recorded(new=1)
    assert harness.health(harness.now)[0].state is HealthStatus.OK
    assert list(FeedTroubles(database, lambda: harness.now)()) == []


def test_spellings_of_a_publisher_share_their_pages(harness: Harness) -> None:
    names = ["BBC News", "bbc  news "]
    urls = [f"https://{next(_numbers)}.example/feed" for _ in names]
    configs = [FeedConfig(url, url, name, "world") for url, name in zip(urls, names, strict=True)]
    harness.store.sync_config(configs, harness.now - timedelta(minutes=5))
    results = [harness.result(one, [an_item(1)]) for one in harness.claim()]
    assert harness.store.record(results, harness.now) == Recorded(new=1)
