"""Which topics each open story touches, and whose items say so.

Enters: items with their stories, and a matcher (topics/in_force). Leaves: a story's matches and reporters. Worked out
when a story is looked at, or between polls (`catch_up`): a start, and a topic that changes, cost nothing until then,
and what is found is the same. A changed topic is asked about anew, the others are left alone. Of a huge story those
items are read that it is judged by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from notifier.stories.agency_copy import publisher_key
from notifier.stories.breaking import is_special
from notifier.stories.story import DecisionFault, StoryItem


class Word(Protocol):
    """A word that made a rule true."""

    @property
    def text(self) -> str:
        """As it stands in the item."""


class Match(Protocol):
    """A topic that an item touches (topics/topic.TopicMatch)."""

    @property
    def slug(self) -> str:
        """Which topic."""

    @property
    def words(self) -> Sequence[Word]:
        """The words that made its rule true."""


class TopicMatcher(Protocol):
    """The topics in force (topics/in_force.py)."""

    def match(self, item: StoryItem) -> Iterable[Match]:
        """The topics whose rule is true of this item."""

    def has_rule(self, slug: str) -> bool:
        """Whether a topic has one; without, everything touches it."""

    def __contains__(self, slug: str) -> bool: ...


class Readable(Protocol):
    """A story whose items can be read (open_story.OpenStory)."""

    @property
    def judged(self) -> Sequence[StoryItem]:
        """The items that it is judged by."""


@dataclass(slots=True)
class _Touched:
    """A story's topics as of the `asked`th change of the topics.

    `first` are the ids of the items whose words the matches are, by topic. `reporters` are the publishers whose items
    match, by topic: True for one of a trade's desk.
    """

    asked: int
    matches: dict[str, Match] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    reporters: dict[str, dict[str, bool]] = field(default_factory=dict)


class TopicMatches:
    """What each open story has of the topics."""

    def __init__(self, matcher: TopicMatcher, faults: list[DecisionFault] | None = None) -> None:
        """Items that no rule can be asked about are told to `faults`."""
        self._matcher = matcher
        self._faults = [] if faults is None else faults
        self._stories: dict[int, _Touched] = {}
        self._changes = 0
        self._changed_in: dict[str, int] = {}

    def changed(self, slugs: Collection[str]) -> None:
        """The topics were exchanged, and the rules of these are others than before."""
        self._changes += 1
        self._changed_in = {slug: at for slug, at in self._changed_in.items() if slug in self._matcher}
        self._changed_in |= dict.fromkeys(slugs, self._changes)

    def read(self, story_id: int, story: Readable, but: Collection[int] = ()) -> None:
        """Bring a story up to date, without these of its items."""
        touched = self._stories.get(story_id)
        if touched is None:
            touched = self._stories[story_id] = _Touched(self._changes)
            asked: Collection[str] | None = None
        elif touched.asked == self._changes:
            return
        else:
            asked = {slug for slug, change in self._changed_in.items() if change > touched.asked}
            touched.asked = self._changes
            for known in (touched.matches, touched.first, touched.reporters):
                for slug in [slug for slug in known if slug in asked or slug not in self._matcher]:
                    del known[slug]
            if not asked:
                return
        for item in story.judged:  # all of an ordinary story: a huge one must not hold up the poll that touches it
            if item.id not in but:
                self._note(touched, item, asked)

    def is_current(self, story_id: int) -> bool:
        """Whether nothing has to be read for this story."""
        touched = self._stories.get(story_id)
        return touched is not None and touched.asked == self._changes

    def note(self, item: StoryItem, story_id: int) -> None:
        """An item, or a version of one, is in a story that was read."""
        self._note(self._stories[story_id], item, None)

    def of(self, story_id: int) -> Mapping[str, Match]:
        """The topics of a story that was read, by slug."""
        touched = self._stories.get(story_id)
        return touched.matches if touched is not None else {}

    def reporters(self, story_id: int) -> Mapping[str, Mapping[str, bool]]:
        """By topic, the publishers whose items in this story match."""
        touched = self._stories.get(story_id)
        return touched.reporters if touched is not None else {}

    def drop(self, story_id: int) -> None:
        """A story is gone, or other than it was."""
        self._stories.pop(story_id, None)

    def keep(self, story_ids: Collection[int]) -> None:
        """Let go of all other stories."""
        for story_id in [i for i in self._stories if i not in story_ids]:
            del self._stories[story_id]

    def _note(self, touched: _Touched, item: StoryItem, asked: Collection[str] | None) -> None:
        for match in self._found(item):
            if asked is None or match.slug in asked:
                self._tell(touched, match, item)

    def _found(self, item: StoryItem) -> Iterable[Match]:
        try:
            return self._matcher.match(item)
        except Exception as defect:  # noqa: BLE001 - an item that no rule can be asked about must not stop the others
            self._faults.append(DecisionFault.of("item", item.id, defect))
            return ()

    def _tell(self, touched: _Touched, match: Match, item: StoryItem) -> None:
        # Of the first that came, not the first that was placed: a restart reads them as they came.
        if match.slug not in touched.first or item.id < touched.first[match.slug]:
            touched.matches[match.slug], touched.first[match.slug] = match, item.id
        # A topic without a rule is touched by everything, which says nothing.
        if self._matcher.has_rule(match.slug):
            reporters = touched.reporters.setdefault(match.slug, {})
            who = publisher_key(item.publisher)
            reporters[who] = reporters.get(who, False) or is_special(item)
