"""The news desk: items in, groupings and verdicts out, with all of its state in memory.

Enters: the items of a poll and `now`. Leaves: a `DeskResult` that the pipeline stores in one transaction. The live
service and a replay use this same class, so they cannot differ; `restore` rebuilds it after a restart. No I/O, no
clock. One desk runs at a time (the pipeline holds a lease): it allocates the story ids.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from notifier.alerts.alert import Alert, NewAlert
from notifier.alerts.decide import DAY, AlertRules, Case, Drop, Hold, PastAlert, Send, Support, Verdict, apart, decide
from notifier.alerts.held import held_by_operator
from notifier.alerts.moment import Moment, in_order
from notifier.alerts.word import HOLD, NEVER, OperatorsWord, home_of, trace
from notifier.stories.breaking import is_special
from notifier.stories.cluster import Grouper, OpenStory
from notifier.stories.habits import Habits, Marked
from notifier.stories.kin import Kinship, circle
from notifier.stories.rulings import Rulebook
from notifier.stories.settle import settle
from notifier.stories.story import Grouping, Story, StoryItem
from notifier.stories.wire_copy import publisher_key
from notifier.topics.text import Text
from notifier.topics.topic import Topic, TopicMatch

WINDOW = timedelta(hours=72)
SHIPPED_RULES = AlertRules()


class Matcher(Protocol):
    """Which topics an item touches (topics/match.TopicIndex)."""

    def match(self, text: Text) -> tuple[TopicMatch, ...]:
        """The topics whose rule is true of this text, with the words that made it so."""


@dataclass(frozen=True, slots=True)
class DeskResult:
    """What a poll's items led to: a grouping for each item, each story that changed, and a verdict for each story.

    `moves` are items that an operator's word put elsewhere, `emptied` the stories that it left without items: (story,
    the one that has them now).
    """

    groupings: tuple[Grouping, ...]
    stories: tuple[Story, ...]
    verdicts: tuple[Verdict, ...]
    moves: tuple[Grouping, ...] = ()
    emptied: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _LastDay:
    """What was told in the 24 hours before `at`: (story, alert), oldest first; and first alerts by topic."""

    at: datetime
    told: tuple[tuple[int, PastAlert], ...]
    spent: Mapping[str, int]


class Desk:
    """Groups items into stories and decides what is alerted. Call `restore` once, then `take` for every poll."""

    def __init__(
        self, matcher: Matcher, topics: Sequence[Topic], rules: AlertRules = SHIPPED_RULES, next_story_id: int = 1
    ) -> None:
        self._rules = rules
        self._grouper = Grouper(next_story_id, WINDOW)
        self._past: defaultdict[int, list[PastAlert]] = defaultdict(list)
        self._matches: defaultdict[int, dict[str, TopicMatch]] = defaultdict(dict)
        # By story and topic, the publishers whose items match: True for one of a trade's desk.
        self._tellers: defaultdict[int, dict[str, dict[str, bool]]] = defaultdict(dict)
        self._kinship = Kinship()
        self._habits = Habits()
        self._word = OperatorsWord()
        self._unsettled = False
        self._told: list[tuple[int, PastAlert]] = []  # the same, oldest first
        self._lately: _LastDay | None = None  # None: alerts came since
        self.use_topics(matcher, topics)

    def use_topics(self, matcher: Matcher, topics: Sequence[Topic]) -> None:
        """Decide by these topics from the next poll on (the configuration was reloaded)."""
        self._matcher = matcher
        self._topics = {topic.slug: topic for topic in topics}

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
        for alert in alerts:
            self._remember(PastAlert.of(alert))
            if alert.breaking:
                self._habits.note_breaking(alert.story_id, alert.decided_at)
        self._grouper.next_story_id = max(self._grouper.next_story_id, next_story_id)

    @property
    def word_version(self) -> str:
        """The version of the operator's word that is heeded."""
        return self._word.version

    def heed(self, word: OperatorsWord) -> None:
        """Decide by this word of the operators; the next `take` moves what it calls same or apart."""
        self._unsettled |= (word.pairs, word.trails) != (self._word.pairs, self._word.trails)
        self._word = word

    def take(self, items: Sequence[StoryItem], now: datetime) -> DeskResult:
        """Carry out what operators ruled, group the items of a poll, then decide on each story that changed."""
        self._forget(now)
        moves, emptied, quiet = self._settle()
        groupings = self._grouper.place(items)
        by_id = {item.id: item for item in items}
        for grouping in groupings:
            item = by_id[grouping.item_id]
            self._match(item, grouping.story_id)
            self._kinship.note(item.id, grouping.near or item.near)
            self._habits.note(item, grouping.story_id)
        stories: list[Story] = []
        verdicts: list[Verdict] = []
        touched = [story_id for move in moves for story_id in (move.story_id, _left(move))]
        changed = self._moments([*touched, *(g.story_id for g in groupings)], now)
        seen = {moment.story_id for moment in changed}
        near = self._moments([i for g in groupings for i in g.near if i not in seen], now)
        for moment in in_order([*changed, *(moment for moment in near if moment.judgement.helped)]):
            if moment.judgement.by_itself:
                self._habits.note_breaking(moment.story_id, now)
            told, decided = self._judge(moment, quiet=moment.story_id in quiet)
            stories += [told] * len(decided)
            verdicts += decided
        return DeskResult(tuple(groupings), tuple(stories), tuple(verdicts), moves, emptied)

    def never(self, story_id: int) -> None:
        """An operator's word: this story is not alerted, whatever comes."""
        self._word = replace(self._word, choices={**self._word.choices, story_id: NEVER})

    def _adopt(self, item: StoryItem) -> None:
        self._grouper.adopt(item)
        self._kinship.note(item.id, item.near)
        if item.story_id is not None:
            self._match(item, item.story_id)
            self._habits.note(item, item.story_id)

    def _moments(self, story_ids: Iterable[int], now: datetime) -> list[Moment]:
        found = (self._grouper.story(story_id) for story_id in dict.fromkeys(story_ids))
        return [self._moment(story, now) for story in found if story is not None]

    def _moment(self, story: OpenStory, now: datetime) -> Moment:
        kin = self._kin(story.id)
        items = {i: other.items for i in kin if (other := self._grouper.story(i)) is not None}
        return Moment(story.id, story.items, now, items, circle(story.id, kin, self._kin), self._habits.usual(now))

    def _kin(self, story_id: int) -> list[int]:
        """The open stories that may tell the same event, and were not called another."""
        grouper, story = self._grouper, self._grouper.story(story_id)
        kin = self._kinship.of(story_id, story.items, grouper.story_of) if story else ()
        return [i for i in kin if grouper.story(i) is not None and not grouper.apart(story_id, i)]

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
            self._matches.pop(story_id, None)
            self._tellers.pop(story_id, None)
            story = grouper.story(story_id)
            for item in story.items if story else ():
                self._match(item, story_id)
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
        self._told, self._lately = homes, None

    def _story_of(self, item_id: int) -> int:
        story_id = self._grouper.story_of(item_id)
        return 0 if story_id is None else story_id

    def _judge(self, moment: Moment, *, quiet: bool = False) -> tuple[Story, tuple[Verdict, ...]]:
        """The story and what becomes of it: one verdict for each alert, the one for most topics last."""
        past = self._past.get(moment.story_id, ())
        alerted = next((i for i in moment.items if past and i.url == past[-1].url), None)
        told = moment.told if alerted is None else replace(moment.told, lead=alerted)
        case = Case(
            story=told,
            items=moment.items,
            matches=self._matches[moment.story_id],
            judgement=moment.judgement,
            gated=moment.gated,
            past=tuple(past),
            spent=self._last_day(moment.at).spent,
            spokesman=moment.spokesman,
            support=self._support(moment),
            recent=self._recent(moment),
            kin_past=tuple(alert for story_id in moment.circle for alert in self._past.get(story_id, ())),
            silenced=self._word.choices.get(moment.story_id) == NEVER,
        )
        decided = decide(case, self._topics, self._rules, moment.at)
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

    def _remember(self, alert: PastAlert) -> None:
        self._past[alert.story_id].append(alert)
        self._told.append((alert.story_id, alert))
        self._lately = None

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
        shown = [alert for past in self._past.values() for alert in past if alert.story_id == first]
        is_ours = not shown or min(shown, key=lambda alert: alert.decided_at) in own
        return f"story-{first}" if is_ours else f"story-{first}-apart"

    def _match(self, item: StoryItem, story_id: int) -> None:
        found = self._matcher.match(Text(item.title, item.summary, item.publisher, item.section, item.language))
        for match in found:
            self._matches[story_id].setdefault(match.slug, match)
            self._note_teller(item, story_id, match.slug)

    def _note_teller(self, item: StoryItem, story_id: int, slug: str) -> None:
        """The item's own words touch the topic; one without a rule is touched by everything, which says nothing."""
        if self._topics[slug].match.strip():
            tellers = self._tellers[story_id].setdefault(slug, {})
            who = publisher_key(item.publisher)
            tellers[who] = tellers.get(who, False) or is_special(item)

    def _support(self, moment: Moment) -> dict[str, Support]:
        """By topic, whose items say that the story, or where those of its kin count one of these, is of it."""
        found: dict[str, Support] = {}
        helped = moment.judgement.helped
        for slug, own in self._tellers.get(moment.story_id, {}).items():
            tellers = dict(own)
            for story_id in moment.kin if helped else ():
                for who, special in self._tellers.get(story_id, {}).get(slug, {}).items():
                    tellers[who] = tellers.get(who, False) or special
            found[slug] = Support(len(tellers), special=any(tellers.values()))
        return found

    def _recent(self, moment: Moment) -> tuple[PastAlert, ...]:
        """The last day's alerts of other stories; none where nothing is to be alerted."""
        if not moment.judgement.breaking and moment.story_id not in self._past:
            return ()
        return tuple(alert for story_id, alert in self._last_day(moment.at).told if story_id != moment.story_id)

    def _last_day(self, now: datetime) -> _LastDay:
        if self._lately is None or self._lately.at != now:
            young = itertools.takewhile(lambda told: now - told[1].decided_at < DAY, reversed(self._told))
            told = tuple(reversed(tuple(young)))
            firsts = (alert for _, alert in told if alert.kind == "new")
            self._lately = _LastDay(now, told, Counter(slug for alert in firsts for slug in alert.topics))
        return self._lately

    def _forget(self, now: datetime) -> None:
        """Let go of what is older than the window."""
        self._grouper.forget(now)
        self._told = [told for told in self._told if now - told[1].decided_at < DAY]
        for story_id in [i for i, past in self._past.items() if now - past[-1].decided_at > WINDOW]:
            if self._grouper.story(story_id) is None:
                del self._past[story_id]
        for story_id in [i for i in self._matches if self._grouper.story(i) is None]:
            del self._matches[story_id]
            self._tellers.pop(story_id, None)
        self._kinship.forget(lambda item: self._grouper.story_of(item) is not None)


def _left(move: Grouping) -> int:
    """The story that a moved item was in."""
    return int(move.evidence["from_story"])
