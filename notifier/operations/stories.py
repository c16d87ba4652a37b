"""Stories: what operators say of them, on whichever surface; the decider carries it out within a second or so.

Enters: a story's or an item's number, and who asks. Leaves: nothing, or a ruling's number; or a refusal of `errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from notifier.alerts.story_store import Member, Ruling, StoryReport
from notifier.clock import Clock
from notifier.operations.actor import Actor
from notifier.operators.token import TokenScope
from notifier.stories.explain import Explanation
from notifier.stories.overrides import HOLD, NEVER
from notifier.stories.story import StoryItem
from notifier.text.fold import fold

Said = TypeVar("Said")


class EditorialStories(Protocol):
    """Stories item by item, and what operators say of them (storage/story_reports.py, storage/rulings.py)."""

    def stories(self, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[StoryReport]: ...
    def story(self, story_id: int) -> StoryReport: ...
    def members(self, story_id: int) -> Sequence[Member]: ...
    def item(self, reference: str) -> StoryItem: ...
    def explain(self, one_id: int, other_id: int) -> Explanation: ...
    def choose(self, story_id: int, choice: str, by: str, now: datetime) -> None: ...
    def unchoose(self, story_id: int) -> None: ...
    def split(self, item_id: int, by: str, now: datetime) -> int: ...
    def merge(self, story_id: int, other_id: int, by: str, now: datetime) -> int: ...
    def undo(self, act: int, by: str, now: datetime) -> None: ...
    def rulings(self, limit: int) -> Sequence[Ruling]: ...
    def pulse(self) -> str: ...


@dataclass(frozen=True, slots=True)
class StoryOperations:
    """Each verb on stories, once. `changed` lets the decider look at once; `wall` tells the real time.

    Each raises NotFound, ScopeMissing or RoleTooLow.
    """

    book: EditorialStories
    wall: Clock
    changed: Callable[[], None]

    def explain(self, one: str, other: str) -> Explanation:
        """Why two items (ids or addresses) are one story, or are not."""
        return self.book.explain(self.book.item(one).id, self.book.item(other).id)

    def never(self, actor: Actor, story_id: int) -> None:
        """Never alert this story, whatever comes."""
        self._say(actor, partial(self.book.choose, story_id, NEVER))

    def hold(self, actor: Actor, story_id: int) -> None:
        """Let its alerts wait for an editor."""
        self._say(actor, partial(self.book.choose, story_id, HOLD))

    def leave_to_the_rules(self, actor: Actor, story_id: int) -> None:
        """Take such a word back; nothing where nobody had said one."""
        self._say(actor, lambda _by, _now: self.book.unchoose(self.book.story(story_id).id))

    def split(self, actor: Actor, item: str) -> tuple[int, StoryItem]:
        """Take an item (its id or address) out of its story, for good: the ruling's number, and the item as it was.

        Raises Conflict where it is alone.
        """
        actor.need(TokenScope.STORIES)
        meant = self.book.item(item)
        return self._say(actor, partial(self.book.split, meant.id)), meant

    def merge(self, actor: Actor, story_id: int, other_id: int) -> int:
        """Make two stories one, for good; returns the ruling's number. Raises Conflict where they are already."""
        return self._say(actor, partial(self.book.merge, story_id, other_id))

    def undo(self, actor: Actor, ruling: int) -> None:
        """As if a merge or a split had not been said. Raises Conflict where it was undone before."""
        self._say(actor, partial(self.book.undo, ruling))

    def _say(self, actor: Actor, say: Callable[[str, datetime], Said]) -> Said:
        """Keep it in the actor's name, and let the decider look."""
        actor.need(TokenScope.STORIES)
        said = say(actor.name, self.wall())
        self.changed()
        return said


def with_words(stories: Iterable[StoryReport], words: str) -> list[StoryReport]:
    """Those whose headline has all of these words."""
    wanted = fold(words).split()
    return [story for story in stories if all(word in fold(story.lead.title) for word in wanted)]
