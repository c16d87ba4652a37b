"""Carries rulings out: moves open items between stories until every ruling in force is true of them.

Enters: the open stories, a `Rulebook`, and the trail of each item that was moved before. Leaves: the moves that were
made, and open stories that agree with the rulings. Doing it twice moves nothing more, so a ruling whose effect was lost
in a crash is simply carried out again. First what was undone returns, then who belongs together is gathered, then
who does not is parted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from notifier.stories.open_stories import OpenStories
from notifier.stories.rulings import ItemMove, Pair

Trails = Mapping[int, tuple[ItemMove, ...]]


def apply_rulings(
    grouper: OpenStories, trails: Trails, lasting: Callable[[int], tuple[bool, int]] = lambda story: (False, story)
) -> dict[int, tuple[ItemMove, ...]]:
    """Carry out the grouper's rulebook; returns the new trail of every item that was moved.

    Of two stories that become one, the one for which `lasting` is least keeps its id.
    """
    return _Settling(grouper, trails, lasting).run()


class _Settling:
    def __init__(self, grouper: OpenStories, trails: Trails, lasting: Callable[[int], tuple[bool, int]]) -> None:
        self._grouper, self._book, self._trails, self._lasting = grouper, grouper.rulebook, dict(trails), lasting
        self._moved: dict[int, tuple[ItemMove, ...]] = {}

    def run(self) -> dict[int, tuple[ItemMove, ...]]:
        returning = {i for i in self._trails if self._void(i) is not None and self._grouper.story_of(i) is not None}
        for item in sorted(returning):
            while (void := self._void(item)) is not None:
                self._return(item, void, returning)
        for pair in self._book.same:
            self._gather(pair)
        for pair in self._book.apart:
            self._part(pair)
        self._grouper.tidy()
        return self._moved

    def _void(self, item: int) -> int | None:
        """The place in its trail of the first move whose ruling was undone."""
        acts = self._book.acts
        return next((n for n, m in enumerate(self._trails[item]) if not m.undone and m.act not in acts), None)

    def _return(self, item: int, void: int, returning: set[int]) -> None:
        """Back to where it was before what was undone; where that would break another ruling it stays."""
        trail, now = self._trails[item], self._story(item)
        move = trail[void]
        companions = set() if move.same else self._stories((move.other,))
        back = min(companions, default=move.before)
        names = self._names((item,))
        mates = {i for name in names for i in self._items(self._book.together(name)) if i not in returning}
        tied = {self._story(mate) for mate in mates}
        held = now in tied if move.same else bool(tied - {back})
        if held or self._book.contradicts(names, self._names(self._grouper.members(back))):
            self._put(item, now, trail[:void], replace(move, undone=True), *trail[void + 1 :])
        else:
            self._put(item, back, trail[:void], replace(move, before=now, undone=True))

    def _gather(self, pair: Pair) -> None:
        """Make the stories of the two one; only the two, where others in them have to stay apart."""
        group = self._book.together(pair.item)
        first, *others = sorted(self._stories((pair.item, pair.other)), key=self._lasting) or [0]
        for other in others:
            members = self._grouper.members(other)
            if self._book.contradicts(self._names(members), self._names(self._grouper.members(first))):
                members = [item for item in members if self._names((item,)) & group]
            for item in members:
                self._put(item, first, self._trail(item), self._trace(item, pair, pair.other))

    def _part(self, pair: Pair) -> None:
        """Take the pair's first, and who belongs with it, out of the story of its second."""
        leaving = self._items(self._book.together(pair.item))
        left = self._stories(self._book.together(pair.other))
        fresh: int | None = None
        for item in [item for item in leaving if self._story(item) in left]:
            fresh = self._put(item, fresh, self._trail(item), self._trace(item, pair, pair.other))

    def _put(self, item: int, story: int | None, trail: tuple[ItemMove, ...], *more: ItemMove) -> int:
        put = self._grouper.move(item, story)
        self._trails[item] = self._moved[item] = (*trail, *more)
        return put

    def _trace(self, item: int, pair: Pair, other: int) -> ItemMove:
        trail, story = self._trail(item), self._story(item)
        return ItemMove(item, pair.act, pair.same, other, story, began=trail[0].began if trail else story)

    def _trail(self, item: int) -> tuple[ItemMove, ...]:
        return self._trails.get(item, ())

    def _story(self, item: int) -> int:
        story = self._grouper.story_of(item)
        if story is None:
            raise LookupError(f"item {item} is in no open story")
        return story

    def _items(self, names: frozenset[int]) -> list[int]:
        return [item for name in sorted(names) for item in self._grouper.named(name)]

    def _stories(self, names: frozenset[int] | tuple[int, ...]) -> set[int]:
        return {self._story(item) for name in names for item in self._grouper.named(name)}

    def _names(self, items: list[int] | tuple[int, ...]) -> set[int]:
        found = (self._grouper.name_of(item) for item in items)
        return {name for name in found if name is not None}
