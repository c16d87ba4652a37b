"""What every ArticleStore promises, on each database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.alerts.alert import AlertKind
from notifier.alerts.article import ArticleStore
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
    update = alerts.accept(replace(an_alert("world"), kind=AlertKind.UPDATE, why={"before": "Dam holds"}), NOON)

    for number in (first.id, update.id):
        found = articles.article(number, LATER)
        assert found is not None
        assert [state.id for state in found.states] == [first.id, update.id]
        assert (found.newest.kind, found.newest.why) == (AlertKind.UPDATE, {"before": "Dam holds"})
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
    (alert,) = harness.newsroom.alerts(9)

    found = articles.article(alert.id, LATER)

    assert found is not None
    assert [item.publisher for item in found.outlets] == ["Outlet 1", "Outlet 2"]
    assert found.item is not None
    assert found.item.url == alert.message.url
