"""A story that can still grow: its members as items, and as entries of the window.

Enters: entries, as they join. Leaves: the story as the grouper compares with it, and as it is judged. No clock, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from notifier.stories.members import Members, out_of_order
from notifier.stories.story import StoryItem
from notifier.stories.window import WindowEntry

# An item is compared with a story as a whole by this many members: its first ones and its newest.
FIRST, NEWEST = 3, 7


@dataclass(slots=True)
class OpenStory:
    """A story that can still grow: its members in the order in which they came, and how surely each joined.

    `scores` holds the score of those that joined by likeness; the others are certain. `late` is the first of those
    that joined behind one that came after it; `tidy` ends that.
    """

    id: int
    entries: dict[int, WindowEntry] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)
    members: Members = field(default_factory=Members)
    late: int | None = None

    @property
    def items(self) -> tuple[StoryItem, ...]:
        """The members, each in its newest version: all of them, however many."""
        return self.members.items

    @property
    def judged(self) -> tuple[StoryItem, ...]:
        """The members that the story is judged by."""
        return self.members.judged

    def spokesmen(self) -> list[WindowEntry]:
        """The members that stand for the whole when an item is compared with it."""
        if len(self.entries) <= FIRST + NEWEST:
            return list(self.entries.values())
        newest = list(islice(reversed(self.entries.values()), NEWEST))
        return [*islice(self.entries.values(), FIRST), *reversed(newest)]

    def put(self, entry: WindowEntry) -> None:
        """Add a member, or a newer version of one."""
        item_id = entry.item.id
        if self.entries and item_id not in self.entries and item_id < next(reversed(self.entries)):
            self.late = item_id if self.late is None else min(self.late, item_id)
        self.entries[item_id] = entry
        self.members.put(entry.item)

    def drop(self, item_id: int) -> None:
        """Take a member out."""
        del self.entries[item_id]
        self.scores.pop(item_id, None)
        self.members.drop(item_id)

    def tidy(self) -> None:
        """The members as they came, and as a restart reads them, in whatever order they joined."""
        if self.late is None:
            return
        for item_id in out_of_order(self.entries, self.late):
            self.entries[item_id] = self.entries.pop(item_id)
        self.members.tidy(self.late)
        self.late = None
