"""The decider: items in, groupings and verdicts out, with all of its state in memory.

Enters: the items of a poll and `now`. Leaves: a `DecisionResult` that the pipeline stores in one transaction. The live
service and a replay use this same class, so they cannot differ; `restore` rebuilds it after a restart. No I/O, no
clock. One decider runs at a time (the pipeline holds a lease): it allocates the story ids.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifier.alerts.alert import Alert, NewAlert
from notifier.alerts.decide import (
    AlertRules,
    Case,
    Drop,
    Hold,
    PastAlert,
    Send,
    Support,
    Verdict,
    apart,
    decide,
    nothing_told,
)
from notifier.alerts.on_hold import hold_by_operator
from notifier.alerts.overrides import HOLD, NEVER, Overrides, home_of, trace
from notifier.alerts.recent_alerts import RecentAlerts
from notifier.alerts.snapshot import StorySnapshot, in_order, worked_out
from notifier.alerts.story_topics import DecisionFault, StoryTopics, TopicMatcher
from notifier.stories.apply_rulings import apply_rulings
from notifier.stories.baseline import Baseline, LabelledItem, by_itself
from notifier.stories.cluster import ASIDE, Grouper
from notifier.stories.open_story import OpenStory
from notifier.stories.related import RelatedItems, nearby, nearest
from notifier.stories.rulings import Rulebook
from notifier.stories.story import Grouping, Story, StoryItem, story_from
from notifier.topics.topic import Topic

WINDOW = timedelta(hours=72)
SHIPPED_RULES = AlertRules()
UNDECIDABLE = "undecidable"
# So much of a headline is read; feeds bring no longer ones.
MOST_TITLE_CHARS = 2_000
MOST_SUMMARY_CHARS = 8_000


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """What a poll's items led to: a grouping for each item, each story that changed, and a verdict for each story.

    `moves` are items that an operator's override put elsewhere, `emptied` the stories that it left without items:
    (story, the one that has them now). `faults` are what could not be worked out and was set aside, so that the rest
    goes on.
    """

    groupings: tuple[Grouping, ...]
    stories: tuple[Story, ...]
    verdicts: tuple[Verdict, ...]
    moves: tuple[Grouping, ...] = ()
    emptied: tuple[tuple[int, int], ...] = ()
    faults: tuple[DecisionFault, ...] = ()


class Decider:
    """Groups items into stories and decides what is alerted. Call `restore` once, then `take` for every poll."""

    def __init__(
        self, matcher: TopicMatcher, topics: Sequence[Topic], rules: AlertRules = SHIPPED_RULES, next_story_id: int = 1
    ) -> None:
        self._rules = rules
        self._grouper = Grouper(next_story_id, WINDOW)
        self._past: defaultdict[int, list[PastAlert]] = defaultdict(list)
        self._shown: dict[int, PastAlert] = {}  # by the story of which it was decided, the first alert
        self._story_topics = StoryTopics(matcher, topics)
        self._unread: list[int] = []  # stories whose topics are worked out between polls
        self._related_items = RelatedItems()
        self._baseline = Baseline()
        self._overrides = Overrides()
        self._unsettled = False
        self._recent_alerts = RecentAlerts()

    def use_topics(self, topics: Sequence[Topic]) -> None:
        """Decide by these topics from the next poll on (the configuration was reloaded).

        Nothing is forgotten and nothing is read at once: a story is asked about the topics that changed when it is
        looked at next, or by `catch_up`.
        """
        if self._story_topics.exchange(topics):
            self._unread = sorted(self._grouper.open_ids())

    def catch_up(self, most_items: int) -> bool:
        """Work out some of what `use_topics` and `restore` left for later; False where nothing is left."""
        while self._unread and most_items > 0:
            story = self._grouper.story(self._unread.pop())  # the newest first: most likely to change next
            if story is not None and not self._story_topics.is_current(story.id):
                self._story_topics.read(story)
                most_items -= len(story.judged)
        return bool(self._unread)

    def restore(
        self,
        items: Iterable[StoryItem],
        alerts: Iterable[Alert | NewAlert],
        *,
        marked: Iterable[LabelledItem] = (),
        next_story_id: int = 1,
    ) -> None:
        """Rebuild the last 72 hours: grouped items oldest first, alerts oldest first; and what was marked before."""
        self._baseline.recall(marked)
        for item in items:
            self._adopt(item)
        self.note_alerts(alerts)
        self._grouper.next_story_id = max(self._grouper.next_story_id, next_story_id)
        self._unread = sorted(self._grouper.open_ids())

    def note_alerts(self, alerts: Iterable[Alert | NewAlert]) -> None:
        """Alerts that were decided elsewhere, oldest first: before a restart, or by an operator's hand."""
        for alert in alerts:
            self._remember(PastAlert.of(alert))
            if alert.breaking and by_itself(alert.why):
                self._baseline.note_breaking(alert.story_id, alert.decided_at)
        if self._overrides.trails:  # one by hand may be about a story whose items an operator moved
            self._bring_home()

    @property
    def overrides(self) -> Overrides:
        """The overrides in force."""
        return self._overrides

    def apply_overrides(self, overrides: Overrides) -> None:
        """Decide by this word of the operators; the next `take` moves what it calls same or apart."""
        self._unsettled |= (overrides.pairs, overrides.trails) != (self._overrides.pairs, self._overrides.trails)
        self._overrides = overrides

    def take(self, items: Sequence[StoryItem], now: datetime) -> DecisionResult:
        """Carry out what operators ruled, group the items of a poll, then decide on each story that changed."""
        self._forget(now)
        items = [_cut(item) for item in items]
        moves, emptied, quiet = self._settle()
        known = [self._grouper.story_of(item.id) for item in items]
        self._read(story_id for story_id in known if story_id is not None)  # before an edit takes its words away
        groupings = self._grouper.place(items)
        aside = self._note(items, groupings, new={i.id for i, story in zip(items, known, strict=True) if story is None})
        touched = [story_id for move in moves for story_id in (move.story_id, _left(move))]
        stories: list[Story] = []
        verdicts: list[Verdict] = []
        for snapshot in self._to_decide(touched, groupings, now):
            told, decided = self._decided(snapshot, quiet=snapshot.story_id in quiet)
            stories += [told] * len(decided)
            verdicts += decided
        for told, verdict in aside:
            stories.append(told)
            verdicts.append(verdict)
        faults, self._story_topics.faults = tuple(self._story_topics.faults), []
        return DecisionResult(tuple(groupings), tuple(stories), tuple(verdicts), moves, emptied, faults)

    def _note(
        self, items: Sequence[StoryItem], groupings: Sequence[Grouping], new: set[int]
    ) -> list[tuple[Story, Verdict]]:
        """What a poll's items mean beyond their stories; returns the stories of those that were set aside."""
        by_id = {item.id: item for item in items}
        aside = []
        for grouping in groupings:
            item = by_id[grouping.item_id]
            if grouping.signal == ASIDE:
                aside.append((item, grouping))
                continue
            self._read((grouping.story_id,), but=new)
            self._story_topics.note(item, grouping.story_id)
            self._related_items.note(item.id, grouping.near or item.near)
            self._baseline.note(item, grouping.story_id)
        return [told for item, grouping in aside for told in self._set_aside(item, grouping)]

    def _set_aside(self, item: StoryItem, grouping: Grouping) -> list[tuple[Story, Verdict]]:
        error = str(grouping.evidence["error"])
        self._story_topics.faults.append(DecisionFault("item", str(item.id), error))
        if self._grouper.story(grouping.story_id) is not None:  # an edit: its story goes on without it
            return []
        return [set_aside(item, grouping.story_id, error)]

    def _to_decide(self, touched: Iterable[int], groupings: Sequence[Grouping], now: datetime) -> list[StorySnapshot]:
        """The stories that changed, and those near them that it helps; the weightiest of each event first."""
        changed = self._snapshots([*touched, *(g.story_id for g in groupings)], now)
        seen = {snapshot.story_id for snapshot in changed}
        near = self._snapshots([i for g in groupings for i in g.near if i not in seen], now)
        return in_order([*changed, *(snapshot for snapshot in near if snapshot.is_helped)])

    def _decided(self, snapshot: StorySnapshot, *, quiet: bool) -> tuple[Story, tuple[Verdict, ...]]:
        """The verdicts; a story on which none can be reached is set aside, and says why, until it changes again."""
        try:
            if snapshot.judgement.by_itself:
                self._baseline.note_breaking(snapshot.story_id, snapshot.at)
            return self._judge(snapshot, quiet=quiet)
        except Exception as defect:  # noqa: BLE001 - one story must not keep the others from being told
            fault = DecisionFault.of("story", snapshot.story_id, defect)
        self._story_topics.faults.append(fault)
        words = "The decider could not decide on this story, and went on with the others."
        ids = [item.id for item in snapshot.items]
        verdict = Drop(snapshot.story_id, UNDECIDABLE, words, {"error": fault.error, "items": ids})
        newest = snapshot.items[-1]
        return story_from([newest], snapshot.story_id, newest), (verdict,)

    def never(self, story_id: int) -> None:
        """An operator's override: this story is not alerted, whatever comes."""
        self._overrides = replace(self._overrides, choices={**self._overrides.choices, story_id: NEVER})

    def _adopt(self, item: StoryItem) -> None:
        item = _cut(item)
        try:
            self._grouper.adopt(item)
        except Exception as defect:  # noqa: BLE001 - one item must not keep the decider from its memory
            self._story_topics.faults.append(DecisionFault.of("item", item.id, defect))
            return
        self._related_items.note(item.id, item.near)
        if item.story_id is not None:
            if self._story_topics.is_current(item.story_id):
                self._story_topics.note(item, item.story_id)
            self._baseline.note(item, item.story_id)

    def _read(self, story_ids: Iterable[int], but: Collection[int] = ()) -> None:
        """Know the topics of these stories, as far as items other than these say."""
        for story_id in story_ids:
            story = self._grouper.story(story_id)
            if story is not None:
                self._story_topics.read(story, but)

    def _snapshots(self, story_ids: Iterable[int], now: datetime) -> list[StorySnapshot]:
        found = (self._grouper.story(story_id) for story_id in dict.fromkeys(story_ids))
        return [worked_out(self._snapshot(story, now)) for story in found if story is not None]

    def _snapshot(self, story: OpenStory, now: datetime) -> StorySnapshot:
        related = self._related(story.id)
        items = {i: other.members.as_related for i in related if (other := self._grouper.story(i)) is not None}
        return StorySnapshot(
            story.id, story.judged, now, items, nearby(story.id, related, self._related), self._baseline.usual(now)
        )

    def _related(self, story_id: int) -> list[int]:
        """The open stories that may tell the same event, and were not called another."""
        grouper, story = self._grouper, self._grouper.story(story_id)
        related = self._related_items.of(story_id, story.judged, grouper.story_of) if story else ()
        return nearest(related, lambda i: grouper.story(i) is not None and not grouper.apart(story_id, i))

    def _settle(self) -> tuple[tuple[Grouping, ...], tuple[tuple[int, int], ...], set[int]]:
        """The moves that rulings make, the stories left empty, and those of which nothing new is to be told."""
        if not self._unsettled:
            return (), (), set()
        self._unsettled = False
        grouper, overrides = self._grouper, self._overrides
        for item in overrides.items:
            if grouper.story_of(item.id) is None:
                self._adopt(item)
        told = {story_id for story_id, past in self._past.items() if past}
        grouper.rule(Rulebook(overrides.pairs))
        trails = apply_rulings(grouper, overrides.trails, lasting=lambda story: (story not in told, story))
        self._overrides = replace(overrides, trails={**overrides.trails, **trails})
        moves = tuple(trace(i, self._story_of(i), trail, overrides.pairs) for i, trail in sorted(trails.items()))
        for item_id in trails:
            self._related_items.drop(item_id)
        changed = {story_id for move in moves for story_id in (move.story_id, _left(move))}
        for story_id in changed:
            self._story_topics.drop(story_id)
        self._read(changed)
        self._bring_home()
        emptied = {_left(move): move.story_id for move in moves if grouper.story(_left(move)) is None}
        joined = {to for left, to in emptied.items() if left in told and to in told}
        return moves, tuple(emptied.items()), joined

    def _bring_home(self) -> None:
        """Each past alert to the story that it tells of, after items were moved."""
        grouper = self._grouper
        past = sorted(itertools.chain.from_iterable(self._past.values()), key=lambda alert: alert.decided_at)
        homes = home_of(
            past,
            self._overrides.trails,
            grouper.story_of,
            lambda item: grouper.item(item).url,
            lambda story: grouper.story(story) is not None,
        )
        self._past.clear()
        for story_id, alert in homes:
            self._past[story_id].append(alert)
        self._recent_alerts = RecentAlerts(homes)

    def _story_of(self, item_id: int) -> int:
        story_id = self._grouper.story_of(item_id)
        return 0 if story_id is None else story_id

    def _judge(self, snapshot: StorySnapshot, *, quiet: bool = False) -> tuple[Story, tuple[Verdict, ...]]:
        """The story and what becomes of it: one verdict for each alert, the one for most topics last."""
        past = self._past.get(snapshot.story_id, ())
        self._read((snapshot.story_id,))
        self._recent_alerts.forget(snapshot.at)
        alerted = self._alerted(snapshot, past[-1].url) if past else None
        told = snapshot.told if alerted is None else replace(snapshot.told, lead=alerted)
        case = Case(
            story=told,
            items=snapshot.items,
            matches=self._story_topics.matches(snapshot.story_id),
            judgement=snapshot.judgement,
            gated=snapshot.gated,
            past=tuple(past),
            spent=self._recent_alerts.spent,
            representative=snapshot.representative,
            support=self._support(snapshot),
            recent=self._recent(snapshot),
            related_past=tuple(alert for story_id in snapshot.nearby for alert in self._past.get(story_id, ())),
            silenced=self._overrides.choices.get(snapshot.story_id) == NEVER,
        )
        decided = decide(case, self._story_topics.topics, self._rules, snapshot.at)
        return told, tuple([self._finished(case, part, snapshot.at, quiet=quiet) for part in apart(decided)])

    def _finished(self, case: Case, verdict: Verdict, now: datetime, *, quiet: bool) -> Verdict:
        """As the operators' overrides make it, and remembered."""
        if isinstance(verdict, Send | Hold):
            verdict = self._as_ruled(verdict, now, quiet=quiet)
        if isinstance(verdict, Drop):
            touched = {
                slug: [overrides.text for overrides in match.words] for slug, match in sorted(case.matches.items())
            }
            if touched:
                verdict = replace(verdict, evidence={**verdict.evidence, "topics": touched})
        else:
            self._remember(PastAlert.of(verdict.alert))
        return verdict

    def _alerted(self, snapshot: StorySnapshot, url: str) -> StoryItem | None:
        """The item whose words were sent."""
        story = self._grouper.story(snapshot.story_id)
        return story.members.at(url) if story is not None else None

    def _remember(self, alert: PastAlert) -> None:
        self._past[alert.story_id].append(alert)
        self._note_shown(alert)
        self._recent_alerts.note(alert.story_id, alert)

    def _note_shown(self, alert: PastAlert) -> None:
        first = self._shown.get(alert.story_id)
        if first is None or alert.decided_at < first.decided_at:
            self._shown[alert.story_id] = alert

    def _as_ruled(self, verdict: Send | Hold, now: datetime, *, quiet: bool) -> Verdict:
        """What an operator's override makes of it: held for an editor, or left unsent where both parts were sent
        before.
        """
        alert = verdict.alert
        if quiet:
            words = "Both stories were alerted before they were merged: nobody is told twice."
            return Drop(alert.story_id, "merged", words, alert.why)
        if self._overrides.trails:
            alert = replace(alert, message=replace(alert.message, tag=self._tag(alert.story_id)))
        if self._overrides.choices.get(alert.story_id) == HOLD:
            return Hold(hold_by_operator(alert, now))
        return replace(verdict, alert=alert)

    def _tag(self, story_id: int) -> str:
        """What the story's notification is replaced by on a screen: the tag that it was shown with, nobody else's."""
        own = self._past.get(story_id, [])
        first = own[0].story_id if own else story_id
        is_ours = first not in self._shown or self._shown[first] in own
        return f"story-{first}" if is_ours else f"story-{first}-apart"

    def _support(self, snapshot: StorySnapshot) -> dict[str, Support]:
        """By topic, whose items say that the story, or where those of its related stories count one of these, is of
        it.
        """
        found: dict[str, Support] = {}
        helped = snapshot.judgement.helped
        self._read(snapshot.related if helped else ())
        for slug, own in self._story_topics.reporters(snapshot.story_id).items():
            reporters = dict(own)
            for story_id in snapshot.related if helped else ():
                for who, special in self._story_topics.reporters(story_id).get(slug, {}).items():
                    reporters[who] = reporters.get(who, False) or special
            found[slug] = Support(len(reporters), special=any(reporters.values()))
        return found

    def _recent(self, snapshot: StorySnapshot) -> Callable[[str], Sequence[PastAlert]]:
        """The last day's alerts of other stories; none where nothing is to be alerted."""
        if not snapshot.judgement.breaking and snapshot.story_id not in self._past:
            return nothing_told
        return self._recent_alerts.others(snapshot.story_id)

    def _forget(self, now: datetime) -> None:
        """Let go of what is older than the window; looked for as often as the grouper does."""
        self._recent_alerts.forget(now)
        if not self._grouper.forget(now):
            return
        left = self._grouper.open_ids()
        for story_id in [i for i, past in self._past.items() if now - past[-1].decided_at > WINDOW]:
            if story_id not in left:
                del self._past[story_id]
        self._shown.clear()
        for alert in itertools.chain.from_iterable(self._past.values()):
            self._note_shown(alert)
        self._story_topics.keep(left)
        self._related_items.forget(lambda item: self._grouper.story_of(item) is not None)


def set_aside(item: StoryItem, story_id: int, error: str) -> tuple[Story, Drop]:
    """A story of its own for an item that cannot be read, and the verdict that says so."""
    words = "The decider could not read this item, and went on with the others."
    drop = Drop(story_id, UNDECIDABLE, words, {"error": error, "items": [item.id]})
    return story_from([item], story_id, item), drop


def _cut(item: StoryItem) -> StoryItem:
    """The item with as much of its words as is read."""
    try:
        if len(item.title) <= MOST_TITLE_CHARS and len(item.summary) <= MOST_SUMMARY_CHARS:
            return item
    except TypeError:  # no text at all: it is set aside when its turn comes
        return item
    return replace(item, title=item.title[:MOST_TITLE_CHARS], summary=item.summary[:MOST_SUMMARY_CHARS])


def _left(move: Grouping) -> int:
    """The story that a moved item was in."""
    return int(move.evidence["from_story"])
