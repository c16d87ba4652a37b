"""The news desk: items in, groupings and verdicts out, with all of its state in memory.

Enters: the items of a poll and `now`. Leaves: a `DeskResult` that the pipeline stores in one transaction. The live
service and a replay use this same class, so they cannot differ; `restore` rebuilds it after a restart. No I/O, no
clock. One desk runs at a time (the pipeline holds a lease): it allocates the story ids.
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
from notifier.alerts.held import held_by_operator
from notifier.alerts.lately import Lately
from notifier.alerts.moment import Moment, in_order, worked_out
from notifier.alerts.touching import Fault, Matcher, Touching
from notifier.alerts.word import HOLD, NEVER, OperatorsWord, home_of, trace
from notifier.stories.cluster import ASIDE, Grouper
from notifier.stories.habits import Habits, Marked, by_itself
from notifier.stories.kin import Kinship, circle, nearest
from notifier.stories.open_story import OpenStory
from notifier.stories.rulings import Rulebook
from notifier.stories.settle import settle
from notifier.stories.story import Grouping, Story, StoryItem, told_by
from notifier.topics.topic import Topic

WINDOW = timedelta(hours=72)
SHIPPED_RULES = AlertRules()
UNDECIDABLE = "undecidable"
# So much of a headline is read; feeds bring no longer ones.
MOST_TITLE_CHARS = 2_000
MOST_SUMMARY_CHARS = 8_000


@dataclass(frozen=True, slots=True)
class DeskResult:
    """What a poll's items led to: a grouping for each item, each story that changed, and a verdict for each story.

    `moves` are items that an operator's word put elsewhere, `emptied` the stories that it left without items: (story,
    the one that has them now). `faults` are what could not be worked out and was set aside, so that the rest goes on.
    """

    groupings: tuple[Grouping, ...]
    stories: tuple[Story, ...]
    verdicts: tuple[Verdict, ...]
    moves: tuple[Grouping, ...] = ()
    emptied: tuple[tuple[int, int], ...] = ()
    faults: tuple[Fault, ...] = ()


class Desk:
    """Groups items into stories and decides what is alerted. Call `restore` once, then `take` for every poll."""

    def __init__(
        self, matcher: Matcher, topics: Sequence[Topic], rules: AlertRules = SHIPPED_RULES, next_story_id: int = 1
    ) -> None:
        self._rules = rules
        self._grouper = Grouper(next_story_id, WINDOW)
        self._past: defaultdict[int, list[PastAlert]] = defaultdict(list)
        self._shown: dict[int, PastAlert] = {}  # by the story of which it was decided, the first alert
        self._touching = Touching(matcher, topics)
        self._unread: list[int] = []  # stories whose topics are worked out between polls
        self._kinship = Kinship()
        self._habits = Habits()
        self._word = OperatorsWord()
        self._unsettled = False
        self._lately = Lately()

    def use_topics(self, topics: Sequence[Topic]) -> None:
        """Decide by these topics from the next poll on (the configuration was reloaded).

        Nothing is forgotten and nothing is read at once: a story is asked about the topics that changed when it is
        looked at next, or by `catch_up`.
        """
        if self._touching.exchange(topics):
            self._unread = sorted(self._grouper.open_ids())

    def catch_up(self, most_items: int) -> bool:
        """Work out some of what `use_topics` and `restore` left for later; False where nothing is left."""
        while self._unread and most_items > 0:
            story = self._grouper.story(self._unread.pop())  # the newest first: most likely to change next
            if story is not None and not self._touching.is_current(story.id):
                self._touching.read(story)
                most_items -= len(story.judged)
        return bool(self._unread)

    def restore(
        self,
        items: Iterable[StoryItem],
        alerts: Iterable[Alert | NewAlert],
        *,
        marked: Iterable[Marked] = (),
        next_story_id: int = 1,
    ) -> None:
        """Rebuild the last 72 hours: grouped items oldest first, alerts oldest first; and what was marked before."""
        self._habits.recall(marked)
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
                self._habits.note_breaking(alert.story_id, alert.decided_at)
        if self._word.trails:  # one by hand may be about a story whose items an operator moved
            self._bring_home()

    @property
    def word(self) -> OperatorsWord:
        """The operators' word that is heeded."""
        return self._word

    def heed(self, word: OperatorsWord) -> None:
        """Decide by this word of the operators; the next `take` moves what it calls same or apart."""
        self._unsettled |= (word.pairs, word.trails) != (self._word.pairs, self._word.trails)
        self._word = word

    def take(self, items: Sequence[StoryItem], now: datetime) -> DeskResult:
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
        for moment in self._to_decide(touched, groupings, now):
            told, decided = self._decided(moment, quiet=moment.story_id in quiet)
            stories += [told] * len(decided)
            verdicts += decided
        for told, verdict in aside:
            stories.append(told)
            verdicts.append(verdict)
        faults, self._touching.faults = tuple(self._touching.faults), []
        return DeskResult(tuple(groupings), tuple(stories), tuple(verdicts), moves, emptied, faults)

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
            self._touching.note(item, grouping.story_id)
            self._kinship.note(item.id, grouping.near or item.near)
            self._habits.note(item, grouping.story_id)
        return [told for item, grouping in aside for told in self._set_aside(item, grouping)]

    def _set_aside(self, item: StoryItem, grouping: Grouping) -> list[tuple[Story, Verdict]]:
        error = str(grouping.evidence["error"])
        self._touching.faults.append(Fault("item", str(item.id), error))
        if self._grouper.story(grouping.story_id) is not None:  # an edit: its story goes on without it
            return []
        return [set_aside(item, grouping.story_id, error)]

    def _to_decide(self, touched: Iterable[int], groupings: Sequence[Grouping], now: datetime) -> list[Moment]:
        """The stories that changed, and those near them that it helps; the weightiest of each event first."""
        changed = self._moments([*touched, *(g.story_id for g in groupings)], now)
        seen = {moment.story_id for moment in changed}
        near = self._moments([i for g in groupings for i in g.near if i not in seen], now)
        return in_order([*changed, *(moment for moment in near if moment.is_helped)])

    def _decided(self, moment: Moment, *, quiet: bool) -> tuple[Story, tuple[Verdict, ...]]:
        """The verdicts; a story on which none can be reached is set aside, and says why, until it changes again."""
        try:
            if moment.judgement.by_itself:
                self._habits.note_breaking(moment.story_id, moment.at)
            return self._judge(moment, quiet=quiet)
        except Exception as defect:  # noqa: BLE001 - one story must not keep the others from being told
            fault = Fault.of("story", moment.story_id, defect)
        self._touching.faults.append(fault)
        words = "The desk could not decide on this story, and went on with the others."
        ids = [item.id for item in moment.items]
        verdict = Drop(moment.story_id, UNDECIDABLE, words, {"error": fault.error, "items": ids})
        newest = moment.items[-1]
        return told_by([newest], moment.story_id, newest), (verdict,)

    def never(self, story_id: int) -> None:
        """An operator's word: this story is not alerted, whatever comes."""
        self._word = replace(self._word, choices={**self._word.choices, story_id: NEVER})

    def _adopt(self, item: StoryItem) -> None:
        item = _cut(item)
        try:
            self._grouper.adopt(item)
        except Exception as defect:  # noqa: BLE001 - one item must not keep the desk from its memory
            self._touching.faults.append(Fault.of("item", item.id, defect))
            return
        self._kinship.note(item.id, item.near)
        if item.story_id is not None:
            if self._touching.is_current(item.story_id):
                self._touching.note(item, item.story_id)
            self._habits.note(item, item.story_id)

    def _read(self, story_ids: Iterable[int], but: Collection[int] = ()) -> None:
        """Know the topics of these stories, as far as items other than these say."""
        for story_id in story_ids:
            story = self._grouper.story(story_id)
            if story is not None:
                self._touching.read(story, but)

    def _moments(self, story_ids: Iterable[int], now: datetime) -> list[Moment]:
        found = (self._grouper.story(story_id) for story_id in dict.fromkeys(story_ids))
        return [worked_out(self._moment(story, now)) for story in found if story is not None]

    def _moment(self, story: OpenStory, now: datetime) -> Moment:
        kin = self._kin(story.id)
        items = {i: other.members.kindred for i in kin if (other := self._grouper.story(i)) is not None}
        return Moment(story.id, story.judged, now, items, circle(story.id, kin, self._kin), self._habits.usual(now))

    def _kin(self, story_id: int) -> list[int]:
        """The open stories that may tell the same event, and were not called another."""
        grouper, story = self._grouper, self._grouper.story(story_id)
        kin = self._kinship.of(story_id, story.judged, grouper.story_of) if story else ()
        return nearest(kin, lambda i: grouper.story(i) is not None and not grouper.apart(story_id, i))

    def _settle(self) -> tuple[tuple[Grouping, ...], tuple[tuple[int, int], ...], set[int]]:
        """The moves that rulings make, the stories left empty, and those of which nothing new is to be told."""
        if not self._unsettled:
            return (), (), set()
        self._unsettled = False
        grouper, word = self._grouper, self._word
        for item in word.items:
            if grouper.story_of(item.id) is None:
                self._adopt(item)
        told = {story_id for story_id, past in self._past.items() if past}
        grouper.rule(Rulebook(word.pairs))
        trails = settle(grouper, word.trails, lasting=lambda story: (story not in told, story))
        self._word = replace(word, trails={**word.trails, **trails})
        moves = tuple(trace(i, self._story_of(i), trail, word.pairs) for i, trail in sorted(trails.items()))
        for item_id in trails:
            self._kinship.drop(item_id)
        changed = {story_id for move in moves for story_id in (move.story_id, _left(move))}
        for story_id in changed:
            self._touching.drop(story_id)
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
            self._word.trails,
            grouper.story_of,
            lambda item: grouper.item(item).url,
            lambda story: grouper.story(story) is not None,
        )
        self._past.clear()
        for story_id, alert in homes:
            self._past[story_id].append(alert)
        self._lately = Lately(homes)

    def _story_of(self, item_id: int) -> int:
        story_id = self._grouper.story_of(item_id)
        return 0 if story_id is None else story_id

    def _judge(self, moment: Moment, *, quiet: bool = False) -> tuple[Story, tuple[Verdict, ...]]:
        """The story and what becomes of it: one verdict for each alert, the one for most topics last."""
        past = self._past.get(moment.story_id, ())
        self._read((moment.story_id,))
        self._lately.forget(moment.at)
        alerted = self._alerted(moment, past[-1].url) if past else None
        told = moment.told if alerted is None else replace(moment.told, lead=alerted)
        case = Case(
            story=told,
            items=moment.items,
            matches=self._touching.matches(moment.story_id),
            judgement=moment.judgement,
            gated=moment.gated,
            past=tuple(past),
            spent=self._lately.spent,
            spokesman=moment.spokesman,
            support=self._support(moment),
            recent=self._recent(moment),
            kin_past=tuple(alert for story_id in moment.circle for alert in self._past.get(story_id, ())),
            silenced=self._word.choices.get(moment.story_id) == NEVER,
        )
        decided = decide(case, self._touching.topics, self._rules, moment.at)
        return told, tuple([self._finished(case, part, moment.at, quiet=quiet) for part in apart(decided)])

    def _finished(self, case: Case, verdict: Verdict, now: datetime, *, quiet: bool) -> Verdict:
        """As the operators' word makes it, and remembered."""
        if isinstance(verdict, Send | Hold):
            verdict = self._as_ruled(verdict, now, quiet=quiet)
        if isinstance(verdict, Drop):
            touched = {slug: [word.text for word in match.words] for slug, match in sorted(case.matches.items())}
            if touched:
                verdict = replace(verdict, evidence={**verdict.evidence, "topics": touched})
        else:
            self._remember(PastAlert.of(verdict.alert))
        return verdict

    def _alerted(self, moment: Moment, url: str) -> StoryItem | None:
        """The item whose words were sent."""
        story = self._grouper.story(moment.story_id)
        return story.members.at(url) if story is not None else None

    def _remember(self, alert: PastAlert) -> None:
        self._past[alert.story_id].append(alert)
        self._note_shown(alert)
        self._lately.note(alert.story_id, alert)

    def _note_shown(self, alert: PastAlert) -> None:
        first = self._shown.get(alert.story_id)
        if first is None or alert.decided_at < first.decided_at:
            self._shown[alert.story_id] = alert

    def _as_ruled(self, verdict: Send | Hold, now: datetime, *, quiet: bool) -> Verdict:
        """What an operator's word makes of it: held for an editor, or left unsent where both parts were sent before."""
        alert = verdict.alert
        if quiet:
            words = "Both stories were alerted before they were merged: nobody is told twice."
            return Drop(alert.story_id, "merged", words, alert.why)
        if self._word.trails:
            alert = replace(alert, message=replace(alert.message, tag=self._tag(alert.story_id)))
        if self._word.choices.get(alert.story_id) == HOLD:
            return Hold(held_by_operator(alert, now))
        return replace(verdict, alert=alert)

    def _tag(self, story_id: int) -> str:
        """What the story's notification is replaced by on a screen: the tag that it was shown with, nobody else's."""
        own = self._past.get(story_id, [])
        first = own[0].story_id if own else story_id
        is_ours = first not in self._shown or self._shown[first] in own
        return f"story-{first}" if is_ours else f"story-{first}-apart"

    def _support(self, moment: Moment) -> dict[str, Support]:
        """By topic, whose items say that the story, or where those of its kin count one of these, is of it."""
        found: dict[str, Support] = {}
        helped = moment.judgement.helped
        self._read(moment.kin if helped else ())
        for slug, own in self._touching.tellers(moment.story_id).items():
            tellers = dict(own)
            for story_id in moment.kin if helped else ():
                for who, special in self._touching.tellers(story_id).get(slug, {}).items():
                    tellers[who] = tellers.get(who, False) or special
            found[slug] = Support(len(tellers), special=any(tellers.values()))
        return found

    def _recent(self, moment: Moment) -> Callable[[str], Sequence[PastAlert]]:
        """The last day's alerts of other stories; none where nothing is to be alerted."""
        if not moment.judgement.breaking and moment.story_id not in self._past:
            return nothing_told
        return self._lately.others(moment.story_id)

    def _forget(self, now: datetime) -> None:
        """Let go of what is older than the window; looked for as often as the grouper does."""
        self._lately.forget(now)
        if not self._grouper.forget(now):
            return
        left = self._grouper.open_ids()
        for story_id in [i for i, past in self._past.items() if now - past[-1].decided_at > WINDOW]:
            if story_id not in left:
                del self._past[story_id]
        self._shown.clear()
        for alert in itertools.chain.from_iterable(self._past.values()):
            self._note_shown(alert)
        self._touching.keep(left)
        self._kinship.forget(lambda item: self._grouper.story_of(item) is not None)


def set_aside(item: StoryItem, story_id: int, error: str) -> tuple[Story, Drop]:
    """A story of its own for an item that cannot be read, and the verdict that says so."""
    words = "The desk could not read this item, and went on with the others."
    drop = Drop(story_id, UNDECIDABLE, words, {"error": error, "items": [item.id]})
    return told_by([item], story_id, item), drop


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
