"""The store that the decider works from and writes to: the seam between polls and alerts.

Enters: items that no decider has seen. Leaves: a DecisionResult, written in one transaction with the alerts that it
decided, so that a crash between an item and its story, or between a story and its alert, loses neither.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from notifier.alerts.alert import Alert
from notifier.alerts.decider import DecisionResult
from notifier.alerts.evidence import Evidence
from notifier.stories.baseline import LabelledItem
from notifier.stories.overrides import Overrides
from notifier.stories.story import StoryItem


@dataclass(frozen=True, slots=True)
class StoryAlert:
    """What was sent of a story. `waiting` says that an editor may still let it go or stop it."""

    id: int
    kind: str
    decided_at: datetime
    waiting: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class RelatedStory:
    """Another story that may tell the same event, not surely enough to be merged in silence."""

    id: int
    title: str
    publisher: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class StoryVerdict:
    """The newest decision on a story, as it is kept. `words` say why it was not sent, and are empty where it was."""

    code: str
    words: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class StoryReport:
    """A story as an operator reads about it: what came of it and why.

    `state` and `verdict` are of the newest decision, `alerts` all that were accepted, oldest first. `choice` is what
    the operator `chosen_by` said of the story: `never`, `hold` or nothing.
    """

    id: int
    lead: StoryItem
    publishers: tuple[str, ...]
    updated_at: datetime
    state: str
    verdict: StoryVerdict
    items: int = 1
    alerts: tuple[StoryAlert, ...] = ()
    related: tuple[RelatedStory, ...] = ()
    choice: str = ""
    chosen_by: str = ""

    @property
    def topics(self) -> tuple[str, ...]:
        """The slugs of the topics that it touches."""
        return tuple(self.verdict.evidence.topics)


@dataclass(frozen=True, slots=True)
class Member:
    """An item of a story: by which signal it came there, with the figures (stories/story.Grouping)."""

    item: StoryItem
    signal: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ruling:
    """One act of an operator: `items` and `leads` (their headlines) are the first of its `pairs`.

    Of a split the first item is the one that was taken out.
    """

    act: int
    same: bool
    leads: tuple[str, str]
    items: tuple[int, int]
    pairs: int
    by: str
    at: datetime
    undone_at: datetime | None = None
    undone_by: str | None = None


class StoryStore(Protocol):
    """Items, stories and verdicts. Synchronous: the pipeline runs it in a worker thread."""

    def lease_decisions(self, holder: str, now: datetime, lease_s: float) -> bool:
        """Take or renew the lease that lets one process at a time decide; False if another holds it."""

    def pending(self, limit: int) -> Sequence[StoryItem]:
        """Items or versions that the decider has not seen, oldest first; of more than `limit` a fair choice.

        What may alert comes before a feed's backlog, and of either each feed's oldest before any feed's second: a flood
        of one feed delays the others by no more than their share of a batch.
        """

    def oldest_pending(self) -> datetime | None:
        """When the oldest item or version that the decider has not seen was fetched; None where there is none."""

    def window(self, since: datetime) -> Sequence[StoryItem]:
        """Items that have a story and were seen since then, oldest first."""

    def past_alerts(self, since: datetime) -> Sequence[Alert]:
        """Alerts decided since then, oldest first."""

    def alerts_after(self, alert_id: int, known: Collection[int], since: datetime) -> Sequence[Alert]:
        """Alerts with a greater id that are not among these, decided since then, oldest first."""

    def marked(self, since: datetime) -> Sequence[LabelledItem]:
        """Items with a story whose headline may begin with a marker, seen since then, oldest first."""

    def overrides_version(self) -> str:
        """Differs whenever anything that operators said of stories does; asked once a second."""

    def overrides(self, since: datetime, known: Overrides) -> Overrides:
        """What operators said of items and stories; the items of what they ruled on `since` then come with it.

        Where nothing was ruled since what is `known`, only their choices are read.
        """

    def next_story_id(self) -> int:
        """The first id that no story has."""

    def save(self, items: Sequence[StoryItem], result: DecisionResult, now: datetime, holder: str) -> Sequence[Alert]:
        """Write groupings, stories, verdicts and alerts in one transaction; returns the alerts that were accepted.

        Raises LeaseLost, having written nothing, where the decider is not `holder`'s any more: another has decided.
        """
