"""Which stories may tell one event, though nothing was sure enough to merge them: what was marked when items came.

Enters: each item's `near` stories. Leaves: a story's related stories, called from either side; next room: alerts, where
they count as supporting sources and what was told of one is not told of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from notifier.stories.story import StoryItem

# A story has so many related stories at most, the newest; ordinary ones have a handful.
MOST_RELATED = 24
MOST_POINTING = 96


class RelatedItems:
    """The marks of the open items. State in memory, bounded by the window."""

    def __init__(self) -> None:
        self._marked: dict[int, tuple[int, ...]] = {}
        self._pointing: dict[int, dict[int, None]] = {}  # in the order in which they came

    def note(self, item_id: int, near: Iterable[int]) -> None:
        """This item was found to be near these stories. What is noted of an item first stays."""
        stories = tuple(near)
        if stories and item_id not in self._marked:
            self._marked[item_id] = stories
            for story_id in stories:
                self._pointing.setdefault(story_id, {})[item_id] = None

    def of(self, story_id: int, items: Iterable[StoryItem], story_of: Callable[[int], int | None]) -> tuple[int, ...]:
        """The stories that these items of the story point to, and those whose items point to it, in order.

        Of those that point to it the newest MOST_POINTING are asked: one that thousands name is related to the last.
        """
        pointed = {other for item in items for other in self._marked.get(item.id, ())}
        newest = islice(reversed(self._pointing.get(story_id, {})), MOST_POINTING)
        pointing = {story_of(item_id) for item_id in newest}
        return tuple(sorted(other for other in pointed | pointing if other is not None and other != story_id))

    def forget(self, is_open: Callable[[int], bool]) -> None:
        """Let go of what items that are not open any more were marked with."""
        for item_id in [i for i in self._marked if not is_open(i)]:
            self.drop(item_id)

    def drop(self, item_id: int) -> None:
        """Let go of one item's marks: it is gone, or an operator said where it belongs."""
        for story_id in self._marked.pop(item_id, ()):
            pointing = self._pointing[story_id]
            pointing.pop(item_id, None)
            if not pointing:
                del self._pointing[story_id]


def nearest(related: Iterable[int], is_related: Callable[[int], bool]) -> list[int]:
    """The newest MOST_RELATED of those that `is_related` lets stand, in order."""
    return sorted(islice(filter(is_related, sorted(related, reverse=True)), MOST_RELATED))


def nearby(story_id: int, related: Iterable[int], related_to: Callable[[int], Iterable[int]]) -> tuple[int, ...]:
    """A story's related stories, and those related to them, without itself: what was told of one of these may have told
    it.
    """
    near = tuple(related)
    return tuple(sorted({*near, *(other for one in near for other in related_to(one))} - {story_id}))
