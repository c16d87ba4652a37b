"""What a rule would have sent, and what changes if it replaces another.

Enters: a `Query` and a `Corpus` of recorded stories. Leaves: would-be alerts with the words that matched, their number
a day, and the difference of two rules; pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from notifier.topics.corpus import Corpus, PastItem
from notifier.topics.evaluate import evaluate
from notifier.topics.query import Query
from notifier.topics.topic import MatchedWord


@dataclass(frozen=True, slots=True)
class WouldAlert:
    """An alert that would have been sent: the first item of a story that the rule is true of."""

    item: PastItem
    query: Query | None

    @property
    def words(self) -> tuple[MatchedWord, ...]:
        """The words that matched; read when asked for, as most alerts of a broad rule are only counted."""
        return (evaluate(self.query.tree, self.item.text()) or ()) if self.query else ()


@dataclass(frozen=True, slots=True)
class Backtest:
    """The would-be alerts of a window, oldest first; `per_day` has every UTC day of it, those with none too."""

    alerts: tuple[WouldAlert, ...]
    since: datetime
    until: datetime
    per_day: Mapping[date, int]

    @property
    def rate_a_day(self) -> float:
        """Alerts a day over the window."""
        return len(self.alerts) / max((self.until - self.since) / timedelta(days=1), 1e-9)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a new rule would send that the old did not, would send no longer, and would send as before."""

    gained: tuple[WouldAlert, ...]
    lost: tuple[WouldAlert, ...]
    kept: tuple[WouldAlert, ...]


def backtest(
    query: Query | None, corpus: Corpus, *, since: datetime, until: datetime, only: frozenset[int] | None = None
) -> Backtest:
    """Ask a rule about the items seen from `since` up to and without `until` (aware UTC): one alert a story.

    `query` None stands for an empty match: every story. `only` names the stories that may alert, such as those
    that were breaking. A story that matched before the window was alerted then, and is not counted again.
    """

    def may_alert(item: PastItem) -> bool:
        return item.seen_at < until and (only is None or item.story_id in only)

    items = corpus.matching(query.tree, may_alert) if query else filter(may_alert, corpus.items)
    alerts = tuple(WouldAlert(item, query) for item in _first_of_each(items) if item.seen_at >= since)
    counted = Counter(alert.item.seen_at.date() for alert in alerts)
    return Backtest(alerts, since, until, {day: counted[day] for day in _days(since, until)})


def compare(old: Backtest, new: Backtest) -> Comparison:
    """The difference of two rules over the same window, by story."""
    before = {alert.item.story_id for alert in old.alerts}
    after = {alert.item.story_id for alert in new.alerts}
    return Comparison(
        gained=tuple(alert for alert in new.alerts if alert.item.story_id not in before),
        lost=tuple(alert for alert in old.alerts if alert.item.story_id not in after),
        kept=tuple(alert for alert in new.alerts if alert.item.story_id in before),
    )


def _first_of_each(items: Iterable[PastItem]) -> Iterator[PastItem]:
    told: set[int] = set()
    for item in items:
        if item.story_id not in told:
            told.add(item.story_id)
            yield item


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day = since.date()
    while day <= (until - timedelta(microseconds=1)).date():
        yield day
        day += timedelta(days=1)
