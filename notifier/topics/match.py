"""Which topics a story touches: an index over all topics' needs, asked once a story.

Enters: `Topic`s and a `Text`. Leaves: `TopicMatch`es with the words that matched; next room: subscribers. A story is
compared only with the topics of which it meets a need; adding and removing a topic costs that topic alone, and so does
a rule that fails: its topic does not match, the others do, and `failing` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from notifier.errors import QueryError
from notifier.topics.evaluate import evaluate
from notifier.topics.failing import FailingRules
from notifier.topics.keys import Need, Stems, Where, needs
from notifier.topics.query import parse
from notifier.topics.reading import Text
from notifier.topics.topic import MatchedWord, Topic, TopicMatch, TopicMode
from notifier.topics.tree import Node

__all__ = ["Text", "TopicIndex"]

Evaluate = Callable[[Node, Text], tuple[MatchedWord, ...] | None]


@dataclass(frozen=True, slots=True)
class _Rule:
    """A topic's tree (None: every story) and where the index keeps it."""

    order: int
    slug: str
    tree: Node | None
    needs: frozenset[Need]


_order = attrgetter("order")


class TopicIndex:
    """All topics, ready to be asked. Not for several threads at once while topics change."""

    def __init__(
        self, topics: Iterable[Topic] = (), failing: FailingRules | None = None, evaluate: Evaluate = evaluate
    ) -> None:
        """`evaluate` asks one rule about one text. Raises QueryError if a topic's match cannot be read."""
        self._evaluate = evaluate
        self._failing = failing or FailingRules()
        self._rules: dict[str, _Rule] = {}
        self._words: Stems[dict[str, _Rule]] = Stems()
        self._others: dict[Need, dict[str, _Rule]] = {}
        self._beginning_lengths: dict[int, int] = {}
        self._added = 0
        for topic in topics:
            self.add(topic)
        self._failing.only(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def __contains__(self, slug: str) -> bool:
        return slug in self._rules

    def add(self, topic: Topic) -> None:
        """Add a topic, or put it in the place of the one with its slug. Raises QueryError, changing nothing."""
        tree = _tree(topic)
        previous = self._rules.get(topic.slug)
        self.remove(topic.slug)
        needed = frozenset(needs(tree) if tree is not None else (Need(Where.ALWAYS),))
        self._failing.over(topic.slug)
        self._added += 1
        rule = _Rule(previous.order if previous else self._added, topic.slug, tree, needed)
        self._rules[topic.slug] = rule
        for need in needed:
            self._shelf(need)[topic.slug] = rule

    replace = add

    def remove(self, slug: str) -> bool:
        """Take a topic out; False if there is none."""
        rule = self._rules.pop(slug, None)
        if rule is None:
            return False
        self._failing.over(slug)
        for need in rule.needs:
            shelf = self._shelf(need)
            del shelf[slug]
            if not shelf:
                self._drop_shelf(need)
        return True

    def match(self, text: Text) -> tuple[TopicMatch, ...]:
        """The topics that the story touches, in the order in which they were added. A rule that fails matches not."""
        matches = []
        failing = self._failing.slugs
        for rule in sorted(self._candidates(text).values(), key=_order):
            try:
                words = () if rule.tree is None else self._evaluate(rule.tree, text)
            except Exception as problem:  # noqa: BLE001 - whatever it is, it is this topic's: the others go on
                self._failing.note(rule.slug, problem)
                continue
            if failing and rule.slug in failing:
                self._failing.over(rule.slug)
            if words is not None:
                matches.append(TopicMatch(rule.slug, words))
        return tuple(matches)

    def _candidates(self, text: Text) -> dict[str, _Rule]:
        found: dict[str, _Rule] = {}
        for shelf in self._words.found(text.body):
            found.update(shelf)
        for need in self._met(text):
            found.update(self._others.get(need, {}))
        return found

    def _met(self, text: Text) -> Iterable[Need]:
        yield Need(Where.ALWAYS)
        for where in (Where.SOURCE, Where.SECTION):
            for form in text.label(where.value).forms:
                yield Need(where, form)
        for length in self._beginning_lengths:
            for beginning in {form[:length] for form in text.body.forms if len(form) >= length}:
                yield Need(Where.BEGINNINGS, beginning)

    def _shelf(self, need: Need) -> dict[str, _Rule]:
        if need.where is not Where.WORDS:
            if need not in self._others and need.where is Where.BEGINNINGS:
                self._beginning_lengths[len(need.key)] = self._beginning_lengths.get(len(need.key), 0) + 1
            return self._others.setdefault(need, {})
        shelf = self._words.get(need.key)
        if shelf is None:
            shelf = {}
            self._words.add(need.key, shelf)
        return shelf

    def _drop_shelf(self, need: Need) -> None:
        if need.where is Where.WORDS:
            self._words.remove(need.key)
            return
        del self._others[need]
        if need.where is Where.BEGINNINGS:
            self._beginning_lengths[len(need.key)] -= 1
            if not self._beginning_lengths[len(need.key)]:
                del self._beginning_lengths[len(need.key)]


def _tree(topic: Topic) -> Node | None:
    if topic.match.strip():
        return parse(topic.match).tree
    if topic.mode is TopicMode.BREAKING:
        return None
    raise QueryError(
        f"topic {topic.slug} has no match, so that it would take every story",
        fix="Write what to look for, or set mode: breaking",
        line=1,
        column=1,
    )
