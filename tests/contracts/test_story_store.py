"""What every StoryStore promises, on each database: pending items, the window, and one transaction for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, update

from notifier.alerts.alert import Alert
from notifier.alerts.decide import Drop, Send
from notifier.alerts.decider import DecisionResult
from notifier.alerts.evidence import Evidence
from notifier.alerts.story_store import StoryStore, StoryVerdict
from notifier.errors import LeaseLost, NotFound
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.schema import feed, item, item_version
from notifier.storage.stories import SqlStoryStore
from notifier.storage.story_history import SqlStoryHistory
from notifier.storage.story_reports import SqlStoryReports
from notifier.stories.baseline import marker
from notifier.stories.breaking import BreakingSignals
from notifier.stories.overrides import NEVER, Overrides
from notifier.stories.story import Grouping, Story, StoryItem
from tests.contracts.samples import NOON, an_alert

WHY = Evidence(breaking=False, items=(1,))


class Newsroom:
    """A StoryStore with a feed in it, and items put there by hand."""

    def __init__(self, database: Database) -> None:
        self.database = self._database = database
        self.store: StoryStore = SqlStoryStore(database)
        self.reports = SqlStoryReports(database)
        with database.writing() as connection:
            connection.execute(
                insert(feed).values(
                    id=1, url="https://news.example/rss", title="E", publisher="The Example", section="world",
                    next_poll_at=NOON,
                )
            )  # fmt: skip

    def add(self, number: int, title: str = "Dam holds", seen_at: datetime = NOON) -> None:
        """An item as the feeds room stores it."""
        with self._database.writing() as connection:
            connection.execute(
                insert(item).values(
                    id=number, feed_id=1, guid_hash=bytes([number]), url=f"https://news.example/{number}",
                    title_hash=bytes([number]),
                    canonical_url=f"news.example/{number}", title=title, summary="", first_seen_at=NOON,
                    seen_at=seen_at, content_hash=b"", may_alert=True,
                )
            )  # fmt: skip

    def edit(self, number: int, title: str) -> None:
        """A new version of an item."""
        with self._database.writing() as connection:
            connection.execute(update(item).where(item.c.id == number).values(title=title, version=item.c.version + 1))

    def save(self, items: Sequence[StoryItem], result: DecisionResult) -> Sequence[Alert]:
        """What the decider's holder does."""
        assert self.store.lease_decisions("me", NOON, 15)
        return self.store.save(items, result, NOON, "me")

    def decide(self, items: Sequence[StoryItem], story_id: int = 1, *, send: bool = False) -> DecisionResult:
        """All items into one story, sent or dropped."""
        story = Story(story_id, items[0], NOON, NOON, ("The Example",), tuple(i.id for i in items))
        verdict = Send(an_alert("world", story=story_id)) if send else Drop(story_id, "no-topic", "No topic.", WHY)
        return DecisionResult(tuple(Grouping(i.id, story_id, "new") for i in items), (story,), (verdict,))


@pytest.fixture
def newsroom(database: Database) -> Newsroom:
    return Newsroom(database)


def test_an_item_is_pending_until_a_decider_has_decided(newsroom: Newsroom) -> None:
    newsroom.add(1)
    newsroom.add(2)
    items = newsroom.store.pending(10)
    assert [(i.id, i.publisher, i.section, i.version) for i in items] == [
        (1, "The Example", "world", 1),
        (2, "The Example", "world", 1),
    ]
    newsroom.save(items[:1], newsroom.decide(items[:1]))
    assert [i.id for i in newsroom.store.pending(10)] == [2]


def test_an_edit_makes_an_item_pending_again_with_its_story(newsroom: Newsroom) -> None:
    newsroom.add(1)
    items = newsroom.store.pending(10)
    newsroom.save(items, newsroom.decide(items, story_id=4))
    newsroom.edit(1, "Dam breaks")
    (edited,) = newsroom.store.pending(10)
    assert (edited.title, edited.version, edited.story_id) == ("Dam breaks", 2, 4)


def test_an_edit_that_came_while_the_decider_decided_stays_pending(newsroom: Newsroom) -> None:
    newsroom.add(1)
    items = newsroom.store.pending(10)
    newsroom.edit(1, "Dam breaks")
    newsroom.save(items, newsroom.decide(items))
    assert [i.version for i in newsroom.store.pending(10)] == [2]


def test_the_window_has_what_was_grouped_lately(newsroom: Newsroom) -> None:
    newsroom.add(1, seen_at=NOON - timedelta(hours=80))
    newsroom.add(2)
    newsroom.add(3)
    items = newsroom.store.pending(2)
    newsroom.save(items, newsroom.decide(items))
    assert [(i.id, i.story_id) for i in newsroom.store.window(NOON - timedelta(hours=72))] == [(2, 1)]


def test_what_an_item_was_near_to_comes_back_with_the_window_and_the_record(
    newsroom: Newsroom, database: Database
) -> None:
    newsroom.add(1)
    newsroom.add(2)
    items = newsroom.store.pending(10)
    assert [i.near for i in items] == [(), ()]
    decided = newsroom.decide(items)
    one, other = decided.groupings
    newsroom.save(items, replace(decided, groupings=(replace(one, evidence={"near": [4, 7]}), other)))
    assert [i.near for i in newsroom.store.window(NOON)] == [(4, 7), ()]
    with database.writing() as connection:
        version = {"version": 1, "title": "Dam holds", "summary": "", "content_hash": b"", "seen_at": NOON}
        connection.execute(insert(item_version), [{"item_id": i.id, **version} for i in items])
    recorded = SqlStoryHistory(database).between(NOON - timedelta(hours=1), NOON)
    assert [(i.id, i.near) for i in recorded] == [(1, (4, 7)), (2, ())]


def test_a_decision_to_send_is_accepted_with_the_stories_in_one_step(newsroom: Newsroom) -> None:
    newsroom.add(1)
    items = newsroom.store.pending(10)
    (alert,) = newsroom.save(items, newsroom.decide(items, send=True))
    assert (alert.story_id, alert.topics) == (1, frozenset({"world"}))
    assert [past.id for past in newsroom.store.past_alerts(NOON)] == [alert.id]
    assert newsroom.store.past_alerts(NOON + timedelta(seconds=1)) == []


def test_every_story_keeps_why_it_was_not_sent(newsroom: Newsroom) -> None:
    newsroom.add(1)
    items = newsroom.store.pending(10)
    newsroom.save(items, newsroom.decide(items))
    (report,) = newsroom.reports.stories(5)
    assert (report.id, report.state, report.publishers) == (1, "dropped", ("The Example",))
    assert report.verdict == StoryVerdict("no-topic", "No topic.", WHY)


def test_what_was_marked_is_given_back_with_whether_it_broke(newsroom: Newsroom) -> None:
    titles = ["Breaking: dam breaks", "\U0001f534 Dam breaks", "Live: dam holds", "Live-action dam", "LIVE: old"]
    for number, title in enumerate(titles, start=1):
        newsroom.add(number, title, NOON - timedelta(days=40) if title.endswith("old") else NOON)
    items = newsroom.store.pending(10)
    by_itself, nothing = Evidence(breaking=True), Evidence()
    marked = replace(by_itself, signals=BreakingSignals(markers={"A": "?"}))
    for one, why in zip(items, [by_itself, marked, nothing, nothing, nothing], strict=True):
        decided = newsroom.decide([one], story_id=one.id)
        newsroom.save([one], replace(decided, verdicts=(Drop(one.id, "no-topic", "No topic.", why),)))

    found = newsroom.store.marked(NOON - timedelta(days=30))

    assert [(one.title, one.story_id, one.broke) for one in found if marker(one.title)] == [
        ("Breaking: dam breaks", 1, True),
        ("\U0001f534 Dam breaks", 2, False),
        ("Live: dam holds", 3, False),
    ]
    assert {one.publisher for one in found} == {"The Example"}


def test_a_breaking_alert_says_that_its_story_broke_whatever_came_later(newsroom: Newsroom) -> None:
    newsroom.add(1, "Breaking: dam breaks")
    items = newsroom.store.pending(10)
    sent = replace(an_alert("world", story=1), breaking=True, why=Evidence(breaking=True))
    newsroom.save(items, replace(newsroom.decide(items), verdicts=(Send(sent),)))
    newsroom.edit(1, "Breaking: dam breaks, 4 missing")
    newsroom.save(newsroom.store.pending(10), newsroom.decide(newsroom.store.pending(10)))
    assert [one.broke for one in newsroom.store.marked(NOON)] == [True]


def test_story_ids_go_on_after_the_last(newsroom: Newsroom) -> None:
    assert newsroom.store.next_story_id() == 1
    newsroom.add(1)
    items = newsroom.store.pending(10)
    newsroom.save(items, newsroom.decide(items, story_id=7))
    assert newsroom.store.next_story_id() == 8


def test_one_process_decides_at_a_time(newsroom: Newsroom) -> None:
    store = newsroom.store
    assert store.lease_decisions("one", NOON, 15)
    assert store.lease_decisions("one", NOON + timedelta(seconds=10), 15)
    assert not store.lease_decisions("two", NOON + timedelta(seconds=20), 15)
    assert store.lease_decisions("two", NOON + timedelta(seconds=26), 15)
    assert not store.lease_decisions("one", NOON + timedelta(seconds=27), 15)


def test_a_decider_that_was_taken_over_while_it_decided_writes_nothing(newsroom: Newsroom) -> None:
    newsroom.add(1)
    items = newsroom.store.pending(10)
    assert newsroom.store.lease_decisions("slow", NOON, 15)
    assert newsroom.store.lease_decisions("quick", NOON + timedelta(seconds=16), 15)
    with pytest.raises(LeaseLost):
        newsroom.store.save(items, newsroom.decide(items, send=True), NOON, "slow")
    assert [item.id for item in newsroom.store.pending(10)] == [1]
    assert newsroom.store.past_alerts(NOON) == []


def test_stories_are_paged_newest_first_though_many_changed_at_once(newsroom: Newsroom) -> None:
    for number in range(1, 6):
        newsroom.add(number)
    for number, found in enumerate(newsroom.store.pending(10), start=1):
        newsroom.save([found], newsroom.decide([found], story_id=number))

    first = newsroom.reports.stories(2)
    second = newsroom.reports.stories(2, (first[-1].updated_at, first[-1].id))
    third = newsroom.reports.stories(2, (second[-1].updated_at, second[-1].id))

    assert [report.id for report in (*first, *second, *third)] == [5, 4, 3, 2, 1]
    assert newsroom.reports.story(3) == second[0]
    with pytest.raises(NotFound):
        newsroom.reports.story(99)


def flood(newsroom: Newsroom, feed_id: int, numbers: range, *, may_alert: bool = True) -> None:
    """Many items of one feed."""
    with newsroom.database.writing() as connection:
        connection.execute(
            insert(item),
            [
                {
                    "id": n, "feed_id": feed_id, "guid_hash": n.to_bytes(4, "big"), "url": f"https://f/{n}",
                    "title_hash": n.to_bytes(4, "big"), "canonical_url": f"f/{n}", "title": f"Flood {n}", "summary": "",
                    "first_seen_at": NOON + timedelta(seconds=n), "seen_at": NOON + timedelta(seconds=n),
                    "content_hash": b"", "may_alert": may_alert,
                }
                for n in numbers
            ],
        )  # fmt: skip


def other_feed(newsroom: Newsroom, feed_id: int) -> None:
    with newsroom.database.writing() as connection:
        connection.execute(
            insert(feed).values(
                id=feed_id, url=f"https://{feed_id}.example/rss", title="O", publisher=f"O {feed_id}", section="world",
                next_poll_at=NOON,
            )
        )  # fmt: skip


def test_one_feeds_flood_does_not_keep_another_feeds_item_waiting(newsroom: Newsroom) -> None:
    other_feed(newsroom, 2)
    flood(newsroom, 1, range(1, 1_001))
    flood(newsroom, 2, range(1_001, 1_003))
    batch = [i.id for i in newsroom.store.pending(50)]
    assert {1_001, 1_002} <= set(batch)
    assert batch == sorted(batch), "oldest first"
    assert len(batch) == 50
    assert set(range(1, 49)) <= set(batch), "of each feed its oldest"


def test_what_may_alert_is_decided_before_a_backlog(newsroom: Newsroom) -> None:
    other_feed(newsroom, 2)
    flood(newsroom, 1, range(1, 201), may_alert=False)
    flood(newsroom, 2, range(201, 401), may_alert=False)
    flood(newsroom, 1, range(401, 411))
    assert set(range(401, 411)) <= {i.id for i in newsroom.store.pending(20)}


def test_the_oldest_item_that_waits_says_how_far_the_decider_is_behind(newsroom: Newsroom) -> None:
    assert newsroom.store.oldest_pending() is None
    newsroom.add(1, seen_at=NOON + timedelta(hours=1))
    newsroom.add(2, seen_at=NOON)
    assert newsroom.store.oldest_pending() == NOON
    items = newsroom.store.pending(10)
    newsroom.save(items, newsroom.decide(items))
    assert newsroom.store.oldest_pending() is None


def test_alerts_that_the_decider_did_not_make_are_found_by_their_ids(newsroom: Newsroom) -> None:
    newsroom.add(1)
    items = newsroom.store.pending(10)
    (own,) = newsroom.save(items, newsroom.decide(items, send=True))
    by_hand = SqlAlertStore(newsroom.database).accept(an_alert("world"), NOON)
    long_ago = NOON - timedelta(days=30)
    assert [a.id for a in newsroom.store.alerts_after(0, {own.id}, long_ago)] == [by_hand.id]
    assert newsroom.store.alerts_after(by_hand.id, (), long_ago) == []
    assert newsroom.store.alerts_after(0, (), NOON + timedelta(days=1)) == []


def test_what_was_set_aside_is_decided_and_not_read_again(newsroom: Newsroom) -> None:
    newsroom.add(1)
    items = newsroom.store.pending(10)
    told = Story(5, items[0], NOON, NOON, ("The Example",), (1,))
    drop = Drop(5, "undecidable", "The desk could not read this item.", Evidence(error="ValueError: odd"))
    newsroom.save(
        items, DecisionResult((Grouping(1, 5, "undecidable", {"error": "ValueError: odd"}),), (told,), (drop,))
    )
    assert newsroom.store.pending(10) == []
    assert newsroom.store.window(NOON - timedelta(days=1)) == []
    assert newsroom.store.next_story_id() == 6
    newsroom.edit(1, "Dam breaks")
    assert [(i.id, i.story_id) for i in newsroom.store.pending(10)] == [(1, 5)]


def test_a_choice_is_read_without_the_rulings(newsroom: Newsroom) -> None:
    newsroom.add(1)
    items = newsroom.store.pending(10)
    newsroom.save(items, newsroom.decide(items, story_id=4))
    known = newsroom.store.overrides(NOON, Overrides())
    marked = replace(known, trails={1: ()})
    newsroom.reports.choose(4, NEVER, "Ada", NOON)
    after = newsroom.store.overrides(NOON, marked)
    assert after == replace(marked, version=newsroom.store.overrides_version(), choices={4: "never"})
