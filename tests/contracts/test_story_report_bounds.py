"""A page about stories costs the same whatever else there is: huge stories, and all that was ever merged."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import pytest
from sqlalchemy import insert, select

from notifier.storage.articles import SqlArticles
from notifier.storage.database import Database
from notifier.storage.schema import item, story
from notifier.storage.story_reports import MERGED, MOST_MEMBERS
from tests.contracts.samples import NOON
from tests.contracts.test_rulings import DAM, Harness

MANY = 4_000


@pytest.fixture
def told(database: Database) -> Harness:
    """Two outlets tell one event, and it was alerted."""
    harness = Harness(database)
    harness.publish(1, DAM, 1)
    harness.publish(2, DAM, 2)
    harness.loop.work()
    return harness


def flood(harness: Harness) -> None:
    """One feed's flood of items in the story."""
    with harness.database.writing() as connection:
        row = dict(connection.execute(select(item).where(item.c.id == 2)).one()._mapping)
        ids = range(100, 100 + MANY)
        own = [{"id": n, "guid_hash": b"%d" % n, "title_hash": b"%d" % n, "canonical_url": f"{n}"} for n in ids]
        connection.execute(insert(item), [row | one for one in own])


def cost_s(ask: Callable[[], object]) -> float:
    """Seconds of processor, the least of three."""

    def once() -> float:
        began = process_time()
        ask()
        return process_time() - began

    return min(once() for _ in range(3))


def test_what_was_merged_of_other_stories_is_never_read_for_a_page(told: Harness) -> None:
    (alert,) = told.newsroom.recent(1)
    with told.database.writing() as connection:
        row = dict(connection.execute(select(story).limit(1)).one()._mapping)
        unreadable = {"state": MERGED, "verdict": {"evidence": "to be read by nobody"}}
        connection.execute(insert(story), [row | {"id": n} | unreadable for n in range(100, 110)])

    assert SqlArticles(told.database).article(alert.id, NOON) is not None
    assert [report.id for report in told.wire.stories(10)] == [told.story(1)]


def test_the_alerts_of_what_was_merged_into_a_merged_story_are_the_last_ones(told: Harness) -> None:
    told.publish(3, "Bakery of Lind opens at night", 3)
    told.loop.work()
    told.publish(4, "Opera of Mar closes for a year", 3)
    told.loop.work()
    opera, bakery, dam = told.story(4), told.story(3), told.story(1)
    for one, other in ((bakery, opera), (dam, bakery)):
        told.wire.merge(one, other, "Ada", NOON)
        told.loop.work()

    (report,) = told.wire.stories(10)

    assert (report.id, len(report.alerts)) == (dam, 3)
    assert {SqlArticles(told.database).article(sent.id, NOON) is not None for sent in report.alerts} == {True}


def test_a_huge_story_costs_a_list_what_another_costs_and_shows_its_ends(told: Harness) -> None:
    before = cost_s(lambda: told.wire.stories(10))
    flood(told)

    assert cost_s(lambda: told.wire.stories(10)) < 5 * before + 0.01
    (report,) = told.wire.stories(10)
    assert (report.items, report.publishers) == (MANY + 2, ("Outlet 1", "Outlet 2"))
    shown = [member.item.id for member in told.wire.members(report.id)]
    assert len(shown) == MOST_MEMBERS
    assert (shown[:3], shown[-1]) == ([1, 2, 100], 100 + MANY - 1)
