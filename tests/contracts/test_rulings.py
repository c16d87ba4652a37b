"""What operators rule is kept, noticed by whoever decides, and survives a crash before its effect: on each database."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from notifier.alerts.alert import AlertKind
from notifier.alerts.decide import AlertRules
from notifier.alerts.desk import Desk
from notifier.alerts.preview import preview
from notifier.alerts.record import PastChoice, Record
from notifier.clock import ManualClock
from notifier.errors import Conflict, NotFound
from notifier.pipeline import NewsLoop
from notifier.replay import line_items
from notifier.storage.database import Database
from notifier.storage.news import SqlNewsStore
from notifier.storage.newsroom import SqlNewsroom
from notifier.storage.record import SqlRecord
from notifier.storage.rulings import MOST_NAMED
from notifier.storage.schema import feed, item, item_version
from notifier.storage.wire import SqlWire
from notifier.stories.word import NEVER
from notifier.telemetry import Metrics
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic
from tests.contracts.samples import NOON
from tests.test_pipeline import OneEngine

WORLD = Topic(slug="world", title="World", description="", match="dam OR bakery OR opera")
DAM = "Dam at Kessel breaks, villages under water"


class House:
    """A database with feeds in it, and a loop that decides."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, ManualClock(NOON)
        self.wire, self.newsroom = SqlWire(database), SqlNewsroom(database)
        self.loop = self.restarted()
        with database.writing() as connection:
            for number in range(1, 4):
                connection.execute(
                    insert(feed).values(
                        id=number, url=f"https://{number}.example/rss", title="E", publisher=f"Outlet {number}",
                        section="world", next_poll_at=NOON,
                    )
                )  # fmt: skip

    def restarted(self) -> NewsLoop:
        """The loop of a process that has just started."""
        store = SqlNewsStore(self.database)
        return NewsLoop(
            store, lambda: Desk(TopicIndex([WORLD]), [WORLD]), OneEngine(), Metrics(), self.clock, holder="me"
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
        return len(self.newsroom.alerts(50))


@pytest.fixture
def house(database: Database) -> House:
    house = House(database)
    house.publish(1, DAM, 1)
    house.publish(2, DAM, 2)
    house.publish(3, "Bakery of Lind opens at night", 3)
    house.loop.work()
    assert house.story(1) == house.story(2) != house.story(3)
    assert house.alerts() == 2
    return house


def test_a_split_is_done_by_the_running_desk_and_the_item_may_alert_by_the_rules(house: House) -> None:
    house.wire.split(2, "Ada", NOON)
    house.loop.work()
    assert house.story(1) != house.story(2)
    assert house.alerts() == 3, "the one that nobody was told of"
    house.loop.work()
    assert house.alerts() == 3


def test_the_item_whose_words_were_sent_is_not_sent_again(house: House) -> None:
    house.wire.split(1, "Ada", NOON)
    house.loop.work()
    titles = [alert.message.url for alert in house.newsroom.alerts(50)]
    assert titles.count("https://1.example/1") == 1
    first = next(a for a in house.newsroom.alerts(50) if a.message.url == "https://1.example/1")
    other = next(a for a in house.newsroom.alerts(50) if a.message.url == "https://2.example/2")
    assert first.message.tag != other.message.tag, "the one must not take the other off the screen"


def test_a_merge_of_two_alerted_stories_sends_nothing_new(house: House) -> None:
    house.wire.merge(house.story(1), house.story(3), "Ada", NOON)
    house.loop.work()
    assert house.story(1) == house.story(2) == house.story(3)
    assert house.alerts() == 2
    house.loop = house.restarted()
    house.clock.advance(1)
    house.publish(4, DAM, 3)
    house.loop.work()
    assert house.alerts() == 2
    assert [report.id for report in house.newsroom.stories(10)] == [house.story(1)]


@pytest.mark.parametrize("item_id", [2, 1])
def test_a_crash_between_a_ruling_and_its_effect_loses_neither(house: House, item_id: int) -> None:
    house.wire.split(item_id, "Ada", NOON)
    house.restarted().work()
    assert house.story(1) != house.story(2)
    before = house.story(1), house.story(2)
    house.restarted().work()
    assert (house.story(1), house.story(2)) == before


def test_a_ruling_outlives_a_restart_and_an_edit(house: House) -> None:
    house.wire.split(2, "Ada", NOON)
    house.loop.work()
    apart = house.story(2)
    with house.database.writing() as connection:
        connection.execute(item.update().where(item.c.id == 2).values(title=DAM + " tonight", version=2))
    house.restarted().work()
    assert house.story(2) == apart
    (member,) = house.wire.members(apart)
    assert (member.signal, member.evidence["by"]) == ("operator", "Ada"), "an edit hides not how it came there"


def test_what_is_taken_back_returns(house: House) -> None:
    before = house.story(2)
    act = house.wire.split(2, "Ada", NOON)
    house.loop.work()
    house.wire.take_back(act, "Bea", NOON)
    house.restarted().work()
    assert house.story(2) == before
    merge = house.wire.merge(house.story(1), house.story(3), "Ada", NOON)
    house.loop.work()
    house.wire.take_back(merge, "Bea", NOON)
    house.loop.work()
    assert house.story(1) != house.story(3)
    assert house.alerts() == 3, "of which the split's own is one"


def test_every_act_is_kept_with_who_and_when(house: House) -> None:
    act = house.wire.split(2, "Ada", NOON)
    house.wire.take_back(act, "Bea", NOON + timedelta(minutes=1))
    (ruling,) = house.wire.rulings(5)
    assert (ruling.act, ruling.same, ruling.by, ruling.taken_back_by) == (act, False, "Ada", "Bea")
    assert ruling.leads == (DAM, DAM)


def test_rulings_are_labelled_lines_that_the_grouping_can_be_trained_by(house: House) -> None:
    house.wire.split(2, "Ada", NOON)
    house.loop.work()
    house.wire.merge(house.story(1), house.story(3), "Ada", NOON)
    lines = list(house.wire.labels())
    assert [line["same"] for line in lines] == [False, False, True, True]
    assert (lines[0]["story"] == lines[1]["story"], lines[2]["story"] == lines[3]["story"]) == (False, True)
    assert [found.title for found, _ in line_items(lines)][:2] == [DAM, DAM]


def test_a_contradicted_ruling_is_no_label(house: House) -> None:
    house.wire.split(2, "Ada", NOON)
    house.loop.work()
    house.wire.merge(house.story(1), house.story(2), "Ada", NOON)
    assert [line["same"] for line in house.wire.labels()] == [True, True]


def test_the_version_changes_with_everything_that_is_said(house: House) -> None:
    store = SqlNewsStore(house.database)
    seen = [store.word_version()]
    act = house.wire.split(2, "Ada", NOON)
    seen.append(store.word_version())
    house.wire.take_back(act, "Ada", NOON)
    seen.append(store.word_version())
    house.wire.hold(house.story(1), "Ada", NOON)
    seen.append(store.word_version())
    house.newsroom.silence(house.story(1), "Ada", NOON + timedelta(seconds=1))
    seen.append(store.word_version())
    house.newsroom.unsilence(house.story(1))
    seen.append(store.word_version())
    assert all(before != after for before, after in itertools.pairwise(seen))


def test_a_story_on_hold_waits_for_an_editor_and_is_too_old_by_itself(house: House) -> None:
    story = house.story(3)
    house.wire.hold(story, "Ada", NOON)
    with house.database.writing() as connection:
        edited = {"title": "Bakery of Lind opens at night, 3 injured", "version": 2}
        connection.execute(item.update().where(item.c.id == 3).values(edited))
    house.clock.advance(1200)
    house.loop.work()
    held = house.newsroom.alerts(1)[0]
    assert (held.story_id, held.kind) == (story, "update")
    assert held.hold_until == held.decided_at + timedelta(seconds=held.ttl_s)
    (report,) = [r for r in house.newsroom.stories(10) if r.id == story]
    assert (report.choice, report.chosen_by) == ("hold", "Ada")


def test_what_cannot_be_ruled_is_refused_in_words(house: House) -> None:
    with pytest.raises(Conflict, match="of its own already"):
        house.wire.split(3, "Ada", NOON)
    with pytest.raises(NotFound):
        house.wire.split(99, "Ada", NOON)
    with pytest.raises(NotFound):
        house.wire.merge(house.story(1), 99, "Ada", NOON)
    with pytest.raises(Conflict):
        house.wire.merge(house.story(1), house.story(1), "Ada", NOON)
    act = house.wire.split(2, "Ada", NOON)
    with pytest.raises(Conflict, match="being taken out already"):
        house.wire.split(2, "Ada", NOON)
    house.wire.take_back(act, "Ada", NOON)
    with pytest.raises(Conflict, match="already"):
        house.wire.take_back(act, "Ada", NOON)
    with pytest.raises(NotFound):
        house.wire.take_back(99, "Ada", NOON)


def test_two_items_are_explained_by_every_layer(house: House) -> None:
    one = house.wire.explain(1, 2)
    assert one.together
    assert "joined by the same headline" in one.sentence
    other = house.wire.explain(2, 3)
    assert not other.together
    assert {"ruling", "url", "headline", "wire", "event", "window"} == set(other.as_json()["layers"])
    house.wire.split(2, "Ada", NOON)
    house.loop.work()
    assert house.wire.explain(1, 2).sentence.endswith(": an operator said so.")
    assert house.wire.item("https://m.1.example/1?utm_source=x").id == 1


def test_pages_that_watch_hear_of_a_ruling_and_of_its_effect(house: House) -> None:
    pulses = [house.newsroom.pulse()]
    house.clock.advance(1)
    house.wire.merge(house.story(1), house.story(3), "Ada", NOON)
    pulses.append(house.newsroom.pulse())
    house.loop.work()
    pulses.append(house.newsroom.pulse())
    assert len({*pulses}) == 3


def test_a_preview_of_what_is_stored_is_what_was_sent_and_held(house: House) -> None:
    house.wire.split(2, "Ada", house.clock())
    house.loop.work()
    house.clock.advance(60)
    act = house.wire.merge(house.story(1), house.story(3), "Ada", house.clock())
    house.loop.work()
    house.clock.advance(60)
    house.wire.take_back(act, "Bea", house.clock())
    house.loop.work()
    house.newsroom.silence(house.story(2), "Ada", house.clock())
    house.clock.advance(1200)
    house.publish(4, "Opera of Lind closes", 1)
    house.publish(5, "Dam at Kessel breaks, villages under water again", 2)
    house.loop = house.restarted()
    house.loop.work()

    stored, until = SqlRecord(house.database), house.clock() + timedelta(seconds=1)
    record = Record(stored.between(NOON - timedelta(days=1), until), (), stored.word(NOON - timedelta(days=1)))
    shown = preview(WORLD, record, AlertRules(), NOON, until)
    sent = [alert for alert in house.newsroom.alerts(50) if alert.kind is AlertKind.NEW]
    assert sorted((w.alert.decided_at, w.alert.message.url) for w in shown.alerts) == sorted(
        (alert.decided_at, alert.message.url) for alert in sent
    )
    assert len(sent) == 4
    assert stored.word(NOON).choices == {house.story(2): PastChoice(NEVER, NOON + timedelta(seconds=120))}


def test_a_split_of_a_giant_story_writes_a_bounded_number_of_rows(house: House) -> None:
    story = house.story(1)
    with house.database.writing() as connection:
        row = dict(connection.execute(select(item).where(item.c.id == 2)).one()._mapping)
        many = [
            row | {"id": n, "guid_hash": b"%d" % n, "title_hash": b"%d" % n, "canonical_url": f"https://m.example/{n}"}
            for n in range(100, 1_100)
        ]
        connection.execute(insert(item), many)
    act = house.wire.split(1, "Ada", NOON)
    assert [ruling.pairs for ruling in house.wire.rulings(5)] == [MOST_NAMED]
    house.loop = house.restarted()
    house.loop.work()
    assert house.story(1) != story == house.story(2) == house.story(1_099)
    house.wire.take_back(act, "Bea", NOON)
    house.loop.work()
    assert house.story(1) == story


def test_the_words_of_another_event_are_not_its_storys_after_a_restart(house: House) -> None:
    bakery = house.story(3)
    words = {"title": DAM, "version": 2, "seen_at": house.clock()}
    with house.database.writing() as connection:
        connection.execute(item.update().where(item.c.id == 3).values(words))
        connection.execute(insert(item_version).values(item_id=3, summary="", content_hash=b"", **words))
    house.loop.work()
    assert [i.title for i in SqlNewsStore(house.database).window(NOON) if i.id == 3] == [
        "Bakery of Lind opens at night"
    ]
    house.loop = house.restarted()
    house.publish(4, DAM + " tonight", 3)
    house.publish(5, "Villages under water as dam at Kessel breaks", 2)
    house.loop.work()
    assert house.story(3) == bakery
    assert house.story(1) == house.story(4) == house.story(5)
