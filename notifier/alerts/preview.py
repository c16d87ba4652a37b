"""What a topic would have sent: the service's own decisions, asked again about the days that were recorded.

Enters: a `Topic` and a `StoryHistory`: each poll as the stories were left by it, what operators had said, and when.
Leaves: the alerts that would have been decided for it, mode and daily budget included. Pure. The index of
`topics.corpus` finds the stories; nothing is decided here.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from notifier.alerts.alert import AlertKind, NewAlert
from notifier.alerts.case import PastAlert
from notifier.alerts.decide import AlertRules, Hold, Send
from notifier.alerts.decisions import Decisions
from notifier.alerts.story_history import StoryHistory
from notifier.stories.matches import TopicMatches
from notifier.stories.overrides import left_by
from notifier.stories.snapshot import StorySnapshot
from notifier.stories.stories import StoryChanges
from notifier.stories.story import StoryItem
from notifier.topics.in_force import text_of
from notifier.topics.match import TopicIndex
from notifier.topics.reading import Text
from notifier.topics.topic import MatchedWord, Topic, TopicMode
from notifier.topics.work import Work

# Steps that a decision takes, as reading a text takes one for each word.
_TO_DECIDE = 100


@dataclass(frozen=True, slots=True)
class WouldSend:
    """A first alert that the topic would have sent; `words` are places in its title and body, `others` elsewhere.

    `updates` counts the updates and corrections that would have followed it.
    """

    alert: NewAlert
    words: tuple[MatchedWord, ...]
    others: tuple[str, ...]
    updates: int = 0

    @property
    def held(self) -> bool:
        """Whether an editor would have been asked first."""
        return self.alert.hold_until is not None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a topic would have sent, newest first; `per_day` has every UTC day, those with none too."""

    alerts: tuple[WouldSend, ...]
    per_day: Mapping[date, int]

    @property
    def rate_a_day(self) -> float:
        """Alerts a day."""
        return len(self.alerts) / max(1, len(self.per_day))


@dataclass(frozen=True, slots=True)
class Difference:
    """What a changed topic would send that it did not, would send no longer, and would send as before."""

    gained: tuple[WouldSend, ...]
    lost: tuple[WouldSend, ...]
    kept: tuple[WouldSend, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """The topic touches this item; its words are read for what is sent only."""

    slug: str
    item: StoryItem
    words: tuple[MatchedWord, ...] = ()


class _KnownMatches:
    """The topic, of which it is known which items, and versions, its rule is true of. A TopicMatcher."""

    def __init__(self, topic: Topic, matching: Iterable[StoryItem]) -> None:
        self._topic = topic
        self._true = {(item.id, item.version) for item in matching}

    def match(self, item: StoryItem) -> Iterable[_Found]:
        return (_Found(self._topic.slug, item),) if (item.id, item.version) in self._true else ()

    def has_rule(self, _slug: str) -> bool:
        return bool(self._topic.match.strip())

    def __contains__(self, slug: str) -> bool:
        return slug == self._topic.slug


class _Story:
    """The items of a story that the topic may touch. Less than `Members`: nothing is judged by it. A Readable."""

    __slots__ = ("_by_url", "items")

    def __init__(self) -> None:
        self.items: dict[int, StoryItem] = {}
        self._by_url: dict[str, int] = {}

    @property
    def judged(self) -> Sequence[StoryItem]:
        return tuple(self.items.values())

    def put(self, item: StoryItem) -> None:
        self.items[item.id] = item
        self._by_url.setdefault(item.url, item.id)

    def at(self, url: str) -> StoryItem | None:
        return self.items.get(self._by_url.get(url, 0))


class _PreviewRun:
    """One topic before the service's decisions, poll by poll: only the stories that it may touch are looked at."""

    def __init__(self, topic: Topic, record: StoryHistory, rules: AlertRules, work: Work) -> None:
        matching = record.matching(topic, work)
        self._topic, self._record, self._work = topic, record, work
        self._index = TopicIndex([topic])
        self._stories = record.stories_of(matching)
        self._matches = TopicMatches(_KnownMatches(topic, matching))
        self._decisions = Decisions(rules)
        self._known: defaultdict[int, _Story] = defaultdict(_Story)
        self._to_come = deque(self._told_elsewhere())

    def run(self) -> Iterator[NewAlert]:
        """What would have been sent, or put before an editor, oldest first."""
        self._work.spend(len(self._record.polls))
        for at, change in self._record.polls:
            snapshots = [snapshot for snapshot in change.snapshots if snapshot.story_id in self._stories]
            if snapshots or change.moves or change.left:
                yield from self._poll(at, change, snapshots)

    def _told_elsewhere(self) -> Iterator[PastAlert]:
        """What was sent to other topics, and by hand, happens again at its time."""
        for alert in self._record.alerts:
            topics = alert.topics if alert.by_hand else alert.topics - {self._topic.slug}
            if self._topic.slug in topics or (topics and alert.story_id in self._stories):
                yield replace(alert, topics=topics)

    def _poll(self, at: datetime, change: StoryChanges, snapshots: Sequence[StorySnapshot]) -> Iterator[NewAlert]:
        """All that came is read before any of it is decided on."""
        while self._to_come and self._to_come[0].decided_at < at:
            self._decisions.remember(self._to_come.popleft())
        joined = change.joined(self._decisions.told)
        self._move(change)
        for item_id, left in change.left.items():
            if self._known[left].items.pop(item_id, None) is not None:
                self._matches.drop(left)
                self._matches.read(left, self._known[left])
        for story_id, items in change.brought.items():
            if story_id in self._stories:
                self._bring(story_id, items)
        for snapshot in snapshots:
            self._work.spend(_TO_DECIDE)
            alert = self._ask(snapshot, quiet=snapshot.story_id in joined)
            if alert is not None:
                yield alert

    def _move(self, change: StoryChanges) -> None:
        if change.homes is None:
            return
        for move in change.moves:
            item = self._known[left_by(move)].items.pop(move.item_id, None)
            if item is not None:
                self._known[move.story_id].put(item)
        changed = {story_id for move in change.moves for story_id in (move.story_id, left_by(move))}
        for story_id in changed & self._stories:
            self._matches.drop(story_id)
            self._matches.read(story_id, self._known[story_id])
        self._decisions.bring_home(change.homes)

    def _bring(self, story_id: int, items: Sequence[StoryItem]) -> None:
        story = self._known[story_id]
        self._matches.read(story_id, story)
        for item in items:
            story.put(item)
            self._matches.note(item, story_id)

    def _ask(self, snapshot: StorySnapshot, *, quiet: bool) -> NewAlert | None:
        story_id = snapshot.story_id
        if not self._matches.of(story_id):  # what is sent of it is for other topics
            return None
        if self._topic.mode is TopicMode.BREAKING and not self._decisions.is_open_to(snapshot):
            return None  # as nearly all do: not worth a case
        choice = self._record.choice(story_id, snapshot.at)
        topics = {self._topic.slug: self._topic}
        _, verdicts = self._decisions.judge(snapshot, topics, self._matches, self._item_at, choice, quiet=quiet)
        alerts = [verdict.alert for verdict in verdicts if isinstance(verdict, Send | Hold)]
        ours = next((alert for alert in alerts if self._topic.slug in alert.topics), alerts[-1] if alerts else None)
        return ours and self._explained(ours)

    def _item_at(self, story_id: int, url: str) -> StoryItem | None:
        return self._known[story_id].at(url)

    def _explained(self, alert: NewAlert) -> NewAlert:
        """With the words that made the rule true."""
        first = self._matches.of(alert.story_id)[self._topic.slug]
        item = first.item if isinstance(first, _Found) else None
        found = self._index.match(text_of(item)) if item is not None else ()
        words = {match.slug: [word.text for word in match.words] for match in found}
        return replace(alert, why=replace(alert.why, topics=words))


def preview(
    topic: Topic, record: StoryHistory, rules: AlertRules, since: datetime, until: datetime, work: Work | None = None
) -> Preview:
    """Ask the decider. Raises QueryError where the rule cannot be read, TooMuchWork where `work` is spent.

    It starts at the beginning of the record, so that a story that was alerted before `since` is not alerted anew.
    """
    decided = _PreviewRun(topic, record, rules, work or Work.endless()).run()
    within = [alert for alert in decided if since <= alert.decided_at < until and topic.slug in alert.topics]
    updates = Counter(alert.story_id for alert in within if alert.kind is not AlertKind.NEW)
    index = TopicIndex([topic])
    firsts = [alert for alert in within if alert.kind is AlertKind.NEW]
    told = tuple(_would_send(alert, topic, index, updates[alert.story_id]) for alert in reversed(firsts))
    counted = Counter(alert.decided_at.date() for alert in firsts)
    return Preview(told, {day: counted[day] for day in _days(since, until)})


def compare(before: Preview, after: Preview) -> Difference:
    """The difference of two previews of the same days, by story."""
    old = {would.alert.story_id for would in before.alerts}
    new = {would.alert.story_id for would in after.alerts}
    return Difference(
        gained=tuple(w for w in after.alerts if w.alert.story_id not in old),
        lost=tuple(w for w in before.alerts if w.alert.story_id not in new),
        kept=tuple(w for w in after.alerts if w.alert.story_id in old),
    )


def _would_send(alert: NewAlert, topic: Topic, index: TopicIndex, updates: int) -> WouldSend:
    """With the places of the rule's words in the alert's own text; another outlet's text may have had them."""
    message = alert.message
    found = index.match(Text(message.title, message.body, message.publisher)) if topic.match.strip() else ()
    words = tuple(w for match in found for w in match.words if w.field in ("title", "summary"))
    named = alert.why.topics
    seen = {word.text for word in words}
    return WouldSend(alert, words, tuple(dict.fromkeys(t for t in named.get(topic.slug, ()) if t not in seen)), updates)


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day = since.date()
    while day <= (until - timedelta(microseconds=1)).date():
        yield day
        day += timedelta(days=1)
