"""The store that the desk works from and writes to: the seam between polls and alerts.

Enters: items that no desk has seen. Leaves: a DeskResult, written in one transaction with the alerts that it decided,
so that a crash between an item and its story, or between a story and its alert, loses neither.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifier.alerts.alert import Alert
from notifier.alerts.desk import DeskResult
from notifier.stories.story import StoryItem


@dataclass(frozen=True, slots=True)
class StoryReport:
    """A story as an operator reads about it: what came of it and why, as evidence ready for JSON."""

    id: int
    lead: StoryItem
    publishers: tuple[str, ...]
    updated_at: datetime
    state: str
    verdict: dict[str, object]


class NewsStore(Protocol):
    """Items, stories and verdicts. Synchronous: the pipeline runs it in a worker thread."""

    def hold_desk(self, holder: str, now: datetime, lease_s: float) -> bool:
        """Take or renew the lease that lets one process at a time decide; False if another holds it."""

    def pending(self, limit: int) -> Sequence[StoryItem]:
        """Items or versions that the desk has not seen, oldest first."""

    def window(self, since: datetime) -> Sequence[StoryItem]:
        """Items that have a story and were seen since then, oldest first."""

    def past_alerts(self, since: datetime) -> Sequence[Alert]:
        """Alerts decided since then, oldest first."""

    def silenced(self) -> Collection[int]:
        """The stories of which an operator said never."""

    def next_story_id(self) -> int:
        """The first id that no story has."""

    def save(self, items: Sequence[StoryItem], result: DeskResult, now: datetime, holder: str) -> Sequence[Alert]:
        """Write groupings, stories, verdicts and alerts in one transaction; returns the alerts that were accepted.

        Raises LeaseLost, having written nothing, where the desk is not `holder`'s any more: another has decided.
        """

    def recent_stories(self, limit: int) -> Sequence[StoryReport]:
        """The stories that changed last, newest first."""
