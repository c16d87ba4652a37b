"""The topics in force: exchanged in place, and asked which of them an item touches.

Enters: `Topic`s as they are now, and stored items. Leaves: `TopicMatch`es; what they say of a story is kept in
stories/matches. A topic that cannot be read stays as it was, and the others are exchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from notifier.errors import QueryError
from notifier.stories.story import DecisionFault, StoryItem
from notifier.topics.match import TopicIndex
from notifier.topics.reading import Text
from notifier.topics.topic import Topic, TopicMatch, TopicMode


class TopicsInForce:
    """The topics by slug, and their index."""

    def __init__(self, matcher: TopicIndex, topics: Sequence[Topic]) -> None:
        """`matcher` knows these topics already."""
        self._matcher = matcher
        self.by_slug: Mapping[str, Topic] = {topic.slug: topic for topic in topics}

    def __contains__(self, slug: str) -> bool:
        return slug in self.by_slug

    def has_rule(self, slug: str) -> bool:
        """Whether it has one; without, everything touches it."""
        return bool(self.by_slug[slug].match.strip())

    def match(self, item: StoryItem) -> list[TopicMatch]:
        """The topics that this item touches."""
        if not self.by_slug:  # nothing needs to be read
            return []
        return [match for match in self._matcher.match(text_of(item)) if match.slug in self.by_slug]

    def exchange(self, topics: Sequence[Topic], faults: list[DecisionFault]) -> set[str]:
        """From now on these topics are in force; returns those of which stories have to be asked anew.

        What cannot be read is told to `faults`.
        """
        wanted = {topic.slug: topic for topic in topics}
        for slug in self.by_slug.keys() - wanted.keys():
            self._matcher.remove(slug)
        changed = set()
        for slug, topic in list(wanted.items()):
            known = self.by_slug.get(slug)
            if known is not None and _rule(known) == _rule(topic):
                continue
            try:
                self._matcher.add(topic)
            except QueryError as unreadable:
                faults.append(DecisionFault.of("topic", slug, unreadable))
                wanted = {s: t for s, t in wanted.items() if s != slug} | ({slug: known} if known else {})
                continue
            changed.add(slug)
        self.by_slug = wanted
        return changed


def text_of(item: StoryItem) -> Text:
    """The item as rules read it."""
    return Text(item.title, item.summary, item.publisher, item.section, item.language)


def _rule(topic: Topic) -> tuple[str, bool]:
    """What decides which items a topic is true of."""
    return topic.match, not topic.match.strip() and topic.mode is TopicMode.BREAKING
