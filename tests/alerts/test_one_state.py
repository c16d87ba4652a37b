"""A preview is what was decided: over whatever came, was ruled and was changed, and after restarts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.alerts.alert import AlertKind
from notifier.alerts.decide import AlertRules, Drop, Hold
from notifier.alerts.decider import Decider, DecisionResult
from notifier.alerts.preview import preview
from notifier.alerts.story_history import PastChoice, PastMove, PastOverrides, StoryHistory
from notifier.stories.overrides import HOLD, NEVER
from notifier.stories.story import StoryItem
from notifier.topics.topic import Topic, TopicMode
from tests.alerts.test_decider_in_place import RULES, TELLS, Harness, carried_out, poll_of
from tests.examples import examples
from tests.stories.items import NOON

# Others come and go beside these.
STEADY = (
    Topic("all", "All", "", "volcano OR dam OR bakery", daily_budget=5),
    Topic("urgent", "Urgent", "", "", TopicMode.BREAKING),
    Topic("asked", "Asked", "", "selvik OR lind", TopicMode.HELD),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("poll"), TELLS),
        st.tuples(st.just("choose"), st.integers(0, 5), st.sampled_from([NEVER, HOLD])),
        st.tuples(st.just("topics"), st.integers(0, len(RULES) - 1)),
        st.tuples(st.just("by hand"), st.integers(0, 5), st.integers(0, 5)),
        st.tuples(st.just("split"), st.integers(0, 5)),
        st.tuples(st.just("merge"), st.integers(0, 5), st.integers(0, 5)),
        st.tuples(st.just("restart")),
    ),
    min_size=3,
    max_size=14,
)


@dataclass
class Recorded(Harness):
    """A house whose polls are recorded as the database does it, and what was sent to each topic."""

    record: StoryHistory = field(default_factory=StoryHistory)
    moves: list[PastMove] = field(default_factory=list)
    choices: dict[int, PastChoice] = field(default_factory=dict)
    sent: dict[str, list[tuple[datetime, int, bool]]] = field(default_factory=dict)

    def keep(self, poll: list[StoryItem], result: DecisionResult) -> None:
        self.moves += [PastMove(self.now, move.item_id, move.story_id) for move in result.moves]
        came = [self.items[one.id] for one in poll]
        self.record.add(came, PastOverrides(tuple(self.moves), dict(self.choices)))
        for verdict in result.verdicts:
            if isinstance(verdict, Drop):
                continue
            self.record.tell([verdict.alert])
            if verdict.alert.kind is AlertKind.NEW:
                for slug in verdict.alert.topics:
                    told = (self.now, verdict.alert.story_id, isinstance(verdict, Hold))
                    self.sent.setdefault(slug, []).append(told)

    def do(self, step: tuple, live: Decider) -> None:  # type: ignore[type-arg]
        """What an operator does; of each story one thing is said, as the database keeps the last one only."""
        stories = self.stories()
        if step[0] == "choose" and stories:
            story = stories[step[1] % len(stories)]
            if story in self.choices:
                return
            self.choices[story] = PastChoice(step[2], self.now)
        alerts = len(self.alerts)
        carried_out(step, self, live)
        self.record.tell(self.alerts[alerts:])
        if step[0] == "topics":
            self.rules = (*self.rules, *STEADY)
            live.use_topics(self.rules)


@settings(max_examples=examples(80))
@given(STEPS)
def test_a_preview_is_what_was_decided_whatever_was_ruled_changed_and_restarted(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    harness = Recorded(rules=(*RULES[0], *STEADY))
    live = harness.restored()
    for number, step in enumerate([*steps, ("poll", [(0, 0), (1, 1), (2, 2), (3, 5)])], 1):
        harness.now += timedelta(minutes=20)
        if step[0] == "restart":
            live = harness.restored()
            continue
        if step[0] != "poll":
            harness.do(step, live)
            continue
        poll = poll_of(harness, number, step[1])
        if live.overrides.version != harness.overrides.version:
            live.apply_overrides(harness.overrides)
        result = live.take(poll, harness.now)
        harness.store(poll, result)
        harness.keep(poll, result)
    for topic in STEADY:
        shown = preview(topic, harness.record, AlertRules(), NOON, harness.now + timedelta(seconds=1))
        told = [(would.alert.decided_at, would.alert.story_id, would.held) for would in reversed(shown.alerts)]
        assert sorted(told) == sorted(harness.sent.get(topic.slug, [])), topic.slug
