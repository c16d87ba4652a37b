"""Items in, stories out: which event each item tells, and how that is known.

Enters: `StoryItem`s in the order of arrival. Leaves: a `Grouping` for each, and the open stories in memory; next room:
topics. The layers run from certain to likely: an edit of a known item, the same page, the same headline. What is
older than the window is forgotten, so the cost of an item does not grow with the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from notifier.stories.identity import components, title_key
from notifier.stories.story import Grouping, Story, StoryItem

# Under three words a headline is a label ("Live", "Weather forecast"), not a statement.
LEAST_WORDS = 3


@dataclass(slots=True)
class OpenStory:
    """A story that can still grow: its members in the order in which they joined."""

    id: int
    items: dict[int, StoryItem] = field(default_factory=dict)

    @property
    def first_seen_at(self) -> datetime:
        """When its first item was seen."""
        return min(item.first_seen for item in self.items.values())

    @property
    def updated_at(self) -> datetime:
        """When its newest item, or version of one, was seen."""
        return max(item.seen_at for item in self.items.values())

    def snapshot(self, lead: StoryItem) -> Story:
        """The story as it stands, told in the words of `lead`."""
        publishers = tuple(dict.fromkeys(item.publisher for item in self.items.values()))
        return Story(self.id, lead, self.first_seen_at, self.updated_at, publishers, tuple(self.items))


def exact_keys(item: StoryItem) -> list[tuple[str, str]]:
    """What this item shares with another only if both are one: its page, and its headline where it says enough."""
    keys = [("url", item.canonical_url)] if item.canonical_url else []
    words = title_key(item.title)
    if words.count(" ") + 1 >= LEAST_WORDS or not words.isascii():
        keys.append(("headline", words))
    return keys


class Grouper:
    """The open stories, and the rules by which an item joins one. State in memory, no clock, no I/O."""

    def __init__(self, next_story_id: int = 1, window: timedelta = timedelta(hours=72)) -> None:
        self.next_story_id = next_story_id
        self._window = window
        self._stories: dict[int, OpenStory] = {}
        self._story_of: dict[int, int] = {}
        self._by_key: dict[tuple[str, str], int] = {}

    def story(self, story_id: int) -> OpenStory | None:
        """The open story of this id."""
        return self._stories.get(story_id)

    def adopt(self, item: StoryItem) -> None:
        """Take back an item that was grouped before (at start): its `story_id` stands."""
        if item.story_id is not None:
            self._join(item, item.story_id)

    def place(self, items: Sequence[StoryItem]) -> list[Grouping]:
        """Group one poll's items. Their order does not decide which exact duplicates are together."""
        return [g for same in components(items, [exact_keys(i) for i in items]) for g in self._place_same(same)]

    def _place_same(self, same: Sequence[StoryItem]) -> list[Grouping]:
        """Items that are one by page or headline: they join one story, except those that have theirs already."""
        found = next((hit for item in same for hit in self._known(item)), None)
        groupings = []
        for item in same:
            known = self._story_of.get(item.id, item.story_id)
            if known is not None:
                story_id, signal, evidence = known, "edit", {"version": item.version}
            elif found is not None:
                story_id, signal, evidence = found
            else:
                story_id, signal, evidence = self._open(), "new", {}
            self._join(item, story_id)
            if found is None:
                found = (story_id, *self._shared(same))
            groupings.append(Grouping(item.id, story_id, signal, evidence))
        return groupings

    def _known(self, item: StoryItem) -> list[tuple[int, str, dict[str, Any]]]:
        """The open story that has one of this item's keys."""
        hits = []
        for key in exact_keys(item):
            story_id = self._by_key.get(key)
            if story_id is not None:
                hits.append((story_id, key[0], {key[0]: key[1]}))
        return hits

    def _shared(self, same: Sequence[StoryItem]) -> tuple[str, dict[str, Any]]:
        """The key by which items of one poll are together."""
        seen: set[tuple[str, str]] = set()
        for item in same:
            for key in exact_keys(item):
                if key in seen:
                    return key[0], {key[0]: key[1]}
                seen.add(key)
        return "url", {}

    def _open(self) -> int:
        story_id = self.next_story_id
        self.next_story_id += 1
        return story_id

    def _join(self, item: StoryItem, story_id: int) -> None:
        self.next_story_id = max(self.next_story_id, story_id + 1)
        self._stories.setdefault(story_id, OpenStory(story_id)).items[item.id] = item
        self._story_of[item.id] = story_id
        for key in exact_keys(item):
            self._by_key.setdefault(key, story_id)

    def forget(self, now: datetime) -> None:
        """Close the stories that nothing has been added to for a window."""
        for story in [s for s in self._stories.values() if now - s.updated_at > self._window]:
            del self._stories[story.id]
            for item in story.items.values():
                self._story_of.pop(item.id, None)
                for key in exact_keys(item):
                    if self._by_key.get(key) == story.id:
                        del self._by_key[key]
