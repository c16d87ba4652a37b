"""The record that previews are made of keeps up with the news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.alerts.alert import Alert
from notifier.alerts.story_history import PastChoice, PastMove, PastOverrides
from notifier.clock import ManualClock
from notifier.operations.recent import RecentNews
from notifier.stories.overrides import NEVER
from notifier.stories.story import StoryItem
from tests.web.console.newsroom import ITEMS
from tests.web.site import NOW, alert


class Store:
    """What the database has, and how often it was asked."""

    def __init__(self) -> None:
        self.items, self.alerts = list(ITEMS), [alert(1, "Ferry aground", minutes_ago=50 * 60)]
        self.asked = 0

    def between(self, after: datetime, until: datetime) -> Sequence[StoryItem]:
        self.asked += 1
        return [item for item in self.items if after < item.seen_at <= until]

    def since(self, then: datetime) -> Sequence[Alert]:
        return [alert for alert in self.alerts if alert.decided_at >= then]


def test_it_grows_by_what_is_new_and_repeats_nothing() -> None:
    store, clock = Store(), ManualClock(NOW)
    news = RecentNews(store.between, store.since, clock)
    assert (len(news.record().items), len(news.record().alerts)) == (3, 1)

    store.items.append(replace(ITEMS[0], id=4, seen_at=NOW + timedelta(seconds=20)))
    store.alerts.append(replace(store.alerts[0], id=2, decided_at=NOW + timedelta(seconds=21)))
    clock.advance(60)

    assert (len(news.record().items), len(news.record().alerts)) == (4, 2)
    assert store.asked == 2


def test_what_came_just_now_waits_until_it_has_its_story() -> None:
    store = Store()
    store.items.append(replace(ITEMS[0], id=4, seen_at=NOW - timedelta(seconds=1)))

    assert len(RecentNews(store.between, store.since, ManualClock(NOW)).record().items) == 3


def test_it_is_made_anew_once_a_day_without_what_is_too_old() -> None:
    store, clock = Store(), ManualClock(NOW)
    news = RecentNews(store.between, store.since, clock)
    news.record()

    clock.advance(16 * 86_400)

    assert [item.id for item in news.record().items] == [3]


def test_overrides_are_applied_in_place_and_again_once_the_decider_has_moved_the_items() -> None:
    store, clock, version, said = Store(), ManualClock(NOW), ["1"], [PastOverrides()]
    news = RecentNews(store.between, store.since, clock, lambda: version[-1], lambda _since: said[-1])
    record = news.record()
    clock.advance(60)
    assert news.record().choice(ITEMS[0].story_id or 0, clock()) is None

    version.append("2")
    said.append(PastOverrides(choices={ITEMS[0].story_id or 0: PastChoice(NEVER, clock())}))
    assert news.record().choice(ITEMS[0].story_id or 0, clock()) == NEVER
    said.append(PastOverrides((PastMove(clock(), ITEMS[0].id, 70),)))
    clock.advance(6)

    assert news.record() is record
    assert record.stories_of([ITEMS[0]]) == {ITEMS[0].story_id, 70}
    assert len(record.items) == 3
    polls = len(record.polls)
    clock.advance(6)
    news.record()
    assert len(record.polls) == polls, "a move is made once"
