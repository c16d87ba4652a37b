"""The news desk: items in, groupings and verdicts out, with all of its state in memory.

Enters: the items of a poll and `now`. Leaves: a `DeskResult` that the pipeline stores in one transaction. The live
service and a replay use this same class, so they cannot differ; `restore` rebuilds it after a restart. No I/O, no
clock. One desk runs at a time (the pipeline holds a lease): it allocates the story ids.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from notifier.alerts.alert import Alert, NewAlert
from notifier.alerts.decide import DAY, AlertRules, Case, Hold, PastAlert, Send, Verdict, decide
from notifier.stories.breaking import judge, spokesman
from notifier.stories.cluster import Grouper, OpenStory
from notifier.stories.gate import gate
from notifier.stories.story import Grouping, Story, StoryItem
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
    """What a poll's items led to: a grouping for each item, each story that changed, and a verdict for each story."""

    groupings: tuple[Grouping, ...]
    stories: tuple[Story, ...]
    verdicts: tuple[Verdict, ...]


class Desk:
    """Groups items into stories and decides what is alerted. Call `restore` once, then `take` for every poll."""

    def __init__(
        self, matcher: Matcher, topics: Sequence[Topic], rules: AlertRules = SHIPPED_RULES, next_story_id: int = 1
    ) -> None:
        self._rules = rules
        self._grouper = Grouper(next_story_id, WINDOW)
        self._past: defaultdict[int, list[PastAlert]] = defaultdict(list)
        self._matches: defaultdict[int, dict[str, TopicMatch]] = defaultdict(dict)
        self._never: set[int] = set()
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
        next_story_id: int = 1,
        never: Iterable[int] = (),
    ) -> None:
        """Rebuild the last 72 hours: grouped items oldest first, alerts oldest first, the stories silenced for good."""
        for item in items:
            self._grouper.adopt(item)
            if item.story_id is not None:
                self._match(item, item.story_id)
        for alert in alerts:
            self._past[alert.story_id].append(PastAlert.of(alert))
        self._never.update(never)
        self._grouper.next_story_id = max(self._grouper.next_story_id, next_story_id)

    def take(self, items: Sequence[StoryItem], now: datetime) -> DeskResult:
        """Group the items of a poll, then decide on each story that they changed."""
        self._forget(now)
        groupings = self._grouper.place(items)
        by_id = {item.id: item for item in items}
        for grouping in groupings:
            self._match(by_id[grouping.item_id], grouping.story_id)
        stories, verdicts = [], []
        for story_id in dict.fromkeys(g.story_id for g in groupings):
            story = self._grouper.story(story_id)
            if story is not None:
                told, verdict = self._judge(story, now)
                stories.append(told)
                verdicts.append(verdict)
        return DeskResult(tuple(groupings), tuple(stories), tuple(verdicts))

    def never(self, story_id: int) -> None:
        """An operator's word: this story is not alerted, whatever comes."""
        self._never.add(story_id)

    def _judge(self, story: OpenStory, now: datetime) -> tuple[Story, Verdict]:
        items = story.items
        lead = _lead(items, self._past.get(story.id, ()), now)
        told = story.snapshot(lead)
        case = Case(
            story=told,
            items=items,
            matches=self._matches[story.id],
            judgement=judge(items, now),
            gated=gate(lead),
            past=tuple(self._past.get(story.id, ())),
            spent=self._spent(now),
            silenced=story.id in self._never,
        )
        verdict = decide(case, self._topics, self._rules, now)
        if isinstance(verdict, Send | Hold):
            self._past[story.id].append(PastAlert.of(verdict.alert))
        return told, verdict

    def _match(self, item: StoryItem, story_id: int) -> None:
        found = self._matcher.match(Text(item.title, item.summary, item.publisher, item.section, item.language))
        for match in found:
            self._matches[story_id].setdefault(match.slug, match)

    def _spent(self, now: datetime) -> Mapping[str, int]:
        """First alerts of the last 24 hours, a topic."""
        return Counter(
            slug
            for past in self._past.values()
            for alert in past
            if alert.kind == "new" and now - alert.decided_at < DAY
            for slug in alert.topics
        )

    def _forget(self, now: datetime) -> None:
        """Let go of what is older than the window."""
        self._grouper.forget(now)
        for story_id in [i for i, past in self._past.items() if now - past[-1].decided_at > WINDOW]:
            if self._grouper.story(story_id) is None:
                del self._past[story_id]
        for story_id in [i for i in self._matches if self._grouper.story(i) is None]:
            del self._matches[story_id]


def _lead(items: Sequence[StoryItem], past: Sequence[PastAlert], now: datetime) -> StoryItem:
    """The item whose words are used: the one that was alerted, else the one that speaks for the story now."""
    alerted = next((i for i in items if past and i.url == past[-1].url), None)
    return alerted or spokesman(items, now)
