"""The stories: one object that owns all of their state, whoever asks.

Enters: the items of a poll, what operators said, topics that changed. Leaves: `StoryChanges`: where each item went,
what rulings moved, and each story that is to be decided on as the poll left it. The live decision, a replay and
previews drive this same object by the same calls; a preview's `OpenStories` repeats the grouping that was recorded,
where the others' `Grouper` finds it. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from notifier.stories.apply_rulings import apply_rulings
from notifier.stories.baseline import Baseline, LabelledItem
from notifier.stories.cluster import ASIDE
from notifier.stories.matches import TopicMatcher, TopicMatches
from notifier.stories.open_stories import OpenStories
from notifier.stories.open_story import OpenStory
from notifier.stories.overrides import Homes, Overrides, left_by, trace
from notifier.stories.related import RelatedItems, nearby, nearest
from notifier.stories.rulings import ItemMove, Rulebook
from notifier.stories.snapshot import StorySnapshot, in_order, worked_out
from notifier.stories.story import DecisionFault, Grouping, StoryItem

# So much of a headline is read; feeds bring no longer ones.
MOST_TITLE_CHARS = 2_000
MOST_SUMMARY_CHARS = 8_000


@dataclass(frozen=True, slots=True)
class StoryChanges:
    """What a poll and the rulings before it did. `snapshots` are in the order in which they are decided on.

    `brought` are the items, and versions, that came to each story. `moves` are items that an operator's override put
    elsewhere, `emptied` the stories that it left without items: (story, the one that has them now); `homes` say where
    what was told belongs since (None: as before). `left` are the stories that items were in before an edit took them
    elsewhere, by item, `deserted` those of them that have no item now: (story, where its last went). `aside` could not
    be grouped, and have stories of their own.
    """

    groupings: tuple[Grouping, ...]
    snapshots: tuple[StorySnapshot, ...]
    brought: Mapping[int, tuple[StoryItem, ...]] = field(default_factory=dict)
    moves: tuple[Grouping, ...] = ()
    emptied: tuple[tuple[int, int], ...] = ()
    homes: Homes | None = None
    left: Mapping[int, int] = field(default_factory=dict)
    deserted: tuple[tuple[int, int], ...] = ()
    aside: tuple[tuple[StoryItem, Grouping], ...] = ()

    def joined(self, told: Collection[int]) -> set[int]:
        """The stories in which two that were `told` are one now: nothing new is to be told of these."""
        return {into for left, into in self.emptied if left in told and into in told}


class Stories:
    """Call `restore` once, then `take` for every poll. One at a time allocates the story ids (the decider's lease)."""

    def __init__(self, open_stories: OpenStories, matcher: TopicMatcher) -> None:
        self.faults: list[DecisionFault] = []
        self.overrides = Overrides()
        self.matches = TopicMatches(matcher, self.faults)
        self._open = open_stories
        self._related_items = RelatedItems()
        self._baseline = Baseline()
        self._unsettled = False
        self._unread: list[int] = []  # stories whose topics are worked out between polls

    def restore(self, items: Iterable[StoryItem], marked: Iterable[LabelledItem] = (), next_story_id: int = 1) -> None:
        """Rebuild the last 72 hours: grouped items oldest first; and what was marked before."""
        self._baseline.recall(marked)
        for item in items:
            self._adopt(item)
        self._open.next_story_id = max(self._open.next_story_id, next_story_id)
        self._unread = sorted(self._open.open_ids())

    def topics_changed(self, slugs: Collection[str]) -> None:
        """The matcher's topics were exchanged, and the rules of these are others than before.

        Nothing is read at once: a story is asked about them when it is looked at next, or by `catch_up`.
        """
        self.matches.changed(slugs)
        if slugs:
            self._unread = sorted(self._open.open_ids())

    def catch_up(self, most_items: int) -> bool:
        """Work out some of what was left for later; False where nothing is left."""
        while self._unread and most_items > 0:
            story = self._open.story(self._unread.pop())  # the newest first: most likely to change next
            if story is not None and not self.matches.is_current(story.id):
                self.matches.read(story.id, story)
                most_items -= len(story.judged)
        return bool(self._unread)

    def apply_overrides(self, overrides: Overrides) -> None:
        """These are the overrides now; the next `take` moves what it calls same or apart."""
        self._unsettled |= (overrides.pairs, overrides.trails) != (self.overrides.pairs, self.overrides.trails)
        self.overrides = overrides

    def note_breaking(self, story_id: int, at: datetime) -> None:
        """A story broke by what its outlets told."""
        self._baseline.note_breaking(story_id, at)

    def homes(self) -> Homes:
        """Where what was told belongs, by all moves of open items."""
        return Homes.of(self.overrides.trails, self._open)

    def open_ids(self) -> set[int]:
        """The ids of all open stories."""
        return self._open.open_ids()

    def item_at(self, story_id: int, url: str) -> StoryItem | None:
        """The first item of an open story that has this address."""
        story = self._open.story(story_id)
        return story.members.at(url) if story is not None else None

    def read(self, story_ids: Iterable[int], but: Collection[int] = ()) -> None:
        """Know the topics of these stories, as far as items other than these say."""
        for story_id in story_ids:
            story = self._open.story(story_id)
            if story is not None:
                self.matches.read(story_id, story, but)

    def forget(self, now: datetime) -> bool:
        """Let go of what is older than the window; looked for once an hour, else False."""
        if not self._open.forget(now):
            return False
        self.matches.keep(self._open.open_ids())
        self._related_items.forget(lambda item: self._open.story_of(item) is not None)
        return True

    def take(
        self,
        items: Sequence[StoryItem],
        now: datetime,
        told: Collection[int] = (),
        recorded: Sequence[Grouping] = (),
    ) -> StoryChanges:
        """Carry out what operators ruled, then put the items of a poll into their stories.

        `told` are the stories that were alerted: of two that become one, one of these keeps its id. `recorded` are
        moves that were carried out before, to be repeated.
        """
        items = [_cut(item) for item in items]
        moves = self._repeated(recorded) if recorded else self._settled(told)
        homes = None if moves is None else self.homes()
        moves = moves or ()
        emptied = {left: m.story_id for m in moves if self._open.story(left := left_by(m)) is None}
        known = [self._open.story_of(item.id) for item in items]
        self.read(story_id for story_id in known if story_id is not None)  # before an edit takes its words away
        groupings = self._open.place(items)
        fresh = {item.id for item, story_id in zip(items, known, strict=True) if story_id is None}
        brought, aside = self._noted(items, groupings, fresh)
        touched = [story_id for move in moves for story_id in (move.story_id, left_by(move))]
        edited = [(one, one.left) for one in groupings if one.left is not None]
        touched += [left for _, left in edited]
        snapshots = self._to_decide(touched, groupings, now)
        for snapshot in snapshots:
            if snapshot.weight and snapshot.judgement.by_itself:
                self._baseline.note_breaking(snapshot.story_id, now)
        return StoryChanges(
            tuple(groupings),
            tuple(snapshots),
            brought,
            moves,
            tuple(emptied.items()),
            homes,
            {grouping.item_id: left for grouping, left in edited},
            tuple((left, grouping.story_id) for grouping, left in edited if self._open.story(left) is None),
            tuple(aside),
        )

    def _noted(
        self, items: Sequence[StoryItem], groupings: Sequence[Grouping], fresh: Collection[int]
    ) -> tuple[dict[int, tuple[StoryItem, ...]], list[tuple[StoryItem, Grouping]]]:
        """What a poll's items mean beyond their stories; returns what came to each, and what was set aside."""
        by_id = {item.id: item for item in items}
        brought: dict[int, list[StoryItem]] = {}
        aside = []
        for grouping in groupings:
            item, story_id = by_id[grouping.item_id], grouping.story_id
            if grouping.signal == ASIDE:
                self.faults.append(DecisionFault("item", str(item.id), str(grouping.evidence["error"])))
                if self._open.story(story_id) is None:  # else it is an edit, and its story goes on without it
                    aside.append((item, grouping))
                continue
            if grouping.left is not None:
                self.matches.drop(grouping.left)
                self._related_items.drop(item.id)
            self.read((story_id,), but=fresh)
            self.matches.note(item, story_id)
            self._related_items.note(item.id, grouping.near or item.near)
            self._baseline.note(item, story_id)
            brought.setdefault(story_id, []).append(item)
        return {story_id: tuple(came) for story_id, came in brought.items()}, aside

    def _to_decide(self, touched: Iterable[int], groupings: Sequence[Grouping], now: datetime) -> list[StorySnapshot]:
        """The stories that changed, and those near them that it helps; the weightiest of each event first."""
        changed = self._snapshots([*touched, *(g.story_id for g in groupings)], now)
        seen = {snapshot.story_id for snapshot in changed}
        near = self._snapshots([i for g in groupings for i in g.near if i not in seen], now)
        return in_order([*changed, *(snapshot for snapshot in near if snapshot.is_helped)])

    def _snapshots(self, story_ids: Iterable[int], now: datetime) -> list[StorySnapshot]:
        found = (self._open.story(story_id) for story_id in dict.fromkeys(story_ids))
        return [worked_out(self._snapshot(story, now)) for story in found if story is not None]

    def _snapshot(self, story: OpenStory, now: datetime) -> StorySnapshot:
        related = self._related(story.id)
        items = {i: other.members.as_related for i in related if (other := self._open.story(i)) is not None}
        return StorySnapshot(
            story.id, story.judged, now, items, nearby(story.id, related, self._related), self._baseline.usual(now)
        )

    def _related(self, story_id: int) -> list[int]:
        """The open stories that may tell the same event, and were not called another."""
        stories, story = self._open, self._open.story(story_id)
        related = self._related_items.of(story_id, story.judged, stories.story_of) if story else ()
        return nearest(related, lambda i: stories.story(i) is not None and not stories.apart(story_id, i))

    def _adopt(self, item: StoryItem) -> None:
        item = _cut(item)
        try:
            self._open.adopt(item)
        except Exception as defect:  # noqa: BLE001 - one item must not keep the decider from its memory
            self.faults.append(DecisionFault.of("item", item.id, defect))
            return
        self._related_items.note(item.id, item.near)
        if item.story_id is not None:
            if self.matches.is_current(item.story_id):
                self.matches.note(item, item.story_id)
            self._baseline.note(item, item.story_id)

    def _settled(self, told: Collection[int]) -> tuple[Grouping, ...] | None:
        """The moves that rulings make; None where nothing was ruled since the last time."""
        if not self._unsettled:
            return None
        self._unsettled = False
        stories, overrides = self._open, self.overrides
        for item in overrides.items:
            if stories.story_of(item.id) is None:
                self._adopt(item)
        stories.rule(Rulebook(overrides.pairs))
        trails = apply_rulings(stories, overrides.trails, lasting=lambda story: (story not in told, story))
        self.overrides = replace(overrides, trails={**overrides.trails, **trails})
        moves = tuple(
            trace(i, stories.story_of(i) or 0, trail, overrides.pairs, stories.left.get(i))
            for i, trail in sorted(trails.items())
        )
        self._moved(moves)
        return moves

    def _repeated(self, recorded: Sequence[Grouping]) -> tuple[Grouping, ...]:
        """Moves that were carried out before."""
        moves, trails = [], dict(self.overrides.trails)
        for move in recorded:
            item_id, left = move.item_id, self._open.story_of(move.item_id)
            if left is not None and left != move.story_id:
                self._open.move(item_id, move.story_id)
                moves.append(replace(move, evidence={**move.evidence, "from_story": left}))
                trails[item_id] = (*trails.get(item_id, ()), ItemMove(item_id, 0, same=False, other=0, before=left))
        self._open.tidy()
        self.overrides = replace(self.overrides, trails=trails)
        self._moved(moves)
        return tuple(moves)

    def _moved(self, moves: Sequence[Grouping]) -> None:
        for move in moves:
            self._related_items.drop(move.item_id)
        changed = {story_id for move in moves for story_id in (move.story_id, left_by(move))}
        for story_id in changed:
            self.matches.drop(story_id)
        self.read(changed)


def _cut(item: StoryItem) -> StoryItem:
    """The item with as much of its words as is read."""
    try:
        if len(item.title) <= MOST_TITLE_CHARS and len(item.summary) <= MOST_SUMMARY_CHARS:
            return item
    except TypeError:  # no text at all: it is set aside when its turn comes
        return item
    return replace(item, title=item.title[:MOST_TITLE_CHARS], summary=item.summary[:MOST_SUMMARY_CHARS])
