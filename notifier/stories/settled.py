"""Stories as they were grouped once: gives recorded items back the stories that they have.

Enters: `StoryItem`s with a `story_id`. Leaves: the same groupings, so that a desk can be asked again about the past
under other topics, without grouping anything anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from notifier.stories.cluster import Grouper, OpenStory
from notifier.stories.story import Grouping, StoryItem
from notifier.stories.window import Entry

FORGET_EVERY = timedelta(hours=1)


class SettledGrouper(Grouper):
    """A Grouper that takes an item's `story_id` at its word."""

    _forgot_at: datetime | None = None

    def place(self, items: Sequence[StoryItem]) -> list[Grouping]:
        """Put each item into its story; one that has none is left out."""
        return [self._put(item, item.story_id) for item in items if item.story_id is not None]

    def _put(self, item: StoryItem, story_id: int) -> Grouping:
        story = self._stories.setdefault(story_id, OpenStory(story_id))
        nothing: frozenset[str] = frozenset()
        story.entries[item.id] = Entry(item, story_id, nothing, nothing, 1.0, None, item.seen_at.timestamp())
        return Grouping(item.id, story_id, "kept")

    def forget(self, now: datetime) -> None:
        """Close the stories that nothing has been added to for a window; looked for once an hour of the record."""
        if self._forgot_at is not None and now - self._forgot_at < FORGET_EVERY:
            return
        self._forgot_at = now
        oldest = now - timedelta(seconds=self._window_s)
        for story_id in [s.id for s in self._stories.values() if s.updated_at < oldest]:
            del self._stories[story_id]
