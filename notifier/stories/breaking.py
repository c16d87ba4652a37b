"""Is a story breaking? Pure, with its evidence.

Enters: a story's items and `now`. Leaves: a `Judgement`; next room: alerts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notifier.stories.story import StoryItem


@dataclass(frozen=True, slots=True)
class Judgement:
    """Breaking or not, and the figures that say so (JSON-ready)."""

    breaking: bool
    evidence: Mapping[str, Any]


def judge(
    items: Sequence[StoryItem], now: datetime, least: int = 3, within: timedelta = timedelta(hours=4)
) -> Judgement:
    """Breaking: at least `least` publishers brought it `within` the last hours."""
    fresh = sorted({i.publisher for i in items if i.may_alert and now - (i.published_at or i.first_seen) <= within})
    return Judgement(len(fresh) >= least, {"publishers": fresh, "needed": least, "within_s": within.total_seconds()})
