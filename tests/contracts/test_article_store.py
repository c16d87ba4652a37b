"""What every ArticleStore promises, on each database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.alerts.alert import AlertKind
from notifier.alerts.article import ArticleStore
from notifier.alerts.evidence import Evidence
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.articles import SqlArticles
from notifier.storage.database import Database
from notifier.storage.editorial import SqlEditorialStore
from notifier.storage.subscriptions import SqlSubscriptionStore
from tests.contracts.samples import NOON, a_subscription, an_alert
from tests.contracts.test_rulings import DAM, Harness

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def articles(database: Database) -> ArticleStore:
    return SqlArticles(database)


def test_every_alert_of_a_story_leads_to_the_same_article(database: Database, articles: ArticleStore) -> None:
    alerts = SqlAlertStore(database)
    first = alerts.accept(an_alert("world"), NOON)
    other = alerts.accept(an_alert("world", story=2), NOON)
    update = alerts.accept(replace(an_alert("world"), kind=AlertKind.UPDATE, why=Evidence(before="Dam holds")), NOON)

    for number in (first.id, update.id):
        found = articles.article(number, LATER)
        assert found is not None
        assert [state.id for state in found.states] == [first.id, update.id]
        assert (found.newest.kind, found.newest.why) == (AlertKind.UPDATE, Evidence(before="Dam holds"))
    alone = articles.article(other.id, LATER)
    assert alone is not None
    assert [state.id for state in alone.states] == [other.id]


def test_what_operators_wrote_of_no_story_is_not_one_story(database: Database, articles: ArticleStore) -> None:
    alerts = SqlAlertStore(database)
    message = an_alert("world").message
    made = [
        alerts.accept(replace(an_alert("world", story=0), message=replace(message, tag=tag)), NOON)
        for tag in ("by-hand-1", "by-hand-2")
    ]

    found = articles.article(made[0].id, LATER)

    assert found is not None
    assert [state.id for state in found.states] == [made[0].id]
    assert found.outlets == ()


def test_what_waits_or_was_withdrawn_is_not_there(database: Database, articles: ArticleStore) -> None:
    SqlSubscriptionStore(database).subscribe(a_subscription("ada", "world"), NOON)
    newsroom = SqlEditorialStore(database)
    held = newsroom.accept(replace(an_alert("world"), hold_until=LATER), NOON)
    assert articles.article(held.id, NOON) is None
    assert articles.article(held.id + 1, NOON) is None

    assert newsroom.approve(held.id, NOON)
    assert articles.article(held.id, NOON) is not None
    assert newsroom.withdraw(held.id, NOON)
    assert articles.article(held.id, NOON) is None


def test_who_tells_it_is_there_with_what_the_alert_was_made_of(database: Database, articles: ArticleStore) -> None:
    harness = Harness(database)
    for number in (1, 2):
        harness.publish(number, DAM, number)
    harness.loop.work()
    (alert,) = harness.newsroom.recent(9)

    found = articles.article(alert.id, LATER)

    assert found is not None
    assert [item.publisher for item in found.outlets] == ["Outlet 1", "Outlet 2"]
    assert found.item is not None
    assert found.item.url == alert.message.url


def test_what_was_sent_since_a_time_comes_newest_first_with_whom_it_left_out(
    database: Database, articles: ArticleStore
) -> None:
    alerts = SqlAlertStore(database)
    for hours in (0, 1, 30):
        at = NOON + timedelta(hours=hours)
        alerts.accept(replace(an_alert("world", story=hours), decided_at=at, except_topics=frozenset({"uk"})), at)
    trial = replace(an_alert("world", story=9), kind=AlertKind.TEST)
    alerts.accept(trial, NOON)

    found = articles.sent(NOON, NOON + timedelta(hours=2)).alerts

    assert [(one.alert.story_id, one.alert.topics, one.except_topics) for one in found] == [
        (1, frozenset({"world"}), frozenset({"uk"}))
    ], "neither what was sent at that time or before, nor what is still to come, nor a test"


def test_what_waited_for_an_editor_counts_from_when_it_might_go(database: Database, articles: ArticleStore) -> None:
    SqlSubscriptionStore(database).subscribe(a_subscription("ada", "world"), NOON)
    newsroom = SqlEditorialStore(database)
    held = newsroom.accept(replace(an_alert("world"), hold_until=LATER), NOON)
    assert articles.sent(NOON, NOON).alerts == ()

    assert newsroom.approve(held.id, NOON + timedelta(minutes=5))

    assert [one.alert.id for one in articles.sent(NOON, LATER).alerts] == [held.id]
    assert newsroom.withdraw(held.id, LATER)
    assert articles.sent(NOON, LATER).alerts == ()


def test_a_week_is_a_week_to_the_instant(database: Database, articles: ArticleStore) -> None:
    alerts = SqlAlertStore(database)
    instant = timedelta(microseconds=1)
    for story, at in enumerate((NOON - instant, NOON, NOON + instant)):
        alerts.accept(replace(an_alert("world", story=story), decided_at=at), at)

    week_later = NOON + timedelta(days=7)
    found = articles.sent(week_later - timedelta(days=7), week_later).alerts

    assert [one.alert.story_id for one in found] == [2], "exactly seven days ago is no longer in it"


def test_what_is_too_much_to_list_is_counted_by_whom_it_went_to(database: Database) -> None:
    alerts = SqlAlertStore(database)
    for number in range(7):
        at = NOON + timedelta(minutes=number)
        new = an_alert(*(("world",) if number % 2 else ("uk", "world")), story=number)
        alerts.accept(replace(new, decided_at=at, except_topics=frozenset({"sport"} if number == 0 else ())), at)

    found = SqlArticles(database, most_listed=2).sent(NOON - timedelta(days=1), LATER)

    assert [one.alert.story_id for one in found.alerts] == [6, 5]
    assert {(one.topics, one.except_topics): one.count for one in found.older} == {
        (frozenset({"uk", "world"}), frozenset({"sport"})): 1,
        (frozenset({"uk", "world"}), frozenset()): 2,
        (frozenset({"world"}), frozenset()): 2,
    }


def test_where_less_than_that_is_kept_it_is_known_for_so_long_only(database: Database) -> None:
    harness = Harness(database)
    harness.publish(1, DAM, 1)
    harness.loop.work()
    year_later = NOON + timedelta(days=365)

    short = SqlArticles(database, timedelta(days=3)).sent(year_later - timedelta(days=7), year_later)
    long = SqlArticles(database, timedelta(days=65)).sent(year_later - timedelta(days=7), year_later)

    assert (short.known_since, short.kept_only) == (year_later - timedelta(days=3), True)
    assert (long.known_since, long.kept_only) == (year_later - timedelta(days=7), False)


def test_nothing_is_known_of_the_time_before_the_oldest_item(database: Database, articles: ArticleStore) -> None:
    assert articles.sent(NOON, LATER).known_since == LATER, "it has only just begun"

    harness = Harness(database)
    harness.publish(1, DAM, 1)
    harness.loop.work()

    began = articles.sent(NOON - timedelta(days=7), LATER).known_since
    assert NOON - timedelta(days=7) < began <= LATER
    assert articles.sent(began + timedelta(minutes=1), LATER).known_since == began + timedelta(minutes=1)
