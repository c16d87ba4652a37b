"""What came and what was told, by time: what a preview asks the service's decisions about once more.

Enters: stored items with the stories that they came to, moves that operators ruled, alerts. Leaves: a `StoryHistory`:
each poll as `Stories` left it. Whatever no topic has a part in is worked out once: the second rule that is asked about
costs a fraction of the first. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from notifier.alerts.alert import Alert, NewAlert
from notifier.alerts.case import PastAlert
from notifier.stories.open_stories import OpenStories
from notifier.stories.overrides import left_by
from notifier.stories.rulings import ItemMove
from notifier.stories.snapshot import UnjudgedSnapshot
from notifier.stories.stories import Stories, StoryChanges
from notifier.stories.story import Grouping, StoryItem
from notifier.topics.corpus import Corpus, CorpusItem
from notifier.topics.in_force import TopicsInForce
from notifier.topics.match import TopicIndex
from notifier.topics.query import parse
from notifier.topics.topic import Topic
from notifier.topics.work import Work


@dataclass(frozen=True, slots=True)
class PastMove:
    """An item that an operator's ruling put into another story, and when."""

    at: datetime
    item_id: int
    story_id: int


@dataclass(frozen=True, slots=True)
class PastChoice:
    """What an operator said of a story (`never` or `hold`), in force since then."""

    choice: str
    since: datetime


@dataclass(frozen=True, slots=True)
class PastOverrides:
    """What operators said: moves, oldest first, and their choices by story, without what was undone."""

    moves: tuple[PastMove, ...] = ()
    choices: Mapping[int, PastChoice] = field(default_factory=dict)


def past_moves(
    item_id: int, trail: Sequence[ItemMove], story_id: int, acts: Mapping[int, tuple[datetime, datetime | None]]
) -> Iterator[PastMove]:
    """The moves of an item that is in this story now, by its trail. `acts`: when each was ruled, and undone."""
    for place, move in enumerate(trail):
        if move.act not in acts:
            continue
        said_at, undone_at = acts[move.act]
        onward = next((later.before for later in trail[place + 1 :] if not later.undone), story_id)
        yield PastMove(said_at, item_id, move.before if move.undone else onward)
        if move.undone and undone_at is not None:
            yield PastMove(undone_at, item_id, onward)


class StoryHistory:
    """Items, and versions of items, that have a story, in the order in which they were seen; and what was alerted.

    `alerts` matter because topics share stories: what one topic has put on screens decides in whose words the next
    topic's followers are told.
    """

    def __init__(
        self,
        items: Iterable[StoryItem] = (),
        alerts: Iterable[Alert | NewAlert] = (),
        overrides: PastOverrides | None = None,
    ) -> None:
        self.items: list[StoryItem] = []
        self.polls: list[tuple[datetime, StoryChanges]] = []
        self.alerts: list[PastAlert] = []
        self._choices: Mapping[int, PastChoice] = {}
        self.corpus = Corpus()
        self._stories = Stories(OpenStories(), TopicsInForce(TopicIndex(), ()))
        self._moved: defaultdict[int, set[int]] = defaultdict(set)
        self._repeated: set[PastMove] = set()
        self.add(items, overrides)
        self.tell(alerts)

    @property
    def version(self) -> tuple[object, ...]:
        """Differs whenever a preview may."""
        return len(self.items), len(self.polls), len(self.alerts), *self._choices.items()

    def tell(self, alerts: Iterable[Alert | NewAlert]) -> None:
        """Put newer alerts behind, as they were decided."""
        self.alerts += map(PastAlert.of, alerts)

    def add(self, items: Iterable[StoryItem], overrides: PastOverrides | None = None) -> None:
        """Put newer ones behind; an item's `story_id` is the one that it came to, before any of its moves.

        `overrides`: what operators say now, in the place of what they said before (None: the same). A move that is
        older than what is here (the decider was late) is repeated now.
        """
        polls: defaultdict[datetime, dict[int, StoryItem]] = defaultdict(dict)
        moved: defaultdict[datetime, list[Grouping]] = defaultdict(list)
        for item in items:
            if item.story_id is not None:
                self.items.append(item)
                self.corpus.add(CorpusItem.of(item))
                polls[item.seen_at][item.id] = item
        for move in self._unknown(overrides):
            at = max(move.at, self.polls[-1][0]) if self.polls else move.at
            moved[at].append(Grouping(move.item_id, move.story_id, "operator"))
        for at in sorted({*polls, *moved}):
            came, moves = polls.get(at, {}), moved.get(at, ())
            self._take(at, list(came.values()), [move for move in moves if move.item_id not in came])
            if late := [move for move in moves if move.item_id in came]:
                self._take(at, (), late)
        self._stories.faults.clear()
        self.corpus.read()

    def _take(self, at: datetime, items: Sequence[StoryItem], moves: Sequence[Grouping]) -> None:
        self._stories.forget(at)
        change = self._stories.take(items, at, recorded=moves)
        snapshots = tuple(m.work_out() for m in change.snapshots if not isinstance(m, UnjudgedSnapshot))
        for move in change.moves:
            self._moved[move.item_id] |= {move.story_id, left_by(move)}
        self.polls.append((at, replace(change, groupings=(), snapshots=snapshots)))

    def _unknown(self, overrides: PastOverrides | None) -> list[PastMove]:
        if overrides is None:
            return []
        self._choices = overrides.choices
        found = [move for move in overrides.moves if move not in self._repeated]
        self._repeated.update(found)
        return found

    def matching(self, topic: Topic, work: Work | None = None) -> Sequence[StoryItem]:
        """The items that the topic's rule is true of; all of them where it has none. Raises TooMuchWork."""
        if not topic.match.strip():
            return self.items
        true = {id(past) for past in self.corpus.matching(parse(topic.match).tree, work)}
        return [item for item, past in zip(self.items, self.corpus.items, strict=True) if id(past) in true]

    def stories_of(self, items: Iterable[StoryItem]) -> set[int]:
        """All stories that these items were in at any time, and those whose items, and alerts, came to one of them."""
        found, known = {item.story_id for item in items if item.story_id is not None}, -1
        while len(found) != known:
            known = len(found)
            found.update(*(stories for stories in self._moved.values() if not found.isdisjoint(stories)))
        return found

    def choice(self, story_id: int, at: datetime) -> str | None:
        """What an operator had said of the story by then."""
        said = self._choices.get(story_id)
        return said.choice if said is not None and said.since <= at else None
