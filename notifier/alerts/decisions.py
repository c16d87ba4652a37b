"""What is decided on stories, with what was told before: the part of the decider that a preview asks once more.

Enters: a `StorySnapshot`, which topics touch its story, what an operator said of it. Leaves: verdicts (decide.py),
which are remembered. State in memory: the alerts of the open stories, and those of the last day by their words.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from notifier.alerts.alert import Alert, NewAlert
from notifier.alerts.case import Case, PastAlert, Support, nothing_told
from notifier.alerts.decide import AlertRules, Drop, Hold, Send, Verdict, apart, decide
from notifier.alerts.on_hold import hold_by_operator
from notifier.alerts.recent_alerts import RecentAlerts
from notifier.stories.matches import TopicMatches
from notifier.stories.open_stories import WINDOW
from notifier.stories.overrides import HOLD, NEVER, Homes
from notifier.stories.snapshot import StorySnapshot
from notifier.stories.story import Story, StoryItem
from notifier.topics.topic import Topic

NOBODY = Homes()


class Decisions:
    """What was told, and what becomes of a story by it."""

    def __init__(self, rules: AlertRules) -> None:
        self._rules = rules
        self._past: defaultdict[int, list[PastAlert]] = defaultdict(list)
        self._shown: dict[int, PastAlert] = {}  # by the story of which it was decided, the first alert
        self._recent_alerts = RecentAlerts()
        self._was_ruled = False

    @property
    def told(self) -> set[int]:
        """The stories of which something was told."""
        return {story_id for story_id, past in self._past.items() if past}

    def remember(self, alert: PastAlert) -> None:
        """It was decided: here, before a restart, by an operator's hand, or for another topic."""
        self._past[alert.story_id].append(alert)
        self._note_shown(alert)
        self._recent_alerts.note(alert.story_id, alert)

    def note(self, alerts: Iterable[Alert | NewAlert]) -> None:
        """Alerts that were decided elsewhere, oldest first."""
        for alert in alerts:
            self.remember(PastAlert.of(alert))

    def bring_home(self, homes: Homes, *, was_ruled: bool = True) -> None:
        """Each past alert to the story that it tells of, after items were moved."""
        self._was_ruled = was_ruled
        told = sorted(itertools.chain.from_iterable(self._past.values()), key=lambda alert: alert.decided_at)
        found = [(homes.home(alert.story_id, alert.url), alert) for alert in told]
        self._past.clear()
        for story_id, alert in found:
            self._past[story_id].append(alert)
        self._recent_alerts = RecentAlerts(found)

    def forget(self, now: datetime, open_ids: Collection[int]) -> None:
        """Let go of what is older than the window and of no open story."""
        for story_id in [i for i, past in self._past.items() if now - past[-1].decided_at > WINDOW]:
            if story_id not in open_ids:
                del self._past[story_id]
        self._shown.clear()
        for alert in itertools.chain.from_iterable(self._past.values()):
            self._note_shown(alert)

    def is_open_to(self, snapshot: StorySnapshot) -> bool:
        """Whether a story may be told: it is breaking, or was told before."""
        return snapshot.judgement.breaking or snapshot.story_id in self._past

    def judge(
        self,
        snapshot: StorySnapshot,
        topics: Mapping[str, Topic],
        matches: TopicMatches,
        item_at: Callable[[int, str], StoryItem | None],
        choice: str | None = None,
        *,
        quiet: bool = False,
    ) -> tuple[Story, tuple[Verdict, ...]]:
        """The story and what becomes of it: one verdict for each alert, the one for most topics last.

        `item_at` finds the item whose words were sent; `choice` is an operator's. `quiet`: of a merge of two that were
        both told, nothing is.
        """
        past = self._past.get(snapshot.story_id, ())
        self._recent_alerts.forget(snapshot.at)
        alerted = item_at(snapshot.story_id, past[-1].url) if past else None
        told = snapshot.told if alerted is None else replace(snapshot.told, lead=alerted)
        case = Case(
            story=told,
            items=snapshot.items,
            matches=matches.of(snapshot.story_id),
            judgement=snapshot.judgement,
            gated=snapshot.gated,
            past=tuple(past),
            spent=self._recent_alerts.spent,
            spent_alone=self._recent_alerts.spent_alone,
            representative=snapshot.representative,
            support=_support(snapshot, matches),
            recent=self._recent_alerts.others(snapshot.story_id) if self.is_open_to(snapshot) else nothing_told,
            related_past=tuple(alert for story_id in snapshot.nearby for alert in self._past.get(story_id, ())),
            silenced=choice == NEVER,
        )
        decided = apart(decide(case, topics, self._rules, snapshot.at))
        return told, tuple([self._finished(case, one, snapshot.at, choice, quiet=quiet) for one in decided])

    def _finished(self, case: Case, verdict: Verdict, now: datetime, choice: str | None, *, quiet: bool) -> Verdict:
        """As the operators' overrides make it, and remembered."""
        if isinstance(verdict, Send | Hold):
            verdict = self._as_ruled(verdict, now, choice, quiet=quiet)
        if isinstance(verdict, Drop):
            touched = {slug: [word.text for word in match.words] for slug, match in sorted(case.matches.items())}
            if touched:
                verdict = replace(verdict, evidence=replace(verdict.evidence, topics=touched))
        else:
            self.remember(PastAlert.of(verdict.alert))
        return verdict

    def _as_ruled(self, verdict: Send | Hold, now: datetime, choice: str | None, *, quiet: bool) -> Verdict:
        """As an override makes it: held for an editor, or left unsent where both parts were sent before."""
        alert = verdict.alert
        if quiet:
            words = "Both stories were alerted before they were merged: nobody is told twice."
            return Drop(alert.story_id, "merged", words, alert.why)
        if self._was_ruled:
            alert = replace(alert, message=replace(alert.message, tag=self._tag(alert.story_id)))
        if choice == HOLD:
            return Hold(hold_by_operator(alert, now))
        return replace(verdict, alert=alert)

    def _tag(self, story_id: int) -> str:
        """What the story's notification is replaced by on a screen: the tag that it was shown with, nobody else's."""
        own = self._past.get(story_id, [])
        first = own[0].story_id if own else story_id
        is_ours = first not in self._shown or self._shown[first] in own
        return f"story-{first}" if is_ours else f"story-{first}-apart"

    def _note_shown(self, alert: PastAlert) -> None:
        first = self._shown.get(alert.story_id)
        if first is None or alert.decided_at < first.decided_at:
            self._shown[alert.story_id] = alert


def _support(snapshot: StorySnapshot, matches: TopicMatches) -> dict[str, Support]:
    """By topic, whose items say that the story, or where those of its related stories count one of these, is of it."""
    found: dict[str, Support] = {}
    helpers: Sequence[int] = tuple(snapshot.related) if snapshot.judgement.helped else ()
    for slug, own in matches.reporters(snapshot.story_id).items():
        reporters = dict(own)
        for story_id in helpers:
            for who, special in matches.reporters(story_id).get(slug, {}).items():
                reporters[who] = reporters.get(who, False) or special
        found[slug] = Support(len(reporters), special=any(reporters.values()))
    return found
