"""An operator's override on two items: the same story, or not. It outranks every signal.

Enters: the pairs that operators called, in the order in which they did. Leaves: a `Rulebook`, which says of an item
with which others it has to be, and from which it has to stay away. Where calls contradict each other, directly or
through others, the newest one holds. Pure; `settle` carries the rulings out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from notifier.stories.story import StoryItem


@dataclass(frozen=True, slots=True)
class Pair:
    """Two items that an operator called the same story, or not. `act` is the split or merge that it is a part of.

    Of a split, `item` is the one that leaves. The URLs are canonical ones: a twin of an item (the same page in another
    feed, or fetched again after it was forgotten) is ruled with it.
    """

    act: int
    same: bool
    item: int
    other: int
    url: str = ""
    other_url: str = ""
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ItemMove:
    """An item that a ruling, or the undoing of one, put into another story. `other` is who it was called with.

    `undone` says that it is the trace of an undoing, which nothing undoes in its turn. `began` is the story
    that the item joined when it came (None: not known), whatever was ruled since: what is recorded is told again by it.
    """

    item: int
    act: int
    same: bool
    other: int
    before: int
    undone: bool = False
    began: int | None = None


class Rulebook:
    """The rulings in force, without those that newer ones contradict. Items are named by the id that was ruled on."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        """`pairs` are those that were not undone, oldest first."""
        given = list(pairs)
        self.acts = frozenset(pair.act for pair in given)
        self._named: set[int] = set()
        self._by_url: dict[str, int] = {}
        for pair in given:
            self._named |= {pair.item, pair.other}
            for name, url in ((pair.item, pair.url), (pair.other, pair.other_url)):
                if url:
                    self._by_url[url] = name
        self._group: dict[int, set[int]] = {}
        self._enemies: defaultdict[int, set[int]] = defaultdict(set)
        in_force = [pair for pair in reversed(given) if self._holds(pair)][::-1]
        self.same = tuple(pair for pair in in_force if pair.same)
        self.apart = tuple(pair for pair in in_force if not pair.same)

    def __bool__(self) -> bool:
        return bool(self._named)

    def name(self, item: StoryItem) -> int | None:
        """The ruled item that this one is, or is a twin of; None where nobody said anything about it."""
        return item.id if item.id in self._named else self._by_url.get(item.canonical_url)

    def together(self, name: int) -> frozenset[int]:
        """The names that have to be in one story with this one, itself included."""
        return frozenset(self._group.get(name, {name}))

    def away_from(self, name: int) -> frozenset[int]:
        """The names that must not be in one story with this one."""
        found = set[int]()
        for own in self._group.get(name, {name}):
            for enemy in self._enemies.get(own, ()):
                found |= self._group.get(enemy, {enemy})
        return frozenset(found)

    def contradicts(self, names: Iterable[int], others: Iterable[int]) -> bool:
        """Whether one of `names` must not be with one of `others`."""
        away = set[int]().union(*(self.away_from(name) for name in names))
        return not away.isdisjoint(others)

    def said_by(self, name: int, other: int) -> str:
        """Who called these two what they are, as the end of a sentence; of several rulings the newest."""
        ends = self.together(name), self.together(other)
        for pair in reversed(self.same + self.apart):
            if any(pair.item in a and pair.other in b for a, b in (ends, ends[::-1])):
                when = f" on {pair.at:%Y-%m-%d %H:%M} UTC" if pair.at else ""
                return f" by {pair.by}{when} (ruling {pair.act})"
        return ""

    def _holds(self, pair: Pair) -> bool:
        """Take the pair in, unless it contradicts what newer ones said."""
        if pair.item == pair.other:
            return False
        with_it = pair.other in self.together(pair.item)
        if pair.same:
            if pair.other in self.away_from(pair.item):
                return False
            joined = self._group.get(pair.item, {pair.item}) | self._group.get(pair.other, {pair.other})
            for name in joined:
                self._group[name] = joined
        elif with_it:
            return False
        else:
            self._enemies[pair.item].add(pair.other)
            self._enemies[pair.other].add(pair.item)
        return True
