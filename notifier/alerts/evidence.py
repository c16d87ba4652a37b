"""What a decision or an alert rests on, as data: deciders make it, everybody else reads it by its attributes.

`evidence_json` is how the database keeps it and programs get it, `evidence_words` says it to people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifier.stories.breaking import NOT_JUDGED, BreakingSignals
from notifier.topics.topic import Then


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote an alert by hand, through a `token` or not."""

    name: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class OnHold:
    """Why an alert waits, in `words`; what becomes of it `then` if nobody looks (alerts/on_hold.py); and what became:
    an editor `let_go`, or it was dropped as `nobody_looked`, in words.
    """

    words: str = ""
    then: Then | None = None
    let_go: bool = False
    nobody_looked: str = ""


@dataclass(frozen=True, slots=True)
class DropFigures:
    """What a story had that was not sent, and the most or the least that it might; None or empty: not the reason.

    Its age, the `gap_s` since the last alert, its `updates`; or the `publisher` who has used its share of these topics.
    """

    age_s: float | None = None
    most_s: float | None = None
    gap_s: float | None = None
    least_s: float | None = None
    updates: int | None = None
    publisher: str = ""
    over_share: Sequence[str] = ()


NO_FIGURES = DropFigures()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision or an alert rests on.

    `replaces` is the alert whose place one by hand takes; `error` is the defect that kept the decider from deciding.
    `facts` are those that changed since the headline `before`, by kind; of a drop `before` is what said the same.
    `topics` have the words that matched, none where a topic takes everything; followers of those `over_budget` get
    nothing. `merged_into` is the story that has the items now. `others` was stored by an earlier version.
    """

    author: Author | None = None
    replaces: int = 0
    error: str = ""
    breaking: bool | None = None
    signals: BreakingSignals = NOT_JUDGED
    items: tuple[int, ...] = ()
    before: str = ""
    facts: Mapping[str, list[str]] = field(default_factory=dict)
    figures: DropFigures = NO_FIGURES
    topics: Mapping[str, list[str]] = field(default_factory=dict)
    over_budget: tuple[str, ...] = ()
    hold: OnHold = OnHold()
    merged_into: int = 0
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def by_itself(self) -> bool:
        """Of a story that broke by what its outlets told, without the help of a marker."""
        return bool(self.breaking) and not self.signals.markers
