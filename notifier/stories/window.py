"""What the last days looked like: the memory in which an item finds the items it may belong with.

Enters: `StoryItem`s. Leaves: an `WindowEntry` for each (what the signals compare) and, for a new one, its candidates.
All look-ups are bounded: a stem leads to its newest entries only, and the crowd is judged among an item's candidates.
So an item costs the same whether the window holds a thousand items or a hundred thousand.
"""

from __future__ import annotations

import contextlib
import heapq
import math
from array import array
from collections import Counter, deque
from dataclasses import dataclass, field

from notifier.stories.canonical import title_key
from notifier.stories.gate import recurring
from notifier.stories.signals import DAY_S, PairSignals
from notifier.stories.story import StoryItem
from notifier.text.content import stems

# A stem leads to at most this many of its newest entries.
POSTINGS = 128
# The stems by which candidates are looked up: the rarest ones of an item.
PROBES = 8
CANDIDATES = 24
# Until the window has seen so many items, no item counts as less crowded than is usual: an empty window would make
# every likeness look telling.
SETTLED, USUAL = 300, 0.2
# Counts that every stem starts with, so that a window of few items does not call common words rare.
PRIOR_ITEMS, PRIOR_COUNT = 500, 5


@dataclass(slots=True, eq=False)
class WindowEntry:
    """An item prepared for comparison. `near` are the ids of the items that were likest when it came, with how like
    they were (`near_by`), likest first: by item, since an operator may move these into other stories afterwards.

    `recurs` says that it tells no event (see gate). `squares` (what each stem counts) and `alike` (what was worked out
    already) are kept until the entry is added to the window.
    """

    item: StoryItem
    story_id: int
    stems: frozenset[str]
    runs: frozenset[str]
    norm: float
    at_s: float
    recurs: bool
    squares: dict[str, float]
    alike: dict[WindowEntry, float] = field(default_factory=dict)
    near: array[int] = field(default_factory=lambda: array("q"))
    near_by: array[float] = field(default_factory=lambda: array("d"))


def runs_of(title: str) -> frozenset[str]:
    """The four-letter runs of a headline."""
    key = f" {title_key(title)} "
    return frozenset(key[i : i + 4] for i in range(max(1, len(key) - 3)))


class Window:
    """Entries by stem."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._postings: dict[str, deque[WindowEntry]] = {}
        self._entries: dict[int, WindowEntry] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def prepare(self, item: StoryItem) -> WindowEntry:
        """The item's figures; the window itself is not changed."""
        found = stems(f"{item.title} {item.summary}", item.language)
        squares = {s: self.rarity(s) ** 2 for s in found}
        norm = math.sqrt(sum(squares.values())) or 1.0
        at_s = (item.published_at or item.first_seen).timestamp()
        return WindowEntry(item, 0, found, runs_of(item.title), norm, at_s, recurring(item), squares)

    def rarity(self, stem: str) -> float:
        """Inverse document frequency within the window, smoothed; at least 0.05."""
        return max(0.05, math.log((self._size + PRIOR_ITEMS) / (self._count.get(stem, 0) + PRIOR_COUNT)))

    def candidates(self, entry: WindowEntry) -> list[WindowEntry]:
        """The entries worth a comparison, likest first by the rare stems that both have."""
        total: dict[WindowEntry, float] = {}
        probes = heapq.nsmallest(PROBES, entry.stems, key=lambda s: (self._count.get(s, 0), s))
        for stem in probes:
            weight = self.rarity(stem)
            for other in self._postings.get(stem, ()):
                total[other] = total.get(other, 0.0) + weight
        best = heapq.nlargest(CANDIDATES, total.items(), key=lambda pair: (pair[1], -pair[0].item.id))
        found = [other for other, _ in best]
        likest = sorted(((self._words(entry, other), other.item.id) for other in found), reverse=True)
        entry.near = array("q", [item_id for _, item_id in likest])
        entry.near_by = array("d", [likeness for likeness, _ in likest])
        return found

    def compare(self, a: WindowEntry, b: WindowEntry) -> PairSignals:
        """The signals between an entry that is not added yet and another."""
        shared = len(a.runs & b.runs)
        return PairSignals(
            words=self._words(a, b),
            spelling=2 * shared / (len(a.runs) + len(b.runs)),
            crowd=(self._crowd(a, b.story_id) + self._crowd(b, b.story_id)) / 2,
            days_apart=_days_apart(a.at_s, b.at_s),
            standfirsts=float(bool(a.item.summary and b.item.summary)),
        )

    def _words(self, a: WindowEntry, b: WindowEntry) -> float:
        likeness = a.alike.get(b)
        if likeness is None:
            shared = sum(map(a.squares.__getitem__, a.stems & b.stems))
            likeness = a.alike[b] = min(1.0, shared / (a.norm * b.norm))
        return likeness

    def _crowd(self, entry: WindowEntry, but: int) -> float:
        """Likeness to the nearest story other than `but`, as stories are now."""
        usual = 0.0 if self._size >= SETTLED else USUAL
        for place, item_id in enumerate(entry.near):
            other = self._entries.get(item_id)
            if other is None or other.story_id != but:  # what was forgotten was another's: a story goes as a whole
                return max(usual, entry.near_by[place])
        return usual

    def add(self, entry: WindowEntry) -> None:
        """From now on the entry can be found."""
        self._size += 1
        self._entries[entry.item.id] = entry
        entry.squares, entry.alike = {}, {}
        for stem in entry.stems:
            self._count[stem] += 1
            self._postings.setdefault(stem, deque(maxlen=POSTINGS)).append(entry)

    def drop(self, entry: WindowEntry) -> None:
        """Forget an entry that the window has passed, or that a newer version replaces."""
        self._size -= 1
        self._entries.pop(entry.item.id, None)
        for stem in entry.stems:
            self._count[stem] -= 1
            if self._count[stem] <= 0:
                del self._count[stem]
            postings = self._postings.get(stem)
            if postings is not None:
                with contextlib.suppress(ValueError):  # newer entries pushed it out already
                    postings.remove(entry)
                if not postings:
                    del self._postings[stem]


def _days_apart(a_s: float, b_s: float) -> float:
    """Days between two times. At midnight sharp a time is a date without one, which may be a day off."""
    days = abs(a_s - b_s) / DAY_S
    return max(0.0, days - 1) if a_s % DAY_S == 0 or b_s % DAY_S == 0 else days
