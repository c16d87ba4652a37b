"""Which topics each open story touches, and whose items say so.

Enters: items with their stories, and the topics. Leaves: a story's matches and reporters. Worked out when a story is
looked at, or between polls (`catch_up`): a start, and a topic that changes, cost nothing until then, and what is found
is the same. A changed topic is asked about anew, the others are left alone. Of a huge story those items are read that
it is judged by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from notifier.errors import QueryError
from notifier.stories.agency_copy import publisher_key
from notifier.stories.breaking import is_special
from notifier.stories.open_story import OpenStory
from notifier.stories.story import StoryItem
from notifier.topics.reading import Text
from notifier.topics.topic import Topic, TopicMatch


class TopicMatcher(Protocol):
    """Which topics an item touches (topics/match.TopicIndex)."""

    def match(self, text: Text) -> tuple[TopicMatch, ...]:
        """The topics whose rule is true of this text, with the words that made it so."""

    def add(self, topic: Topic) -> None:
        """Add a topic, or put it in the place of the one with its slug. Raises QueryError, changing nothing."""

    def remove(self, slug: str) -> bool:
        """Take a topic out; False if there is none."""


@dataclass(frozen=True, slots=True)
class DecisionFault:
    """Something that could not be worked out, and was set aside so that the rest goes on.

    `part` is an item, a story, a ruling or a topic, `name` which one, `error` what was raised.
    """

    part: str
    name: str
    error: str

    @classmethod
    def of(cls, part: str, name: object, error: Exception) -> DecisionFault:
        """The fault as a person reads it."""
        return cls(part, str(name), f"{type(error).__name__}: {error}"[:200])


@dataclass(slots=True)
class _MatchesOfStory:
    """A story's topics as of the `asked`th change of the topics.

    `first` are the ids of the items whose words the matches are, by topic. `reporters` are the publishers whose items
    match, by topic: True for one of a trade's desk.
    """

    asked: int
    matches: dict[str, TopicMatch] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    reporters: dict[str, dict[str, bool]] = field(default_factory=dict)


class StoryTopics:
    """The topics in force, and what each open story has of them."""

    def __init__(self, matcher: TopicMatcher, topics: Sequence[Topic]) -> None:
        """`matcher` knows these topics already."""
        self._matcher = matcher
        self.topics: dict[str, Topic] = {topic.slug: topic for topic in topics}
        self.faults: list[DecisionFault] = []
        self._stories: dict[int, _MatchesOfStory] = {}
        self._changes = 0
        self._changed_in: dict[str, int] = {}

    def exchange(self, topics: Sequence[Topic]) -> bool:
        """From now on these topics are in force; returns whether stories have to be asked about any.

        One that cannot be read stays as it was, and the others are exchanged.
        """
        wanted = {topic.slug: topic for topic in topics}
        self._changes += 1
        for slug in self.topics.keys() - wanted.keys():
            self._matcher.remove(slug)
            self._changed_in.pop(slug, None)
        for slug, topic in list(wanted.items()):
            known = self.topics.get(slug)
            if known is not None and _rule(known) == _rule(topic):
                continue
            try:
                self._matcher.add(topic)
            except QueryError as unreadable:
                self.faults.append(DecisionFault.of("topic", slug, unreadable))
                wanted = {s: t for s, t in wanted.items() if s != slug} | ({slug: known} if known else {})
                continue
            self._changed_in[slug] = self._changes
        self.topics = wanted
        return self._changes in self._changed_in.values()

    def read(self, story: OpenStory, but: Collection[int] = ()) -> None:
        """Bring a story up to date, without these of its items."""
        touched = self._stories.get(story.id)
        if touched is None:
            touched = self._stories[story.id] = _MatchesOfStory(self._changes)
            asked: Collection[str] | None = None
        elif touched.asked == self._changes:
            return
        else:
            asked = {slug for slug, change in self._changed_in.items() if change > touched.asked}
            touched.asked = self._changes
            for known in (touched.matches, touched.first, touched.reporters):
                for slug in [slug for slug in known if slug in asked or slug not in self.topics]:
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

    def tell(self, story_id: int, match: TopicMatch, item: StoryItem) -> None:
        """This item touches this topic; of several items the words are those of the first that came."""
        touched = self._stories.setdefault(story_id, _MatchesOfStory(self._changes))
        self._tell(touched, match, item)

    def matches(self, story_id: int) -> Mapping[str, TopicMatch]:
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

    def _note(self, touched: _MatchesOfStory, item: StoryItem, asked: Collection[str] | None) -> None:
        for match in self._found(item):
            if match.slug in self.topics and (asked is None or match.slug in asked):
                self._tell(touched, match, item)

    def _found(self, item: StoryItem) -> Iterable[TopicMatch]:
        try:
            return self._matcher.match(Text(item.title, item.summary, item.publisher, item.section, item.language))
        except Exception as defect:  # noqa: BLE001 - an item that no rule can be asked about must not stop the others
            self.faults.append(DecisionFault.of("item", item.id, defect))
            return ()

    def _tell(self, touched: _MatchesOfStory, match: TopicMatch, item: StoryItem) -> None:
        # Of the first that came, not the first that was placed: a restart reads them as they came.
        if match.slug not in touched.first or item.id < touched.first[match.slug]:
            touched.matches[match.slug], touched.first[match.slug] = match, item.id
        # A topic without a rule is touched by everything, which says nothing.
        if self.topics[match.slug].match.strip():
            reporters = touched.reporters.setdefault(match.slug, {})
            who = publisher_key(item.publisher)
            reporters[who] = reporters.get(who, False) or is_special(item)


def _rule(topic: Topic) -> tuple[str, bool]:
    """What decides which items a topic is true of."""
    return topic.match, not topic.match.strip() and topic.mode.value == "breaking"
