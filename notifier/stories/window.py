"""What the last days looked like: the memory in which an item finds the items it may belong with.

Enters: `StoryItem`s. Leaves: an `Entry` for each (what the signals compare) and, for a new one, its candidates. All
look-ups are bounded: a stem leads to its newest entries only, and the crowd is judged against a fixed number of recent
stories. So an item costs the same whether the window holds a thousand items or a hundred thousand.
"""

from __future__ import annotations

import contextlib
import heapq
import math
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from notifier.stories.embed import Embedder, Vector
from notifier.stories.identity import title_key
from notifier.stories.signals import DAY_S, Signals
from notifier.stories.story import StoryItem
from notifier.stories.text import stems

# A stem leads to at most this many of its newest entries.
POSTINGS = 128
# The stems by which candidates are looked up: the rarest ones of an item.
PROBES = 8
CANDIDATES = 24
# The recent stories against which the crowd is judged, and the share of them that is looked at.
CROWD = 3000
CROWD_SHARE = 1 / 600
NEAR = 12
# Until the window has seen so many items, no item counts as less crowded than is usual (by meaning, by words): an empty
# window would make every likeness look telling.
SETTLED, USUAL_MEANING, USUAL_WORDS = 300, 0.4, 0.2
# Counts that every stem starts with, so that a window of few items does not call common words rare.
PRIOR_ITEMS, PRIOR_COUNT = 500, 5


@dataclass(slots=True, eq=False)
class Entry:
    """An item prepared for comparison. `near` are the likest other stories when it came: (likeness, story id)."""

    item: StoryItem
    story_id: int
    stems: frozenset[str]
    runs: frozenset[str]
    norm: float
    vector: Vector | None
    at_s: float
    near: list[tuple[float, int]] = field(default_factory=list)


def runs_of(title: str) -> frozenset[str]:
    """The four-letter runs of a headline."""
    key = f" {title_key(title)} "
    return frozenset(key[i : i + 4] for i in range(max(1, len(key) - 3)))


class Window:
    """Entries by stem, and the embeddings of recent stories' openers."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        self._embedder = embedder
        self._count: Counter[str] = Counter()
        self._postings: dict[str, deque[Entry]] = {}
        self._size = 0
        self._openers: NDArray[np.float32] | None = None
        self._opener_story = np.zeros(CROWD, dtype=np.int64)
        self._opened = 0
        self._opener_entry: dict[int, Entry] = {}

    def __len__(self) -> int:
        return self._size

    def prepare(self, item: StoryItem) -> Entry:
        """The item's figures; the window itself is not changed."""
        found = stems(f"{item.title}. {item.summary}", item.language)
        vector = self._embedder.embed(item.title, item.summary) if self._embedder else None
        norm = math.sqrt(sum(self.rarity(s) ** 2 for s in found)) or 1.0
        at_s = (item.published_at or item.first_seen).timestamp()
        return Entry(item, 0, found, runs_of(item.title), norm, vector, at_s)

    def rarity(self, stem: str) -> float:
        """Inverse document frequency within the window, smoothed; at least 0.05."""
        return max(0.05, math.log((self._size + PRIOR_ITEMS) / (self._count.get(stem, 0) + PRIOR_COUNT)))

    def candidates(self, entry: Entry) -> list[Entry]:
        """The entries worth a comparison, likest first: by rare stems that both have, and by meaning."""
        total: dict[Entry, float] = {}
        probes = heapq.nsmallest(PROBES, entry.stems, key=lambda s: (self._count.get(s, 0), s))
        for stem in probes:
            weight = self.rarity(stem)
            for other in self._postings.get(stem, ()):
                total[other] = total.get(other, 0.0) + weight
        best = heapq.nlargest(CANDIDATES, total.items(), key=lambda pair: (pair[1], -pair[0].item.id))
        found = dict.fromkeys(other for other, _ in best)
        entry.near = self._near(entry, found)
        if entry.vector is not None:
            openers = (self._opener_entry.get(story_id) for _, story_id in entry.near)
            found |= dict.fromkeys(opener for opener in openers if opener is not None)
        return list(found)

    def _near(self, entry: Entry, found: Iterable[Entry]) -> list[tuple[float, int]]:
        """The likest recent stories, each by one item: what `crowd` is measured from."""
        if entry.vector is not None:
            held = min(self._opened, CROWD)
            if not held or self._openers is None:
                return []
            likeness = self._openers[:held] @ entry.vector
            top = np.argpartition(-likeness, min(NEAR, held) - 1)[:NEAR]
            return sorted(((float(likeness[i]), int(self._opener_story[i])) for i in top), reverse=True)
        by_story: dict[int, float] = {}
        for other in found:
            by_story[other.story_id] = max(by_story.get(other.story_id, 0.0), self._words(entry, other))
        return sorted(((value, story) for story, value in by_story.items()), reverse=True)[:NEAR]

    def compare(self, a: Entry, b: Entry) -> Signals:
        """The signals between two entries."""
        shared = len(a.runs & b.runs)
        return Signals(
            meaning=float(a.vector @ b.vector) if a.vector is not None and b.vector is not None else 0.0,
            words=self._words(a, b),
            spelling=2 * shared / (len(a.runs) + len(b.runs)),
            crowd=(self._crowd(a, b.story_id) + self._crowd(b, b.story_id)) / 2,
            days_apart=abs(a.at_s - b.at_s) / DAY_S,
        )

    def _words(self, a: Entry, b: Entry) -> float:
        return min(1.0, sum(self.rarity(s) ** 2 for s in a.stems & b.stems) / (a.norm * b.norm))

    def _crowd(self, entry: Entry, but: int) -> float:
        """Mean likeness to the nearest stories other than `but`: few of few, five of three thousand."""
        depth = max(1, round(min(self._opened, CROWD) * CROWD_SHARE)) if entry.vector is not None else 1
        near = [value for value, story in entry.near if story != but][:depth]
        usual = 0.0 if self._size >= SETTLED else USUAL_WORDS if entry.vector is None else USUAL_MEANING
        return max(usual, sum(near) / len(near) if near else 0.0)

    def add(self, entry: Entry) -> None:
        """From now on the entry can be found."""
        self._size += 1
        for stem in entry.stems:
            self._count[stem] += 1
            self._postings.setdefault(stem, deque(maxlen=POSTINGS)).append(entry)

    def open(self, entry: Entry) -> None:
        """The entry began a story: it stands for it among the recent ones."""
        if entry.vector is not None:
            if self._openers is None:
                self._openers = np.zeros((CROWD, len(entry.vector)), dtype=np.float32)
            slot = self._opened % CROWD
            self._opener_entry.pop(int(self._opener_story[slot]), None)
            self._openers[slot] = entry.vector
            self._opener_story[slot] = entry.story_id
            self._opener_entry[entry.story_id] = entry
        self._opened += 1

    def drop(self, entry: Entry) -> None:
        """Forget an entry that the window has passed, or that a newer version replaces."""
        self._size -= 1
        if self._opener_entry.get(entry.story_id) is entry:
            del self._opener_entry[entry.story_id]
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
