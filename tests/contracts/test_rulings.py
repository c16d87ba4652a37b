"""What operators rule is kept, noticed by whoever decides, and survives a crash before its effect: on each database."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from notifier.alerts.alert import AlertKind
from notifier.alerts.decide import AlertRules
from notifier.alerts.decider import Decider
from notifier.alerts.preview import preview
from notifier.alerts.story_history import PastChoice, StoryHistory
from notifier.clock import ManualClock
from notifier.decision_loop import DecisionLoop
from notifier.errors import Conflict, NotFound
from notifier.replay import line_items
from notifier.storage.database import Database
from notifier.storage.editorial import SqlEditorialStore
from notifier.storage.rulings import MOST_NAMED
from notifier.storage.schema import feed, item, item_version
from notifier.storage.stories import SqlStoryStore
from notifier.storage.story_history import SqlStoryHistory
from notifier.storage.story_reports import SqlStoryReports
from notifier.stories.overrides import HOLD, NEVER, Overrides
from notifier.telemetry import Metrics
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic
from tests.contracts.samples import NOON
from tests.test_pipeline import OneEngine

WORLD = Topic(slug="world", title="World", description="", match="dam OR bakery OR opera")
DAM = "Dam at Kessel breaks, villages under water"


class Harness:
    """A database with feeds in it, and a loop that decides."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, ManualClock(NOON)
        self.wire, self.newsroom = SqlStoryReports(database), SqlEditorialStore(database)
        self.loop = self.restarted()
        with database.writing() as connection:
            for number in range(1, 4):
                connection.execute(
                    insert(feed).values(
                        id=number, url=f"https://{number}.example/rss", title="E", publisher=f"Outlet {number}",
                        section="world", next_poll_at=NOON,
                    )
                )  # fmt: skip

    def restarted(self) -> DecisionLoop:
        """The loop of a process that has just started."""
        store = SqlStoryStore(self.database)
        return DecisionLoop(
            store, lambda: Decider(TopicIndex([WORLD]), [WORLD]), OneEngine(), Metrics(), self.clock, holder="me"
        )

    def publish(self, number: int, title: str, feed_id: int = 1) -> None:
        with self.database.writing() as connection:
            connection.execute(
                insert(item).values(
                    id=number, feed_id=feed_id, guid_hash=bytes([number]), url=f"https://{feed_id}.example/{number}",
                    title_hash=bytes([number]), canonical_url=f"https://{feed_id}.example/{number}", title=title,
                    summary="", first_seen_at=self.clock(), seen_at=self.clock(), content_hash=b"", may_alert=True,
                )
            )  # fmt: skip
            told = {
                "item_id": number,
                "version": 1,
                "title": title,
                "summary": "",
                "seen_at": self.clock(),
                "content_hash": b"",
            }
            connection.execute(insert(item_version).values(told))

    def story(self, number: int) -> int:
        """The story that the database says an item is in."""
        return self.wire.item(str(number)).story_id or 0

    def alerts(self) -> int:
        return len(self.newsroom.recent(50))


@pytest.fixture
def harness(database: Database) -> Harness:
    harness = Harness(database)
    harness.publish(1, DAM, 1)
    harness.publish(2, DAM, 2)
    harness.publish(3, "Bakery of Lind opens at night", 3)
    harness.loop.work()
    assert harness.story(1) == harness.story(2) != harness.story(3)
    assert harness.alerts() == 2
    return harness


def test_a_split_is_done_by_the_running_decider_and_the_item_may_alert_by_the_rules(harness: Harness) -> None:
    harness.wire.split(2, "Ada", NOON)
    harness.loop.work()
    assert harness.story(1) != harness.story(2)
    assert harness.alerts() == 3, "the one that nobody was told of"
    harness.loop.work()
    assert harness.alerts() == 3


def test_the_item_whose_words_were_sent_is_not_sent_again(harness: Harness) -> None:
    harness.wire.split(1, "Ada", NOON)
    harness.loop.work()
    titles = [alert.message.url for alert in harness.newsroom.recent(50)]
    assert titles.count("https://1.example/1") == 1
    first = next(a for a in harness.newsroom.recent(50) if a.message.url == "https://1.example/1")
    other = next(a for a in harness.newsroom.recent(50) if a.message.url == "https://2.example/2")
    assert first.message.tag != other.message.tag, "the one must not take the other off the screen"


def test_a_merge_of_two_alerted_stories_sends_nothing_new(harness: Harness) -> None:
    harness.wire.merge(harness.story(1), harness.story(3), "Ada", NOON)
    harness.loop.work()
    assert harness.story(1) == harness.story(2) == harness.story(3)
    assert harness.alerts() == 2
    harness.loop = harness.restarted()
    harness.clock.advance(1)
    harness.publish(4, DAM, 3)
    harness.loop.work()
    assert harness.alerts() == 2
    assert [report.id for report in harness.wire.stories(10)] == [harness.story(1)]


@pytest.mark.parametrize("item_id", [2, 1])
def test_a_crash_between_a_ruling_and_its_effect_loses_neither(harness: Harness, item_id: int) -> None:
    harness.wire.split(item_id, "Ada", NOON)
    harness.restarted().work()
    assert harness.story(1) != harness.story(2)
    before = harness.story(1), harness.story(2)
    harness.restarted().work()
    assert (harness.story(1), harness.story(2)) == before


def test_a_ruling_outlives_a_restart_and_an_edit(harness: Harness) -> None:
    harness.wire.split(2, "Ada", NOON)
    harness.loop.work()
    apart = harness.story(2)
    with harness.database.writing() as connection:
        connection.execute(item.update().where(item.c.id == 2).values(title=DAM + " tonight", version=2))
    harness.restarted().work()
    assert harness.story(2) == apart
    (member,) = harness.wire.members(apart)
    assert (member.signal, member.evidence["by"]) == ("operator", "Ada"), "an edit hides not how it came there"


def test_what_is_undone_returns(harness: Harness) -> None:
    before = harness.story(2)
    act = harness.wire.split(2, "Ada", NOON)
    harness.loop.work()
    harness.wire.undo(act, "Bea", NOON)
    harness.restarted().work()
    assert harness.story(2) == before
    merge = harness.wire.merge(harness.story(1), harness.story(3), "Ada", NOON)
    harness.loop.work()
    harness.wire.undo(merge, "Bea", NOON)
    harness.loop.work()
    assert harness.story(1) != harness.story(3)
    assert harness.alerts() == 3, "of which the split's own is one"


def test_every_act_is_kept_with_who_and_when(harness: Harness) -> None:
    act = harness.wire.split(2, "Ada", NOON)
    harness.wire.undo(act, "Bea", NOON + timedelta(minutes=1))
    (ruling,) = harness.wire.rulings(5)
    assert (ruling.act, ruling.same, ruling.by, ruling.undone_by) == (act, False, "Ada", "Bea")
    assert ruling.leads == (DAM, DAM)


def test_rulings_are_labelled_lines_that_the_grouping_can_be_trained_by(harness: Harness) -> None:
    harness.wire.split(2, "Ada", NOON)
    harness.loop.work()
    harness.wire.merge(harness.story(1), harness.story(3), "Ada", NOON)
    lines = list(harness.wire.labels())
    assert [line["same"] for line in lines] == [False, False, True, True]
    assert (lines[0]["story"] == lines[1]["story"], lines[2]["story"] == lines[3]["story"]) == (False, True)
    assert [found.title for found, _ in line_items(lines)][:2] == [DAM, DAM]


def test_a_contradicted_ruling_is_no_label(harness: Harness) -> None:
    harness.wire.split(2, "Ada", NOON)
    harness.loop.work()
    harness.wire.merge(harness.story(1), harness.story(2), "Ada", NOON)
    assert [line["same"] for line in harness.wire.labels()] == [True, True]


def test_the_version_changes_with_everything_that_is_said(harness: Harness) -> None:
    store = SqlStoryStore(harness.database)
    seen = [store.overrides_version()]
    act = harness.wire.split(2, "Ada", NOON)
    seen.append(store.overrides_version())
    harness.wire.undo(act, "Ada", NOON)
    seen.append(store.overrides_version())
    harness.wire.choose(harness.story(1), HOLD, "Ada", NOON)
    seen.append(store.overrides_version())
    harness.wire.choose(harness.story(1), NEVER, "Ada", NOON + timedelta(seconds=1))
    seen.append(store.overrides_version())
    harness.wire.unchoose(harness.story(1))
    seen.append(store.overrides_version())
    assert all(before != after for before, after in itertools.pairwise(seen))


def test_a_story_on_hold_waits_for_an_editor_and_is_too_old_by_itself(harness: Harness) -> None:
    story = harness.story(3)
    harness.wire.choose(story, HOLD, "Ada", NOON)
    with harness.database.writing() as connection:
        edited = {"title": "Bakery of Lind opens at night, 3 injured", "version": 2}
        connection.execute(item.update().where(item.c.id == 3).values(edited))
    harness.clock.advance(1200)
    harness.loop.work()
    held = harness.newsroom.recent(1)[0]
    assert (held.story_id, held.kind) == (story, "update")
    assert held.hold_until == held.decided_at + timedelta(seconds=held.ttl_s)
    (report,) = [r for r in harness.wire.stories(10) if r.id == story]
    assert (report.choice, report.chosen_by) == ("hold", "Ada")


@pytest.mark.parametrize("silenced", [1, 3])
def test_never_is_said_of_both_stories_that_become_one_though_the_other_was_on_hold(
    harness: Harness, silenced: int
) -> None:
    stories = {number: harness.story(number) for number in (1, 3)}
    harness.wire.choose(stories[silenced], NEVER, "Ada", NOON)
    harness.wire.choose(stories[4 - silenced], HOLD, "Bea", NOON + timedelta(seconds=1))
    harness.wire.merge(stories[1], stories[3], "Bea", NOON + timedelta(seconds=2))
    overrides = SqlStoryStore(harness.database).overrides(NOON, Overrides())
    assert overrides.choices == dict.fromkeys(stories.values(), NEVER)


def test_what_cannot_be_ruled_is_refused_in_words(harness: Harness) -> None:
    with pytest.raises(Conflict, match="of its own already"):
        harness.wire.split(3, "Ada", NOON)
    with pytest.raises(NotFound):
        harness.wire.split(99, "Ada", NOON)
    with pytest.raises(NotFound):
        harness.wire.merge(harness.story(1), 99, "Ada", NOON)
    with pytest.raises(Conflict):
        harness.wire.merge(harness.story(1), harness.story(1), "Ada", NOON)
    act = harness.wire.split(2, "Ada", NOON)
    with pytest.raises(Conflict, match="being taken out already"):
        harness.wire.split(2, "Ada", NOON)
    harness.wire.undo(act, "Ada", NOON)
    with pytest.raises(Conflict, match="already"):
        harness.wire.undo(act, "Ada", NOON)
    with pytest.raises(NotFound):
        harness.wire.undo(99, "Ada", NOON)


def test_two_items_are_explained_by_every_layer(harness: Harness) -> None:
    one = harness.wire.explain(1, 2)
    assert one.together
    assert "joined by the same headline" in one.sentence
    other = harness.wire.explain(2, 3)
    assert not other.together
    assert {"ruling", "url", "headline", "wire", "event", "window"} == set(other.as_json()["layers"])
    harness.wire.split(2, "Ada", NOON)
    harness.loop.work()
    assert harness.wire.explain(1, 2).sentence.endswith(": an operator said so.")
    assert harness.wire.item("https://m.1.example/1?utm_source=x").id == 1


def test_pages_that_watch_hear_of_a_ruling_and_of_its_effect(harness: Harness) -> None:
    pulses = [harness.wire.pulse()]
    harness.clock.advance(1)
    harness.wire.merge(harness.story(1), harness.story(3), "Ada", NOON)
    pulses.append(harness.wire.pulse())
    harness.loop.work()
    pulses.append(harness.wire.pulse())
    assert len({*pulses}) == 3


def test_a_preview_of_what_is_stored_is_what_was_sent_and_held(harness: Harness) -> None:
    harness.wire.split(2, "Ada", harness.clock())
    harness.loop.work()
    harness.clock.advance(60)
    act = harness.wire.merge(harness.story(1), harness.story(3), "Ada", harness.clock())
    harness.loop.work()
    harness.clock.advance(60)
    harness.wire.undo(act, "Bea", harness.clock())
    harness.loop.work()
    harness.wire.choose(harness.story(2), NEVER, "Ada", harness.clock())
    harness.clock.advance(1200)
    harness.publish(4, "Opera of Lind closes", 1)
    harness.publish(5, "Dam at Kessel breaks, villages under water again", 2)
    harness.loop = harness.restarted()
    harness.loop.work()

    stored, until = SqlStoryHistory(harness.database), harness.clock() + timedelta(seconds=1)
    record = StoryHistory(
        stored.between(NOON - timedelta(days=1), until), (), stored.overrides(NOON - timedelta(days=1))
    )
    shown = preview(WORLD, record, AlertRules(), NOON, until)
    sent = [alert for alert in harness.newsroom.recent(50) if alert.kind is AlertKind.NEW]
    assert sorted((w.alert.decided_at, w.alert.message.url) for w in shown.alerts) == sorted(
        (alert.decided_at, alert.message.url) for alert in sent
    )
    assert len(sent) == 4
    assert stored.overrides(NOON).choices == {harness.story(2): PastChoice(NEVER, NOON + timedelta(seconds=120))}


def test_a_split_of_a_giant_story_writes_a_bounded_number_of_rows(harness: Harness) -> None:
    story = harness.story(1)
    with harness.database.writing() as connection:
        row = dict(connection.execute(select(item).where(item.c.id == 2)).one()._mapping)
        many = [
            row | {"id": n, "guid_hash": b"%d" % n, "title_hash": b"%d" % n, "canonical_url": f"https://m.example/{n}"}
            for n in range(100, 1_100)
        ]
        connection.execute(insert(item), many)
    act = harness.wire.split(1, "Ada", NOON)
    assert [ruling.pairs for ruling in harness.wire.rulings(5)] == [MOST_NAMED]
    harness.loop = harness.restarted()
    harness.loop.work()
    assert harness.story(1) != story == harness.story(2) == harness.story(1_099)
    harness.wire.undo(act, "Bea", NOON)
    harness.loop.work()
    assert harness.story(1) == story


def test_an_item_that_is_edited_into_another_event_is_with_it_after_a_restart(harness: Harness) -> None:
    bakery, alerts = harness.story(3), harness.alerts()
    words = {"title": DAM, "version": 2, "seen_at": harness.clock()}
    with harness.database.writing() as connection:
        connection.execute(item.update().where(item.c.id == 3).values(words))
        connection.execute(insert(item_version).values(item_id=3, summary="", content_hash=b"", **words))
    harness.loop.work()
    assert harness.story(3) == harness.story(1) != bakery
    assert harness.wire.story(bakery).state == "merged"
    harness.loop = harness.restarted()
    harness.publish(4, "Bakery of Lind opens at night again", 3)
    harness.publish(5, "Villages under water as dam at Kessel breaks", 2)
    harness.loop.work()
    assert harness.story(1) == harness.story(3) == harness.story(5) != harness.story(4)
    assert harness.alerts() == alerts + 1, "the bakery's second item"
    versions = SqlStoryHistory(harness.database).between(NOON - timedelta(days=1), harness.clock())
    assert sorted((one.version, one.story_id) for one in versions if one.id == 3) == [
        (1, bakery),
        (2, harness.story(1)),
    ]
