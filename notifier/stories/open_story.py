"""A story that can still grow: its members as items, and as entries of the window.

Enters: items with their entries, as they join. Leaves: the story as the grouper compares with it, and as it is judged.
No clock, no I/O.
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
    """A story that can still grow: its members in the order in which they came.

    `entries` are empty where nothing is compared. `late` is the first of those that joined behind one that came after
    it; `tidy` ends that.
    """

    id: int
    entries: dict[int, WindowEntry] = field(default_factory=dict)
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

    def put(self, item: StoryItem, entry: WindowEntry | None = None) -> None:
        """Add a member, or a newer version of one."""
        if len(self.members) and item.id not in self.members and item.id < next(reversed(self.members)):
            self.late = item.id if self.late is None else min(self.late, item.id)
        self.members.put(item)
        if entry is not None:
            self.entries[item.id] = entry

    def drop(self, item_id: int) -> None:
        """Take a member out."""
        self.entries.pop(item_id, None)
        self.members.drop(item_id)

    def tidy(self) -> None:
        """The members as they came, and as a restart reads them, in whatever order they joined."""
        if self.late is None:
            return
        if self.entries:
            for item_id in out_of_order(self.entries, self.late):
                self.entries[item_id] = self.entries.pop(item_id)
        self.members.tidy(self.late)
        self.late = None
