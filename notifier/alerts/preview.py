"""What a topic would have sent: the service's own decider, asked again about the days that were recorded.

Enters: a `Topic` and a `StoryHistory` of stored items with their stories. Leaves: the alerts that the decider would
have decided for it, mode and daily budget included. Pure. The index of `topics.corpus` finds the stories; nothing is
decided here.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from notifier.alerts.alert import Alert, AlertKind, NewAlert
from notifier.alerts.decide import AlertRules, Hold, PastAlert, Send
from notifier.alerts.decider import WINDOW, Decider
from notifier.alerts.snapshot import StorySnapshot, in_order, worked_out
from notifier.stories.baseline import Baseline
from notifier.stories.members import Members
from notifier.stories.related import RelatedItems, nearby, nearest
from notifier.stories.story import StoryItem
from notifier.topics.corpus import Corpus, CorpusItem
from notifier.topics.match import TopicIndex
from notifier.topics.query import parse
from notifier.topics.reading import Text
from notifier.topics.topic import MatchedWord, Topic, TopicMatch, TopicMode
from notifier.topics.work import Work

# Steps that a decision takes, as reading a text takes one for each word.
_TO_DECIDE = 100


@dataclass(frozen=True, slots=True)
class PastSnapshot:
    """What a poll did to a story: the story after it, and the versions that it brought."""

    snapshot: StorySnapshot
    brought: tuple[StoryItem, ...]


class StoryHistory:
    """Items, and versions of items, that have a story, in the order in which they were seen; and what was alerted.

    `alerts` matter because topics share stories: what one topic has put on screens decides in whose words the next
    topic's followers are told. Whatever no topic has a part in is kept once it was worked out: the second rule that is
    asked about costs a fraction of the first.
    """

    def __init__(self, items: Iterable[StoryItem] = (), alerts: Iterable[Alert | NewAlert] = ()) -> None:
        self.items: list[StoryItem] = []
        self.snapshots: list[PastSnapshot] = []
        self.alerts: list[PastAlert] = []
        self.corpus = Corpus()
        # By story, the story that changed last at the end: its items in their newest versions.
        self._open: dict[int, Members] = {}
        self._changed_at: dict[int, datetime] = {}
        self._story_of: dict[int, int] = {}
        self._related_items = RelatedItems()
        self._baseline = Baseline()
        self.add(items)
        self.tell(alerts)

    def tell(self, alerts: Iterable[Alert | NewAlert]) -> None:
        """Put newer alerts behind, as they were decided."""
        self.alerts += map(PastAlert.of, alerts)

    def add(self, items: Iterable[StoryItem]) -> None:
        """Put newer ones behind."""
        grouped = (item for item in items if item.story_id is not None)
        for at, poll in itertools.groupby(grouped, key=lambda item: item.seen_at):
            newest: dict[int, StoryItem] = {}
            for item in poll:
                self.items.append(item)
                self.corpus.add(CorpusItem.of(item))
                newest[item.id] = item
            self._close(at)
            self._move_on(newest.values(), at)
        self.corpus.read()

    def matching(self, topic: Topic, work: Work | None = None) -> Sequence[StoryItem]:
        """The items that the topic's rule is true of; all of them where it has none. Raises TooMuchWork."""
        if not topic.match.strip():
            return self.items
        true = {id(past) for past in self.corpus.matching(parse(topic.match).tree, work)}
        return [item for item, past in zip(self.items, self.corpus.items, strict=True) if id(past) in true]

    def _move_on(self, poll: Iterable[StoryItem], at: datetime) -> None:
        brought: dict[int, list[StoryItem]] = {}
        for item in poll:
            if item.story_id is not None:
                brought.setdefault(item.story_id, []).append(item)
        for story_id, items in brought.items():
            self._changed_at.pop(story_id, None)
            self._changed_at[story_id] = at
            story = self._open.setdefault(story_id, Members())
            for item in items:
                story.put(item)
                self._story_of[item.id] = story_id
                self._related_items.note(item.id, item.near)
                self._baseline.note(item, story_id)
        nearby = dict.fromkeys(i for items in brought.values() for item in items for i in self._new_near(item))
        near = [self._snapshot(i, at) for i in nearby if i in self._open and i not in brought]
        changed = [self._snapshot(story_id, at) for story_id in brought]
        for snapshot in in_order([*changed, *(snapshot for snapshot in near if snapshot.is_helped)]):
            self.snapshots.append(PastSnapshot(snapshot.work_out(), tuple(brought.get(snapshot.story_id, ()))))
            if snapshot.judgement.by_itself:
                self._baseline.note_breaking(snapshot.story_id, at)

    def _snapshot(self, story_id: int, at: datetime) -> StorySnapshot:
        related = self._related(story_id)
        items = {i: self._open[i].as_related for i in related}
        wide, usual = nearby(story_id, related, self._related), self._baseline.usual(at)
        return worked_out(StorySnapshot(story_id, self._open[story_id].judged, at, items, wide, usual))

    @staticmethod
    def _new_near(item: StoryItem) -> tuple[int, ...]:
        """What its grouping brought near; an edit is not grouped anew."""
        return item.near if item.version == 1 else ()

    def _related(self, story_id: int) -> list[int]:
        found = self._related_items.of(story_id, self._open[story_id].judged, self._story_of.get)
        return nearest(found, self._open.__contains__)

    def _close(self, now: datetime) -> None:
        """As the decider lets go of stories: an item that comes back after that stands alone."""
        old = itertools.takewhile(lambda changed: now - changed[1] > WINDOW, self._changed_at.items())
        for story_id, _ in list(old):
            for item_id in self._open.pop(story_id):
                self._story_of.pop(item_id, None)
                self._related_items.drop(item_id)
            del self._changed_at[story_id]


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


class _PreviewDecider(Decider):
    """The decider, asked again: of each moment it is known which items the rule is true of."""

    def __init__(
        self, topic: Topic, matching: Sequence[StoryItem], alerts: Iterable[PastAlert], rules: AlertRules
    ) -> None:
        """`alerts` are those that were sent, oldest first; those to other topics happen again at their time."""
        self._index = TopicIndex([topic])
        super().__init__(self._index, [topic], rules)
        to_others = (replace(alert, topics=alert.topics - {topic.slug}) for alert in alerts)
        self._to_come = deque(alert for alert in to_others if alert.topics)
        self._slug = topic.slug
        self._waits = topic.mode is TopicMode.BREAKING
        self._true = {(item.id, item.version) for item in matching}
        self._first_true: dict[int, StoryItem] = {}

    def ask_poll(self, poll: Iterable[PastSnapshot]) -> Iterator[NewAlert]:
        """What would have been sent after a poll, or put before an editor: all that came is read before it counts."""
        snapshots = list(poll)
        for past in snapshots:
            self._bring(past)
        for past in snapshots:
            alert = self._ask(past.snapshot)
            if alert is not None:
                yield alert

    def _bring(self, past: PastSnapshot) -> None:
        story_id = past.snapshot.story_id
        for item in past.brought:
            if (item.id, item.version) in self._true:
                self._story_topics.tell(story_id, TopicMatch(self._slug, ()), item)
                self._first_true.setdefault(story_id, item)

    def _ask(self, snapshot: StorySnapshot) -> NewAlert | None:
        while self._to_come and self._to_come[0].decided_at < snapshot.at:
            self._remember(self._to_come.popleft())
        if snapshot.story_id not in self._first_true:  # what is sent of it is for other topics
            return None
        if self._waits and not snapshot.judgement.breaking and snapshot.story_id not in self._past:
            return None  # as nearly all do: not worth a case
        _, verdicts = self._judge(snapshot)
        alerts = [verdict.alert for verdict in verdicts if isinstance(verdict, Send | Hold)]
        ours = next((alert for alert in alerts if self._slug in alert.topics), alerts[-1] if alerts else None)
        return ours and self._explained(ours)

    def _alerted(self, snapshot: StorySnapshot, url: str) -> StoryItem | None:
        return next((item for item in snapshot.items if item.url == url), None)

    def _explained(self, alert: NewAlert) -> NewAlert:
        """With the words that made the rule true, which are read for what is sent only."""
        item = self._first_true[alert.story_id]
        found = self._index.match(Text(item.title, item.summary, item.publisher, item.section, item.language))
        words = {match.slug: [word.text for word in match.words] for match in found}
        return replace(alert, why={**alert.why, "topics": words})


def preview(
    topic: Topic, record: StoryHistory, rules: AlertRules, since: datetime, until: datetime, work: Work | None = None
) -> Preview:
    """Ask the decider. Raises QueryError where the rule cannot be read, TooMuchWork where `work` is spent.

    The decider starts at the beginning of the record, so that a story that was alerted before `since` is not alerted
    anew.
    """
    work = work or Work.endless()
    matching = record.matching(topic, work)
    stories = {item.story_id for item in matching}
    earlier = [alert for alert in record.alerts if alert.story_id in stories]
    decider = _PreviewDecider(topic, matching, earlier, rules)
    work.spend(len(record.snapshots))
    touched = (past for past in record.snapshots if past.snapshot.story_id in stories)
    by_poll = itertools.groupby(touched, key=lambda past: past.snapshot.at)
    decided = (alert for _, poll in by_poll for alert in decider.ask_poll(_counted(poll, work)))
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
    named: Mapping[str, Sequence[str]] = alert.why.get("topics", {})
    seen = {word.text for word in words}
    return WouldSend(alert, words, tuple(dict.fromkeys(t for t in named.get(topic.slug, ()) if t not in seen)), updates)


def _counted(poll: Iterable[PastSnapshot], work: Work) -> Iterator[PastSnapshot]:
    for past in poll:
        work.spend(_TO_DECIDE)
        yield past


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day = since.date()
    while day <= (until - timedelta(microseconds=1)).date():
        yield day
        day += timedelta(days=1)
