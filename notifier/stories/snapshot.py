"""A story as a poll left it: what the decider decides on, and a preview once more.

Enters: a story's items, those of the stories that may tell the same event, and `now`. Leaves: its judgement, worked out
when asked; next room: alerts. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from notifier.stories.baseline import ORDINARY, Usual
from notifier.stories.breaking import Judgement, judge, representative
from notifier.stories.gate import Gated, gate
from notifier.stories.story import Story, StoryItem, story_from


@dataclass(frozen=True)
class StorySnapshot:
    """A story as a poll left it: all that a decision rests on and no topic has a part in. Worked out when asked."""

    story_id: int
    items: tuple[StoryItem, ...]
    at: datetime
    related: Mapping[int, tuple[StoryItem, ...]] = field(default_factory=dict)  # what may tell the same event, by story
    nearby: tuple[int, ...] = ()  # the related stories, and those related to them
    usual: Usual = ORDINARY  # for the hour

    @cached_property
    def judgement(self) -> Judgement:
        """Whether it was breaking."""
        return judge(self.items, self.at, related=self.related, usual=self.usual)

    @cached_property
    def representative(self) -> StoryItem:
        """The item that spoke for it."""
        return representative(self.items, self.at)

    @cached_property
    def gated(self) -> Gated | None:
        """The rule that keeps its representative from alerting."""
        return gate(self.representative)

    @cached_property
    def told(self) -> Story:
        """The story in its representative's words."""
        return story_from(self.items, self.story_id, self.representative)

    @property
    def weight(self) -> float:
        """What the story weighs alone."""
        return self.judgement.own

    @property
    def is_helped(self) -> bool:
        """It was breaking by the help of its related stories."""
        return self.judgement.helped

    def work_out(self) -> StorySnapshot:
        """All of it now, so that it costs nothing later."""
        _ = self.judgement, self.gated, self.told
        return self


class UnjudgedSnapshot(StorySnapshot):
    """A story that cannot be judged: asking for its judgement raises."""

    @property
    def weight(self) -> float:
        """Nothing: it is decided on last."""
        return 0.0

    @property
    def is_helped(self) -> bool:
        """Nobody knows, so no."""
        return False


def worked_out(snapshot: StorySnapshot) -> StorySnapshot:
    """The snapshot, judged. Where its related stories make that impossible it stands alone, where it is impossible it
    has no weight: whoever decides on it meets the defect, and nobody else does.
    """
    for one in (snapshot, replace(snapshot, related={}, nearby=())):
        try:
            _ = one.judgement
        except Exception:  # noqa: BLE001, S112
            continue
        return one
    return UnjudgedSnapshot(snapshot.story_id, snapshot.items, snapshot.at)


def in_order(snapshots: Iterable[StorySnapshot]) -> list[StorySnapshot]:
    """The order in which a poll's stories are decided on: of those that tell one event the weightiest speaks."""
    return sorted(snapshots, key=lambda snapshot: -snapshot.weight)
