"""What operators change is applied in place: a decider that lived through it decides as one that is restored after
it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifier.alerts.alert import AlertKind, Message, NewAlert, Urgency
from notifier.alerts.decide import Drop, Verdict
from notifier.alerts.decider import Decider, DecisionResult
from notifier.alerts.evidence import Author, Evidence
from notifier.stories.overrides import HOLD, NEVER, Overrides, trail_of
from notifier.stories.rulings import Pair
from notifier.stories.story import StoryItem
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic, TopicMode
from tests.examples import examples
from tests.stories.items import NOON, item

TITLES = (
    "Volcano Harga erupts near Selvik, thousands flee",
    "Thousands flee Selvik as volcano Harga erupts",
    "Volcano Harga erupts: 12 dead near Selvik",
    "Dam at Kessel breaks, villages under water",
    "Villages under water after Kessel dam breaks",
    "Bakery of Lind opens at night",
)
BREAKING = Topic("breaking", "Breaking", "", "", TopicMode.BREAKING, daily_budget=3)
VOLCANO = Topic("volcano", "Volcanoes", "", "volcano")
RULES = (
    (BREAKING, VOLCANO),
    (BREAKING, replace(VOLCANO, match="volcano OR dam")),
    (replace(BREAKING, daily_budget=1), VOLCANO, Topic("bakery", "Bakeries", "", "bakery OR villages")),
    (VOLCANO, Topic("desk", "Desk", "", "flee", TopicMode.HELD)),
    (BREAKING, replace(VOLCANO, match="", mode=TopicMode.BREAKING)),
)
GAP = timedelta(minutes=20)


@dataclass
class Harness:
    """What the database would hold."""

    items: dict[int, StoryItem] = field(default_factory=dict)
    alerts: list[NewAlert] = field(default_factory=list)
    overrides: Overrides = field(default_factory=Overrides)
    rules: Sequence[Topic] = RULES[0]
    now: datetime = NOON
    said: int = 0
    newest_story: int = 0

    def restored(self) -> Decider:
        decider = Decider(TopicIndex(self.rules), self.rules)
        decider.restore([self.items[i] for i in sorted(self.items)], self.alerts, next_story_id=self.newest_story + 1)
        decider.apply_overrides(self.overrides)
        return decider

    def store(self, poll: Sequence[StoryItem], result: DecisionResult) -> None:
        given = {g.item_id: g for g in result.groupings}
        for one in poll:
            self.items[one.id] = replace(one, story_id=given[one.id].story_id, near=given[one.id].near)
        made = [g.story_id for g in (*result.groupings, *result.moves)]
        self.newest_story = max([self.newest_story, *made])
        trails = dict(self.overrides.trails)
        for move in result.moves:
            self.items[move.item_id] = replace(self.items[move.item_id], story_id=move.story_id)
            trails[move.item_id] = trail_of(move.item_id, move.evidence)
        self.overrides = replace(self.overrides, trails=trails)
        self.alerts += [v.alert for v in result.verdicts if not isinstance(v, Drop)]

    def stories(self) -> list[int]:
        return sorted({i.story_id for i in self.items.values() if i.story_id})

    def members(self, story: int) -> list[StoryItem]:
        return [i for i in self.items.values() if i.story_id == story]

    def say(self, **given: Any) -> None:
        self.said += 1
        self.overrides = replace(self.overrides, version=str(self.said), **given)


def by_hand(story: int, title: str, harness: Harness) -> NewAlert:
    message = Message(title, "", "https://us.example/", "Us", harness.now, f"story-{story}")
    topics = frozenset(t.slug for t in harness.rules)
    return NewAlert(
        story, AlertKind.NEW, message, topics, False, Urgency.NORMAL, 60, Evidence(Author("Ada")), harness.now
    )


def poll_of(harness: Harness, number: int, tells: Sequence[tuple[int, int]]) -> list[StoryItem]:
    made = []
    for place, (publisher, title) in enumerate(tells):
        name = "ABCDE"[publisher]
        one = item(100 * number + place, TITLES[title], name)
        made.append(replace(one, seen_at=harness.now, published_at=harness.now))
    return made


TELLS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, len(TITLES) - 1)), min_size=1, max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("poll"), TELLS),
        st.tuples(st.just("choose"), st.integers(0, 5), st.sampled_from(["", NEVER, HOLD])),
        st.tuples(st.just("topics"), st.integers(0, len(RULES) - 1)),
        st.tuples(st.just("by hand"), st.integers(0, 5), st.integers(0, len(TITLES) - 1)),
        st.tuples(st.just("split"), st.integers(0, 5)),
        st.tuples(st.just("merge"), st.integers(0, 5), st.integers(0, 5)),
        st.tuples(st.just("idle"), st.integers(1, 3)),
    ),
    min_size=2,
    max_size=14,
)


def told(verdict: Verdict) -> object:
    """A verdict without the figures that the grouping's rounding may move."""
    if isinstance(verdict, Drop):
        return verdict.story_id, verdict.code, verdict.evidence.topics
    return type(verdict), replace(verdict.alert, why=Evidence())


def carried_out(step: tuple, harness: Harness, live: Decider) -> None:  # type: ignore[type-arg]
    """What an operator does: in the database, and in place."""
    stories = harness.stories()
    kind, *given = step
    if kind == "topics":
        harness.rules = RULES[given[0]]
        live.use_topics(harness.rules)
    elif kind == "idle":
        live.catch_up(given[0])
    elif stories:
        story = stories[given[0] % len(stories)]
        if kind == "choose":
            harness.say(choices={**harness.overrides.choices, story: given[1]})
        elif kind == "by hand":
            alert = by_hand(story, TITLES[given[1]], harness)
            harness.alerts.append(alert)
            live.note_alerts([alert])
        elif kind == "split" and len(members := harness.members(story)) > 1:
            one, *others = members
            act = len(harness.overrides.pairs) + 1
            harness.say(pairs=(*harness.overrides.pairs, *(Pair(act, False, one.id, other.id) for other in others)))
        elif kind == "merge" and story != (other := stories[given[1] % len(stories)]):
            ends = harness.members(story)[0].id, harness.members(other)[0].id
            harness.say(pairs=(*harness.overrides.pairs, Pair(len(harness.overrides.pairs) + 1, True, *ends)))


@settings(max_examples=examples(60))
@given(STEPS, st.integers(0, 12))
@example([("poll", [(0, 0), (0, 1), (0, 0)]), ("choose", 0, NEVER), ("split", 0)], 0)  # the twins are placed first
@example([("poll", [(0, 2), (0, 2)]), ("split", 0), ("poll", [(0, 4)])], 10)  # which story is the likest one's now
def test_a_decider_that_lived_through_all_decides_as_one_that_is_restored(steps: list[tuple], at: int) -> None:  # type: ignore[type-arg]
    harness = Harness()
    live, other = harness.restored(), None
    for number, step in enumerate([*steps, ("poll", list(itertools.product([0, 1, 2], [0, 3])))], 1):
        if number - 1 == min(at, len(steps)):
            other = harness.restored()
        harness.now += GAP
        if step[0] != "poll":
            carried_out(step, harness, live)
            if other is not None:
                other = harness.restored()
            continue
        poll = poll_of(harness, number, step[1])
        overrides = harness.overrides
        deciders = [live] if other is None else [live, other]
        results = []
        for decider in deciders:
            if decider.overrides.version != overrides.version:
                decider.apply_overrides(overrides)
            results.append(decider.take(poll, harness.now))
        harness.store(poll, results[0])
        for result in results:
            assert result.faults == ()
        if len(results) == 2:
            assert [(g.item_id, g.story_id) for g in results[0].groupings] == [
                (g.item_id, g.story_id) for g in results[1].groupings
            ]
            assert list(map(told, results[0].verdicts)) == list(map(told, results[1].verdicts))
