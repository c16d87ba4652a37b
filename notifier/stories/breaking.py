"""Is a story breaking? Pure, with its evidence.

Enters: a story's items and `now`. Leaves: a `Judgement`; next room: alerts. What counts is how many independent sources
brought it within hours: publishers, not feeds, and an agency's text under many mastheads once. Trade papers, sports and
technology desks count half each and together as one: a launch that ten of them tell is no news for everybody.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import Any

from notifier.stories.agency_copy import publisher_key, sources
from notifier.stories.baseline import ORDINARY, Usual
from notifier.stories.gate import gate
from notifier.stories.story import StoryItem
from notifier.text.content import overlap, stems
from notifier.text.line import has_words
from notifier.text.tokens import words

SPECIAL_SECTIONS = words(
    "entertainment technology sports sport science culture lifestyle gaming travel food music film"
)
SPECIAL_WEIGHT = 0.5
SPECIAL_MOST = 1.0
# What the desks of two trades tell is not one trade's own affair.
TRADES = 2
LEAST_WEIGHT = 3.0
WITHIN = timedelta(hours=6)
# What a source says more that calls it breaking and whose marker has meant something; and all of them at most.
MARKER_WEIGHT = 0.5
MARKERS_MOST = 1.0
# More than so often what is usual for the hour, by two sources at least: then a little less weight is enough.
LAST_HOUR = timedelta(hours=1)
SURGE = 2.0
SURGE_TAKES_OFF = 0.5
# A page that runs along ("Iran war live: ...", "Watch: ...") tells what is last, under a name that lasts.
RUNNING = re.compile(r"\b(?:live|latest|watch|video|replay)\b|^[^\w\s'\"‘’“”$£€]", re.IGNORECASE)
# What a story must weigh alone to be helped by those that may tell the same event; and the share of stems that one of
# their headlines must have in common with one of its own to count.
OWN_LEAST = 2.0
RELATED_OVERLAP = 0.4
NO_RELATED: Mapping[int, Sequence[StoryItem]] = MappingProxyType({})
# A headline is held against this many others at most.
MOST_COMPARED = 12
# Of more fresh items than these each publisher's newest are looked at; 18 were the most in 65 days of recorded news.
MOST_FRESH = 64


@dataclass(frozen=True, slots=True)
class RelatedSupport:
    """What the related stories add: their `sources` that count, by weight, beside what the story weighs alone."""

    own: float = 0.0
    stories: tuple[int, ...] = ()
    sources: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BreakingSignals:
    """What says whether a story is breaking: its `weight`, of the `needed`.

    `sources` are the publishers who tell it, by weight; of the weight `special` is that of `trades` trades' desks.
    What came in the `last_hour` is `surge` times what is usual (`busy`). `markers` ("Breaking:") are those that count,
    by publisher. Of what an earlier version stored, `unknown` are the figures that it did not have, and `others` those
    that are no more.
    """

    sources: Mapping[str, float] = field(default_factory=dict)
    weight: float = 0.0
    special: float = 0.0
    trades: int = 0
    needed: float = 0.0
    within_s: float = 0.0
    last_hour: float = 0.0
    busy: float = 0.0
    surge: float = 0.0
    markers: Mapping[str, str] = field(default_factory=dict)
    related: RelatedSupport = RelatedSupport()
    unknown: frozenset[str] = frozenset()
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_general(self) -> bool:
        """It would be breaking with no more of one trade's desks than one of them."""
        return self.weight - self.special + SPECIAL_WEIGHT >= self.needed or self.trades >= TRADES


FIGURES = tuple(f.name for f in fields(BreakingSignals) if f.name not in {"markers", "related", "unknown", "others"})
NOT_JUDGED = BreakingSignals(unknown=frozenset(FIGURES))


@dataclass(frozen=True, slots=True)
class Judgement:
    """Breaking or not, and what says so."""

    breaking: bool
    signals: BreakingSignals
    own: float = 0.0  # what the story weighs without the help of others
    helped: bool = False  # it is breaking by the help of others

    @property
    def by_itself(self) -> bool:
        """Breaking without a marker's help: what says whether markers mean something."""
        return self.breaking and not self.signals.markers


def judge(
    items: Sequence[StoryItem],
    now: datetime,
    least: float = LEAST_WEIGHT,
    within: timedelta = WITHIN,
    related: Mapping[int, Sequence[StoryItem]] = NO_RELATED,
    usual: Usual = ORDINARY,
) -> Judgement:
    """Breaking: independent sources of at least `least` weight brought it `within` the last hours.

    Less is enough where it comes faster than is `usual` for the hour, and a marker ("Breaking:") adds to it where its
    publisher's have meant something. A feed's backlog, and what recurs and is not news, counts for nothing. Sources of
    the stories that may tell the same event (`related`: their items by story) support it, once it has `OWN_LEAST`.
    """
    fresh = _few([item for item in items if counts(item, now, within)])
    own = _weigh(fresh)
    markers = _markers(fresh, usual)
    said = min(MARKERS_MOST, MARKER_WEIGHT * len(markers))
    late = [item for item in fresh if now - (item.published_at or item.first_seen) <= LAST_HOUR]
    pace = own.total if len(late) == len(fresh) else _weigh(late).total
    surge = pace / usual.busy
    fast = pace >= OWN_LEAST and surge > SURGE
    needed = least - SURGE_TAKES_OFF if fast else least
    signals = BreakingSignals(
        sources=own.weights,
        weight=own.total + said,
        special=own.special,
        trades=own.trades,
        needed=needed,
        within_s=within.total_seconds(),
        last_hour=pace,
        busy=round(usual.busy, 2),
        surge=round(surge, 1),
        markers=markers,
    )
    if own.total + said >= needed or own.total < OWN_LEAST or not related:
        return Judgement(own.total + said >= needed, signals, own.total)
    voice = representative(items, now)
    cousins = {
        story_id: [item for item in theirs if counts(item, now, within) and echoes(item, voice)]
        for story_id, theirs in related.items()
    }
    both = _weigh([*fresh, *_few(list(itertools.chain.from_iterable(cousins.values())))])
    helping = {name: weight for name, weight in both.weights.items() if name not in own.weights}
    if not helping:
        return Judgement(False, signals, own.total)
    support = RelatedSupport(own.total, tuple(sorted(i for i, theirs in cousins.items() if theirs)), helping)
    total = both.total + said
    signals = replace(signals, weight=total, special=both.special, trades=both.trades, related=support)
    return Judgement(total >= needed, signals, own.total, helped=total >= needed)


def _markers(fresh: Sequence[StoryItem], usual: Usual) -> dict[str, str]:
    """{publisher: its marker, and how often it meant something} of those whose marker counts."""
    found = {item.publisher: trust for item in fresh if (trust := usual.trust(item)) is not None}
    return {name: f"{trust.marker}: {trust.meant} of {trust.marked} broke" for name, trust in found.items()}


def echoes(item: StoryItem, other: StoryItem) -> bool:
    """The headline says in part what the other says: a story that may tell the same event tells more than that."""
    return overlap(stems(item.title, item.language), stems(other.title, other.language)) >= RELATED_OVERLAP


@dataclass(frozen=True, slots=True)
class _Weighed:
    weights: Mapping[str, float]
    total: float
    special: float
    trades: int


def _weigh(fresh: Sequence[StoryItem]) -> _Weighed:
    """The independent sources of these items, each by its weightiest one."""
    best = [max(source, key=_weight) for source in sources(fresh)]
    special = min(sum(_weight(item) for item in best if is_special(item)), SPECIAL_MOST)
    trades = {item.section.casefold() for item in best if is_special(item)}
    total = sum(_weight(item) for item in best if not is_special(item)) + special
    return _Weighed({item.publisher: _weight(item) for item in best}, total, special, len(trades))


def counts(item: StoryItem, now: datetime, within: timedelta = WITHIN) -> bool:
    """The item is news of the last hours: not backlog, not old, not of a recurring kind, and it says something."""
    young = item.may_alert and now - (item.published_at or item.first_seen) <= within
    return young and has_words(item.title) and not gate(item)


def _few(items: list[StoryItem]) -> list[StoryItem]:
    """All of an ordinary number of items; of more an equal share for each publisher, its last ones."""
    if len(items) <= MOST_FRESH:
        return items
    by_publisher: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        by_publisher.setdefault(publisher_key(item.publisher), []).append(place)
    newest = sorted(by_publisher.values(), key=lambda places: -places[-1])[:MOST_FRESH]
    each = MOST_FRESH // len(newest)
    return [items[place] for place in sorted(place for places in newest for place in places[-each:])]


def representative(items: Sequence[StoryItem], now: datetime) -> StoryItem:
    """The item whose words tell the story now: of the fresh ones, of desks for general news if there are any, the one
    whose headline says most of what the others say; the first of them where that is equal.

    A preview that opened the story yesterday must not speak for what happened tonight, nor a side of it for the whole,
    nor a page that has been rewritten all day where there is a newer one.
    """
    fresh = _few([item for item in items if counts(item, now)])
    general = [item for item in fresh if not is_special(item)] or fresh
    young = [item for item in general if now - item.first_seen <= WITHIN] or general
    plain = [item for item in young if not RUNNING.search(item.title)] or young
    if not plain:
        return next((item for item in items if item.may_alert), items[0])
    told = [(publisher_key(item.publisher), stems(item.title, item.language)) for item in fresh]
    others: dict[str, list[frozenset[str]]] = {}  # by publisher, what the first of the other ones say
    for key, _ in told:
        if key not in others:
            others[key] = list(islice((theirs for other, theirs in told if other != key), MOST_COMPARED))
    return max(plain, key=lambda item: _centrality(item, others[publisher_key(item.publisher)]))


def _centrality(item: StoryItem, others: Sequence[frozenset[str]]) -> float:
    """How much of this headline other publishers' headlines have too: the mean share of stems in common."""
    own = stems(item.title, item.language)
    shares = [overlap(own, other) for other in others]
    return sum(shares) / len(shares) if shares else 0.0


def _weight(item: StoryItem) -> float:
    return item.weight * (SPECIAL_WEIGHT if is_special(item) else 1.0)


def is_special(item: StoryItem) -> bool:
    """The item comes from a desk whose news is its trade's, not everybody's."""
    return item.section.casefold() in SPECIAL_SECTIONS
