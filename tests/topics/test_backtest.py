"""Would-be alerts: one a story, in the window, with words, a day's count, and what a new rule changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from notifier.stories.story import StoryItem
from notifier.topics.backtest import backtest, compare
from notifier.topics.corpus import Corpus, PastItem
from notifier.topics.query import parse

START = datetime(2026, 5, 1, tzinfo=UTC)
WEEK = {"since": START, "until": START + timedelta(days=7)}


def item(story_id: int, title: str, day: float, summary: str = "") -> PastItem:
    return PastItem(story_id, START + timedelta(days=day), title, summary, "The Morning Post", "world", "en")


CORPUS = Corpus(
    [
        item(1, "Nato summit opens", 0.5),
        item(1, "Nato summit: leaders arrive", 0.6),
        item(2, "Storm closes ports", 2.2),
        item(3, "Ports reopen", 2.4, "Nato ships were held"),
        item(4, "NATO STANDS BY US", 4),
    ]
)


def stories(rule: str) -> list[int]:
    return [alert.item.story_id for alert in backtest(parse(rule), CORPUS, **WEEK).alerts]


def test_a_story_is_alerted_once_by_its_first_item() -> None:
    alerts = backtest(parse("nato"), CORPUS, **WEEK).alerts
    assert [(alert.item.story_id, alert.item.title) for alert in alerts] == [
        (1, "Nato summit opens"),
        (3, "Ports reopen"),
        (4, "NATO STANDS BY US"),
    ]


def test_each_alert_tells_its_words() -> None:
    alerts = backtest(parse("ports storms"), CORPUS, **WEEK).alerts
    assert [word.text for word in alerts[0].words] == ["Storm", "ports"]


def test_alerts_are_counted_by_day_and_days_without_any_are_there() -> None:
    result = backtest(parse("nato OR ports"), CORPUS, **WEEK)
    assert result.per_day == {date(2026, 5, day): count for day, count in enumerate((1, 0, 2, 0, 1, 0, 0), start=1)}
    assert result.rate_a_day == 4 / 7


def test_a_story_that_matched_before_the_window_was_alerted_then() -> None:
    since = START + timedelta(days=0.55)
    alerts = backtest(parse("nato"), CORPUS, since=since, until=WEEK["until"]).alerts
    assert [alert.item.story_id for alert in alerts] == [3, 4]


def test_items_after_the_window_are_not_seen() -> None:
    assert backtest(parse("nato"), CORPUS, since=START, until=START + timedelta(days=1)).rate_a_day == 1


def test_only_stories_that_may_alert_are_taken() -> None:
    breaking = frozenset({2, 3})
    assert [alert.item.story_id for alert in backtest(None, CORPUS, **WEEK, only=breaking).alerts] == [2, 3]
    assert [alert.item.story_id for alert in backtest(parse("nato"), CORPUS, **WEEK, only=breaking).alerts] == [3]
    assert backtest(None, CORPUS, **WEEK, only=breaking).alerts[0].words == ()


def test_two_rules_are_compared_story_by_story() -> None:
    old, new = (backtest(parse(rule), CORPUS, **WEEK) for rule in ("nato", "title:nato OR storm"))
    difference = compare(old, new)
    assert [alert.item.story_id for alert in difference.gained] == [2]
    assert [alert.item.story_id for alert in difference.lost] == [3]
    assert [alert.item.story_id for alert in difference.kept] == [1, 4]


def test_rules_that_an_index_cannot_decide_are_read_to_the_end() -> None:
    assert stories('"summit opens"') == [1]
    assert stories('"opens summit"') == []
    assert stories("nato NEAR/2 opens") == [1]
    assert stories("title:nato") == [1, 4]
    assert stories("ports -title:(ports -storm)") == [2]
    assert stories("nato U.S.") == []  # in a text of capitals, US may be us


def test_a_corpus_takes_in_new_items_after_it_was_asked() -> None:
    corpus = Corpus([item(1, "Nato summit", 1)])
    assert len(list(corpus.matching(parse("storm").tree))) == 0
    corpus.add(item(2, "Storms", 2))
    assert [found.story_id for found in corpus.matching(parse("storm").tree)] == [2]


def test_a_stored_item_without_a_story_stands_for_itself() -> None:
    stored = StoryItem(
        7, 1, "The Morning Post", "world", "https://example.org/a", "https://example.org/a", "A", "B", START
    )
    assert PastItem.of(stored).story_id == -7
    assert PastItem.of(stored).text().source == "The Morning Post"
