"""Is a story breaking? Pure, with its evidence.

Enters: a story's items and `now`. Leaves: a `Judgement`; next room: alerts. What counts is how many independent sources
brought it within hours: publishers, not feeds, and an agency's text under many mastheads once. Trade papers, sports and
technology desks count half each and together as one: a launch that ten of them tell is no news for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notifier.stories.gate import gate
from notifier.stories.story import StoryItem
from notifier.stories.text import words
from notifier.stories.wire_copy import publisher_key, sources

SPECIAL_DESKS = words("entertainment technology sports sport science culture lifestyle gaming travel food music film")
SPECIAL_WEIGHT = 0.5
SPECIAL_MOST = 1.0
LEAST_WEIGHT = 3.0
WITHIN = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Breaking or not, and the figures that say so (JSON-ready)."""

    breaking: bool
    evidence: Mapping[str, Any]


def judge(
    items: Sequence[StoryItem], now: datetime, least: float = LEAST_WEIGHT, within: timedelta = WITHIN
) -> Judgement:
    """Breaking: independent sources of at least `least` weight brought it `within` the last hours.

    A feed's backlog, and what recurs and is not news, counts for nothing.
    """
    fresh = [item for item in items if counts(item, now, within)]
    best = [max(source, key=_weight) for source in sources(fresh)]
    weights = {publisher_key(item.publisher): _weight(item) for item in best}
    special = sum(_weight(item) for item in best if _is_special(item))
    total = sum(_weight(item) for item in best if not _is_special(item)) + min(special, SPECIAL_MOST)
    return Judgement(
        total >= least,
        {"sources": weights, "weight": total, "needed": least, "within_s": within.total_seconds()},
    )


def counts(item: StoryItem, now: datetime, within: timedelta = WITHIN) -> bool:
    """The item is news of the last hours: not backlog, not old, not of a recurring kind."""
    return item.may_alert and now - (item.published_at or item.first_seen) <= within and not gate(item)


def spokesman(items: Sequence[StoryItem], now: datetime) -> StoryItem:
    """The item whose words tell the story now: the first fresh one, of a desk for general news if there is one.

    A preview that opened the story yesterday must not speak for what happened tonight.
    """
    fresh = [item for item in items if counts(item, now)]
    general = (item for item in fresh if not _is_special(item))
    return next(general, None) or next(iter(fresh), None) or next((i for i in items if i.may_alert), items[0])


def _weight(item: StoryItem) -> float:
    return item.weight * (SPECIAL_WEIGHT if _is_special(item) else 1.0)


def _is_special(item: StoryItem) -> bool:
    return item.section.casefold() in SPECIAL_DESKS
