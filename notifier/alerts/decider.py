"""The decider: items in, groupings and verdicts out, with all of its state in memory.

Enters: the items of a poll and `now`. Leaves: a `DecisionResult` that the pipeline stores in one transaction. The live
service and a replay use this same class, so they cannot differ; `restore` rebuilds it after a restart. The state is in
two parts, which a preview drives as well: `Stories` (who tells what) and `Decisions` (what was told). No I/O, no clock.
One decider runs at a time (the pipeline holds a lease): it allocates the story ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.alerts.alert import Alert, NewAlert
from notifier.alerts.decide import AlertRules, Drop, Verdict
from notifier.alerts.decisions import Decisions
from notifier.alerts.evidence import Evidence
from notifier.stories.baseline import LabelledItem
from notifier.stories.cluster import Grouper
from notifier.stories.overrides import Overrides
from notifier.stories.snapshot import StorySnapshot
from notifier.stories.stories import Stories
from notifier.stories.story import DecisionFault, Grouping, Story, StoryItem, story_from
from notifier.topics.in_force import TopicsInForce
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic

SHIPPED_RULES = AlertRules()
UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """What a poll's items led to: a grouping for each item, each story that changed, and a verdict for each story.

    `moves` are items that an operator's override put elsewhere, `emptied` the stories that this, or an edit, left
    without items: (story, the one that has them now). `faults` are what could not be worked out and was set aside, so
    that the rest goes on.
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
        self, matcher: TopicIndex, topics: Sequence[Topic], rules: AlertRules = SHIPPED_RULES, next_story_id: int = 1
    ) -> None:
        self._topics = TopicsInForce(matcher, topics)
        self._stories = Stories(Grouper(next_story_id), self._topics)
        self._decisions = Decisions(rules)

    def use_topics(self, topics: Sequence[Topic]) -> None:
        """Decide by these topics from the next poll on (the configuration was reloaded). Nothing is forgotten."""
        self._stories.topics_changed(self._topics.exchange(topics, self._stories.faults))

    def catch_up(self, most_items: int) -> bool:
        """Work out some of what `use_topics` and `restore` left for later; False where nothing is left."""
        return self._stories.catch_up(most_items)

    def restore(
        self,
        items: Iterable[StoryItem],
        alerts: Iterable[Alert | NewAlert],
        *,
        marked: Iterable[LabelledItem] = (),
        next_story_id: int = 1,
    ) -> None:
        """Rebuild the last 72 hours: grouped items oldest first, alerts oldest first; and what was marked before."""
        self._stories.restore(items, marked, next_story_id)
        self.note_alerts(alerts)

    def note_alerts(self, alerts: Iterable[Alert | NewAlert]) -> None:
        """Alerts that were decided elsewhere, oldest first: before a restart, or by an operator's hand."""
        for alert in alerts:
            self._decisions.note([alert])
            if alert.breaking and alert.why.by_itself:
                self._stories.note_breaking(alert.story_id, alert.decided_at)
        if self.overrides.trails:  # one by hand may be about a story whose items an operator moved
            self._decisions.bring_home(self._stories.homes())

    @property
    def overrides(self) -> Overrides:
        """The overrides in force."""
        return self._stories.overrides

    def apply_overrides(self, overrides: Overrides) -> None:
        """Decide by these overrides; the next `take` moves what it calls same or apart."""
        self._stories.apply_overrides(overrides)

    def take(self, items: Sequence[StoryItem], now: datetime) -> DecisionResult:
        """Carry out what operators ruled, group the items of a poll, then decide on each story that changed."""
        if self._stories.forget(now):
            self._decisions.forget(now, self._stories.open_ids())
        told = self._decisions.told
        change = self._stories.take(items, now, told)
        if change.homes is not None:
            self._decisions.bring_home(change.homes, was_ruled=bool(self.overrides.trails))
        decided: list[tuple[Story, Verdict]] = []
        for snapshot in change.snapshots:
            decided += self._decided(snapshot, quiet=snapshot.story_id in change.joined(told))
        for item, grouping in change.aside:
            decided.append(set_aside(item, grouping.story_id, str(grouping.evidence["error"])))
        faults = tuple(self._stories.faults)
        self._stories.faults.clear()
        stories, verdicts = tuple(story for story, _ in decided), tuple(verdict for _, verdict in decided)
        emptied = change.emptied + change.deserted
        return DecisionResult(change.groupings, stories, verdicts, change.moves, emptied, faults)

    def _decided(self, snapshot: StorySnapshot, *, quiet: bool) -> list[tuple[Story, Verdict]]:
        """The verdicts; a story on which none can be reached is set aside, and says why, until it changes again."""
        stories, story_id = self._stories, snapshot.story_id
        try:
            stories.read((story_id, *(snapshot.related if snapshot.judgement.helped else ())))
            choice = self.overrides.choices.get(story_id)
            told, verdicts = self._decisions.judge(
                snapshot, self._topics.by_slug, stories.matches, stories.item_at, choice, quiet=quiet
            )
            return [(told, verdict) for verdict in verdicts]
        except Exception as defect:  # noqa: BLE001 - one story must not keep the others from being told
            fault = DecisionFault.of("story", story_id, defect)
        stories.faults.append(fault)
        words = "The decider could not decide on this story, and went on with the others."
        ids = tuple(item.id for item in snapshot.items)
        verdict = Drop(story_id, UNDECIDABLE, words, Evidence(error=fault.error, items=ids))
        newest = snapshot.items[-1]
        return [(story_from([newest], story_id, newest), verdict)]


def set_aside(item: StoryItem, story_id: int, error: str) -> tuple[Story, Drop]:
    """A story of its own for an item that cannot be read, and the verdict that says so."""
    words = "The decider could not read this item, and went on with the others."
    drop = Drop(story_id, UNDECIDABLE, words, Evidence(error=error, items=(item.id,)))
    return story_from([item], story_id, item), drop
