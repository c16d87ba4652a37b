"""Which items each open story has, and which of them operators ruled on.

Enters: items that have their stories. Leaves: the open stories. `cluster` adds to it how an item finds its story; as it
is, it repeats what was recorded (previews). What is older than the window is forgotten. No clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from notifier.stories.open_story import OpenStory
from notifier.stories.rulings import Rulebook
from notifier.stories.story import LEFT, Grouping, StoryItem
from notifier.stories.window import WindowEntry

WINDOW = timedelta(hours=72)
FORGET_EVERY = timedelta(hours=1)


class OpenStories:
    """The open stories, by id and by item. State in memory."""

    def __init__(self, next_story_id: int = 1, window: timedelta = WINDOW) -> None:
        self.next_story_id = next_story_id
        self._window_s = window.total_seconds()
        self._stories: dict[int, OpenStory] = {}
        self._story_of: dict[int, int] = {}
        self._forgot_at: datetime | None = None
        self.rulebook = Rulebook()
        self._named: dict[int, set[int]] = {}
        self._untidy: set[int] = set()
        self._given: dict[int, int] = {}  # by item that was recorded, the story that it came to
        self.left: dict[int, int] = {}  # by item that was moved since the last `rule`, where it was then
        self._names_in: dict[int, set[int]] | None = None  # None: to be worked out

    def __len__(self) -> int:
        return len(self._story_of)

    def story(self, story_id: int) -> OpenStory | None:
        """The open story of this id."""
        return self._stories.get(story_id)

    def open_ids(self) -> set[int]:
        """The ids of all open stories."""
        return set(self._stories)

    def story_of(self, item_id: int) -> int | None:
        """The open story that has this item."""
        return self._story_of.get(item_id)

    def item(self, item_id: int) -> StoryItem:
        """An open item, in its newest version."""
        return self._stories[self._story_of[item_id]].members[item_id]

    def members(self, story_id: int) -> list[int]:
        """The ids of the items in an open story; none where it is not open."""
        return list(self._stories[story_id].members) if story_id in self._stories else []

    def rule(self, rulebook: Rulebook) -> None:
        """Apply these rulings from now on. What is open already is moved by `settle`."""
        self.rulebook, self._named, self._names_in, self.left = rulebook, {}, None, {}
        if rulebook:
            for story in self._stories.values():
                for item in story.items:
                    self._note_name(item)

    def named(self, name: int) -> list[int]:
        """The open items that an operator ruled on by this name: the item itself and its twins."""
        return sorted(item for item in self._named.get(name, ()) if item in self._story_of)

    def name_of(self, item_id: int) -> int | None:
        """The name by which this open item was ruled on."""
        return self.rulebook.name(self.item(item_id))

    def apart(self, story_id: int, other_id: int) -> bool:
        """Whether an operator called an item of the one another story than an item of the other."""
        if not self.rulebook:
            return False
        names = self._names()
        if story_id not in names or other_id not in names:
            return False
        return self.rulebook.contradicts(names[story_id], names[other_id])

    def adopt(self, item: StoryItem) -> None:
        """Take in again an item that was grouped before (at start): its `story_id` stands."""
        if item.story_id is not None:
            self._put(item, item.story_id)

    def place(self, items: Sequence[StoryItem]) -> list[Grouping]:
        """Put items that have their stories where they belong; what none has taken is left out."""
        groupings = [grouping for item in items if (grouping := self._recorded(item)) is not None]
        self.tidy()
        return groupings

    def _leave(self, item_id: int) -> None:
        """Out of its story, which is gone if it has nothing else."""
        left = self._stories[self._story_of[item_id]]
        left.drop(item_id)
        if not len(left.members):
            del self._stories[left.id]

    def _recorded(self, item: StoryItem) -> Grouping | None:
        known, given = self._story_of.get(item.id), item.story_id
        if given is None:
            return None
        moved_on = known is not None and given not in (known, self._given.get(item.id))
        self._given[item.id] = given
        if moved_on:  # by an edit
            self._leave(item.id)
            self._put(item, given)
            return Grouping(item.id, given, "event", {LEFT: known})
        story_id = given if known is None else known  # rulings may have moved it since
        self._put(item, story_id)
        if known is not None or item.version > 1:
            return Grouping(item.id, story_id, "edit", {"version": item.version})
        return Grouping(item.id, story_id, "new", {"near": item.near})

    def move(self, item_id: int, story_id: int | None) -> int:
        """Put an open item into another story; None: into one of its own. Returns the story's id."""
        to = self.next_story_id if story_id is None else story_id
        left = self._stories[self._story_of[item_id]]
        if left.id != to:
            item, entry = left.members[item_id], left.entries.get(item_id)
            self.left.setdefault(item_id, left.id)
            self._leave(item_id)
            self._put(item, to, entry)
        return to

    def tidy(self) -> None:
        """Call it when all is moved: the members as they came, and as a restart reads them."""
        for story_id in self._untidy:
            if story_id in self._stories:
                self._stories[story_id].tidy()
        self._untidy.clear()

    def forget(self, now: datetime) -> bool:
        """Close the stories that nothing has been added to for a window; looked for once an hour, else False."""
        if self._forgot_at is not None and now - self._forgot_at < FORGET_EVERY:
            return False
        self._forgot_at = now
        oldest = now - timedelta(seconds=self._window_s)
        for story in [story for story in self._stories.values() if story.members.updated_at < oldest]:
            del self._stories[story.id]
            self._names_in = None
            self._drop(story.members)
        return True

    def _put(self, item: StoryItem, story_id: int, entry: WindowEntry | None = None) -> None:
        self.next_story_id = max(self.next_story_id, story_id + 1)
        story = self._stories.get(story_id)
        if story is None:
            story = self._stories[story_id] = OpenStory(story_id)
        story.put(item, entry)
        if story.late is not None:
            self._untidy.add(story_id)
        self._story_of[item.id] = story_id
        if self.rulebook:
            self._note_name(item)

    def _drop(self, item_ids: Iterable[int]) -> None:
        for item_id in item_ids:
            del self._story_of[item_id]
            self._given.pop(item_id, None)

    def _note_name(self, item: StoryItem) -> None:
        name = self.rulebook.name(item)
        if name is not None:
            self._named.setdefault(name, set()).add(item.id)
            self._names_in = None

    def _names(self) -> Mapping[int, set[int]]:
        """By story the names in it that were ruled on: a few, however large it is."""
        if self._names_in is None:
            self._names_in = {}
            for name in self._named:
                for item_id in self.named(name):
                    self._names_in.setdefault(self._story_of[item_id], set()).add(name)
        return self._names_in
