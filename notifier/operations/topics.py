"""Topics: what operators do with them, on whichever surface; topics.yaml is the truth.

Enters: a topic as it is to be, and who asks. Leaves: `FileEdit`, `Tried`; or a refusal of `errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakKeyDictionary

from notifier.alerts.decide import AlertRules
from notifier.alerts.preview import Difference, Preview, compare, preview
from notifier.alerts.story_history import StoryHistory
from notifier.clock import Clock
from notifier.errors import ConfigError, EntryInvalid, FileBroken, NotFound
from notifier.operations.actor import Actor
from notifier.operations.files import FileEdit, Listed, OperatorsFile, RecordedFile, Verb
from notifier.operations.previews import Previews
from notifier.operators.token import TokenScope
from notifier.topics.query import parse
from notifier.topics.topic import SLUG, Fallback, Then, Topic, TopicMode, seconds_of
from notifier.topics.work import Work

KEPT = 8


class EditableTopicsFile(OperatorsFile, Protocol):
    """config/topics.yaml."""

    def topics(self) -> tuple[Topic, ...]:
        """The topics that the text says. Raises ConfigError."""

    def with_topic(self, text: str, topic: Topic) -> str:
        """The text with this topic in the place of the one with its slug, or at the end."""

    def without_topic(self, text: str, slug: str) -> str:
        """The text without this topic. Raises NotFound."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a topic would have sent since `since`, beside what the one in its place sent; None for a new one.

    `items` were looked at; the oldest was seen at `known_since`.
    """

    after: Preview
    before: Preview | None
    since: datetime
    items: int
    known_since: datetime | None

    @property
    def difference(self) -> Difference | None:
        """What changes by story."""
        return compare(self.before, self.after) if self.before else None


class RulePreviewer:
    """Tries rules on the last days: the service's own decisions over what it has recorded."""

    def __init__(self, record: Callable[[], StoryHistory], rules: AlertRules, clock: Clock, previews: Previews) -> None:
        self.previews = previews
        self._record, self._rules, self._clock = record, rules, clock
        self._kept: WeakKeyDictionary[StoryHistory, dict[object, Preview]] = WeakKeyDictionary()

    def attempt(
        self,
        actor: Actor,
        topic: Topic,
        before: Topic | None,
        days: int,
        is_gone: Callable[[], bool] = lambda: False,
        *,
        newest: bool = False,
    ) -> Tried:
        """Raises QueryError, EntryInvalid, TooMuchWork, or PreviewsBusy: an actor has one at a time.

        `newest`: it takes the place of the one that the actor has already, as while a rule is being typed.
        """
        actor.need(TokenScope.READ)
        check(topic)
        with self.previews.turn(actor.operator_id or 0, is_gone, newest=newest) as work:
            record = self._record()
            # To the end of the minute, so that what the topic sends now is asked once a minute, not at each keystroke.
            until = self._clock().replace(second=0, microsecond=0) + timedelta(minutes=1)
            since = until - timedelta(days=days)
            after = preview(topic, record, self._rules, since, until, work)
            earlier = self._as_it_is(before, record, since, until, work) if before else None
        known_since = record.items[0].seen_at if record.items else None
        return Tried(after, earlier, since, len(record.items), known_since)

    def _as_it_is(self, topic: Topic, record: StoryHistory, since: datetime, until: datetime, work: Work) -> Preview:
        """The preview of the topic that is being edited, kept for as long as it would be the same."""
        known = self._kept.setdefault(record, {})
        key = (topic, since, until, record.version)
        if key not in known:
            while len(known) >= KEPT:
                known.pop(next(iter(known)), None)
            known[key] = preview(topic, record, self._rules, since, until, work)
        return known[key]


@dataclass(frozen=True, slots=True)
class TopicOperations:
    """Each verb on topics, once. `in_force` are the topics that the decider decides by now."""

    file: EditableTopicsFile
    recorded: RecordedFile
    in_force: Callable[[], Sequence[Topic]]
    previewer: RulePreviewer

    def listed(self) -> Listed[Topic]:
        """All topics."""
        return self.recorded.listed(self.file.topics, self.in_force)

    def find(self, slug: str) -> Topic:
        """The topic of the file with this slug. Raises NotFound, or FileBroken."""
        found = self._known().get(slug)
        if found is None:
            raise NotFound(f"there is no topic {slug}")
        return found

    def plan(self, topic: Topic, *, new: bool = False) -> FileEdit:
        """What saving it would change in the file. Raises what `save` raises."""
        return self.recorded.plan(lambda text: self._with(text, topic, new=new))

    def save(self, actor: Actor, topic: Topic, started_from: str | None = None, *, new: bool = False) -> FileEdit:
        """Change a topic, or add one; `new` where it must not be there yet.

        Raises QueryError, EntryInvalid, FileBroken, Overtaken, ScopeMissing or RoleTooLow.
        """
        return self.recorded.write(actor, lambda text: self._with(text, topic, new=new), started_from)

    def remove(self, actor: Actor, slug: str, started_from: str | None = None) -> FileEdit:
        """Take a topic out of the file; its subscribers are kept for the day it comes back. Raises as `save`."""

        def without(text: str) -> tuple[Verb, str, str]:
            return Verb.REMOVED, self.find(slug).slug, self.file.without_topic(text, slug)

        return self.recorded.write(actor, without, started_from)

    def _with(self, text: str, topic: Topic, *, new: bool) -> tuple[Verb, str, str]:
        check(topic)
        there = topic.slug in self._known()
        if there and new:
            wrong = f"There is a topic named {topic.slug} already"
            raise EntryInvalid(wrong, "Choose another name, or edit that one")
        return Verb.CHANGED if there else Verb.ADDED, topic.slug, self.file.with_topic(text, topic)

    def _known(self) -> dict[str, Topic]:
        try:
            return {topic.slug: topic for topic in self.file.topics()}
        except ConfigError as broken:
            raise FileBroken(broken) from broken


def fallback(written: str, then: str) -> Fallback:
    """What becomes of a held alert after a time as it is written, for example 15m. Raises EntryInvalid."""
    for_s = seconds_of(written)
    if for_s is None:
        raise EntryInvalid(f"“{written}” is no time to wait", "Write one from 1m to 12h, for example 15m")
    return Fallback(for_s, Then(then))


def check(topic: Topic) -> None:
    """Raises QueryError where the rule cannot be read, or EntryInvalid."""
    if not SLUG.fullmatch(topic.slug):
        fix = "Use lower-case letters, digits and hyphens, for example middle-east"
        raise EntryInvalid(f"“{topic.slug}” cannot be an address name", fix)
    if not topic.title.strip():
        raise EntryInvalid("the topic has no title", "Write what people see beside the checkbox")
    if not topic.match.strip() and topic.mode is not TopicMode.BREAKING:
        raise EntryInvalid("a topic without a rule would take every story", "Write `match`, or set `mode` to breaking")
    if topic.held and topic.mode is not TopicMode.HELD:
        raise EntryInvalid("`held` goes with the mode held", "Set `mode` to held, or leave it out")
    if topic.match.strip():
        parse(topic.match)
