"""What a decision rests on, as data: a story, its topics, its breaking judgement, and what was sent before.

Enters: stored alerts, and what `decisions` puts together of a story. Leaves: a `Case`; next: `decide`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notifier.alerts.alert import Alert, AlertKind, NewAlert
from notifier.stories.agency_copy import publisher_key
from notifier.stories.breaking import BreakingSignals, Judgement
from notifier.stories.gate import Gated
from notifier.stories.matches import Match
from notifier.stories.story import Story, StoryItem


@dataclass(frozen=True, slots=True)
class PastAlert:
    """What was already sent of a story."""

    story_id: int
    kind: AlertKind
    title: str
    url: str
    topics: frozenset[str]
    breaking: bool
    decided_at: datetime
    helped_by: frozenset[int] = frozenset()  # the stories whose sources made it breaking as well
    by_hand: bool = False
    alone: str = ""  # the publisher (its key) who alone told it

    @classmethod
    def of(cls, alert: Alert | NewAlert) -> PastAlert:
        """The part of an alert that later decisions need."""
        signals, by_hand = alert.why.signals, alert.why.author is not None
        return cls(
            alert.story_id,
            alert.kind,
            alert.message.title,
            alert.message.url,
            alert.topics,
            alert.breaking,
            alert.decided_at,
            frozenset(signals.related.stories),
            by_hand,
            "" if by_hand else only_publisher(signals, alert.message.publisher),
        )


def nothing_told(_title: str) -> Sequence[PastAlert]:
    """No alerts of other stories to hold a headline against."""
    return ()


@dataclass(frozen=True, slots=True)
class Support:
    """Who says that a story is of a topic: so many publishers with an item that matches, a trade's desk among them?"""

    publishers: int
    special: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision rests on. `past` is oldest first; `spent` counts a topic's first alerts of the last day,
    `spent_alone` those that one publisher alone told, by topic and publisher (agency_copy.publisher_key).

    `story.lead` is the item that was alerted, if any was; `representative` tells it now (None: the same). `support`
    counts whose items match a topic; a topic that is not in it was not counted. `recent` finds the last day's alerts of
    other stories that have a word in common with a headline, oldest first; `related_past` is what was sent of stories
    that may tell the same event.
    """

    story: Story
    items: tuple[StoryItem, ...]
    matches: Mapping[str, Match]
    judgement: Judgement
    gated: Gated | None = None
    past: tuple[PastAlert, ...] = ()
    spent: Mapping[str, int] = field(default_factory=dict)
    spent_alone: Mapping[tuple[str, str], int] = field(default_factory=dict)
    silenced: bool = False
    representative: StoryItem | None = None
    support: Mapping[str, Support] = field(default_factory=dict)
    recent: Callable[[str], Sequence[PastAlert]] = nothing_told
    related_past: tuple[PastAlert, ...] = ()

    @property
    def reporter(self) -> StoryItem:
        """Who tells it to those who have not heard of it."""
        return self.representative or self.story.lead


def only_publisher(signals: BreakingSignals, publisher: str) -> str:
    """The key of the publisher who alone tells it, empty where several do."""
    return publisher_key(publisher) if len(signals.sources) <= 1 else ""
