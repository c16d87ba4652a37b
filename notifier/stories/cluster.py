"""Items in, stories out: which event each item tells, and how that is known.

Enters: `StoryItem`s in the order of arrival. Leaves: a `Grouping` for each, and the open stories in memory; next room:
topics. The layers run from certain to likely: an edit of a known item, the same page, the same headline, near-equal
text, the same event in other words. What is older than the window is forgotten, so the cost of an item does not grow
with the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from notifier.stories.agency_copy import near_equal
from notifier.stories.canonical import components
from notifier.stories.exact import ExactKeys, exact_keys, is_one_page, keys_within_a_poll
from notifier.stories.open_stories import WINDOW, OpenStories
from notifier.stories.signals import PairSignals, Weights, shipped_weights
from notifier.stories.story import LEFT, Grouping, StoryItem
from notifier.stories.window import Window, WindowEntry

# Stories that are compared as a whole: the ones with the likest members.
STORIES = 4
# How far below the merging line a nearest member may be for its story to be looked at, in logits.
REACH = 2.0
# One word in common is a topic ("ship"), not an event, however short the headlines and rare the word. Of one outlet it
# takes one more: it edits the item that it has rather than tell the same event in another.
LEAST_SHARED = 2
# So far above the merging line, in logits, another story has to be for an edit to leave the one that it has.
TO_LEAVE = 1.0
# The signal of an item that could not be grouped: it is no member of anything.
ASIDE = "undecidable"


@dataclass(frozen=True, slots=True)
class Likeness:
    """How well an item fits a story: the score that counts, and its nearest member with the signals between them."""

    story_id: int
    score: float
    nearest: WindowEntry
    signals: PairSignals
    nearest_score: float

    def as_evidence(self, weights: Weights) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "score": round(self.score, 2),
            "merge_at": weights.merge_at,
            "nearest_item": self.nearest.item.id,
            "nearest_score": round(self.nearest_score, 2),
            **self.signals.as_evidence(),
        }


class Grouper(OpenStories):
    """The open stories, and the rules by which an item joins one. State in memory, no clock, no I/O."""

    def __init__(self, next_story_id: int = 1, window: timedelta = WINDOW, weights: Weights | None = None) -> None:
        super().__init__(next_story_id, window)
        self.weights = weights or shipped_weights()
        self._window = Window()
        self._entry: dict[int, WindowEntry] = {}
        self._keys = ExactKeys()

    def adopt(self, item: StoryItem, *, compared: bool = True) -> None:
        """Take in again an item that was grouped before (at start): its `story_id` stands.

        Not `compared`: it is there to be counted only, which costs a fraction.
        """
        if item.story_id is not None:
            entry = self._window.prepare(item)
            if compared:
                self._window.candidates(entry)
            self._put(item, item.story_id, entry)

    def liken(self, item: StoryItem, other_id: int) -> Likeness:
        """How well an item that is not open yet fits the story of an open one, as seen from that one."""
        entry, other = self._window.prepare(item), self._entry[other_id]
        self._window.candidates(entry)
        signals = self._window.compare(entry, other)
        return self._whole(entry, other.story_id, self.weights.score(signals), other, signals)

    def place(self, items: Sequence[StoryItem]) -> list[Grouping]:
        """Group one poll's items. Their order does not decide which exact duplicates are together.

        Duplicates are placed one after the other; in their stories they then stand as they came.
        """
        together = components(items, list(map(keys_within_a_poll, items)))
        groupings = [grouping for same in together for grouping in self._place_same(same)]
        self.tidy()
        return groupings

    def _place_same(self, same: Sequence[StoryItem]) -> list[Grouping]:
        """Items that are one by page or headline: they join one story, except those that have theirs already.

        One that cannot be compared, whatever the reason, is set aside alone: the others are grouped as if without it.
        """
        known = next((self._story_of[i.id] for i in same if i.id in self._story_of), None)
        try:
            found = next((hit for item in same for hit in self._exact(item)), None)
            shared = self._shared(same) if len(same) > 1 else ("url", {})
        except Exception as defect:  # noqa: BLE001
            return [g for i in same for g in self._place_same([i])] if len(same) > 1 else [self._aside(same[0], defect)]
        groupings: list[Grouping] = []
        for item in same:
            try:
                grouping = self._place_one(item, found, known, shared)
            except Exception as defect:  # noqa: BLE001
                groupings.append(self._aside(item, defect))
                continue
            known = grouping.story_id if known is None else known
            groupings.append(grouping)
        return groupings

    def _place_one(
        self,
        item: StoryItem,
        found: tuple[int, str, dict[str, Any]] | None,
        known: int | None,
        shared: tuple[str, dict[str, Any]],
    ) -> Grouping:
        mine = self._story_of.get(item.id, item.story_id)
        entry = self._window.prepare(item)
        liked = self._likely(entry)
        name = self.rulebook.name(item) if self.rulebook else None
        if mine is not None:
            grouping = self._edited(entry, mine, liked if name is None else ())  # what was ruled on stays
            if grouping.left is not None:
                self._leave(item.id)
        elif name is not None:
            grouping = self._by_ruling(entry, name, liked)
        elif found is not None:
            grouping = Grouping(item.id, *found)
        elif known is not None:
            grouping = Grouping(item.id, known, *shared)
        else:
            grouping = self._by_likeness(entry, liked)
        self._put(item, grouping.story_id, entry)
        return grouping

    def _edited(self, entry: WindowEntry, story_id: int, liked: Sequence[Likeness]) -> Grouping:
        """An edit stays in its story, unless its words are surely another open story's and not its own's any more: then
        it goes there. Else whoever writes another event's words over an item leads that event into the story it was in.
        """
        item, before, merge_at = entry.item, self._entry.get(entry.item.id), self.weights.merge_at
        other = next((like for like in liked if like.story_id != story_id and like.score >= merge_at + TO_LEAVE), None)
        if before is not None and other is not None:
            signals = self._window.compare(entry, before)
            own = self._whole(entry, story_id, self.weights.score(signals), before, signals)
            if max(own.score, own.nearest_score) < merge_at:
                evidence = {"version": item.version, LEFT: story_id} | other.as_evidence(self.weights)
                return Grouping(item.id, other.story_id, "event", evidence)
        return Grouping(item.id, story_id, "edit", {"version": item.version})

    def _aside(self, item: StoryItem, defect: Exception) -> Grouping:
        """In a story of its own (an edit: in the one that it has), and out of the window."""
        mine = self._story_of.get(item.id, item.story_id)
        if mine is None:
            mine, self.next_story_id = self.next_story_id, self.next_story_id + 1
        return Grouping(item.id, mine, ASIDE, {"error": f"{type(defect).__name__}: {defect}"[:200]})

    def _exact(self, item: StoryItem) -> list[tuple[int, str, dict[str, Any]]]:
        """The open story that has one of this item's keys."""
        hits = []
        for kind, value in exact_keys(item):
            found = (entry for entry in self._keys.having((kind, value)) if self._is_one(kind, item, entry))
            if (entry := next(found, None)) is not None:
                hits.append((entry.story_id, kind, {kind: value, "item": entry.item.id}))
        return hits

    def _is_one(self, kind: str, item: StoryItem, entry: WindowEntry) -> bool:
        """Whether the key of this kind that the two share makes them one."""
        if kind == "url":
            return is_one_page(item, entry.item)
        at_s = (item.published_at or item.first_seen).timestamp()
        return abs(entry.at_s - at_s) <= self._window_s

    def _by_ruling(self, entry: WindowEntry, name: int, liked: Sequence[Likeness]) -> Grouping:
        """A twin of an item that an operator ruled on: to those it belongs with, and never to those it does not."""
        hits = self._exact(entry.item)
        theirs = [item for other in sorted(self.rulebook.together(name)) for item in self.named(other)]
        if theirs:
            story_id = self._story_of[theirs[0]]
            found = next((hit for hit in hits if hit[0] == story_id), None)
            return Grouping(entry.item.id, *(found or (story_id, "operator", {"with": theirs[0]})))
        away = {self._story_of[i] for other in self.rulebook.away_from(name) for i in self.named(other)}
        found = next((hit for hit in hits if hit[0] not in away), None)
        if found is not None:
            return Grouping(entry.item.id, *found)
        return self._by_likeness(entry, [like for like in liked if like.story_id not in away])

    def _shared(self, same: Sequence[StoryItem]) -> tuple[str, dict[str, Any]]:
        """The key by which items of one poll are together."""
        seen: set[tuple[str, str]] = set()
        for item in same:
            for key in exact_keys(item):
                if key in seen:
                    return key[0], {key[0]: key[1]}
                seen.add(key)
        return "url", {}

    def _by_likeness(self, entry: WindowEntry, liked: Sequence[Likeness]) -> Grouping:
        """The story that it fits best, or a new one; those below the line are possibly related, or only `near`."""
        weights = self.weights
        related = tuple(like.story_id for like in liked if weights.related_at <= like.score < weights.merge_at)
        near = [i.story_id for i in liked if weights.related_at - REACH <= i.score < weights.merge_at]
        marks = {"near": near} if near else {}
        if liked and liked[0].score >= weights.merge_at:
            best = liked[0]
            signal = "wire" if near_equal(entry.item, best.nearest.item) else "event"
            return Grouping(entry.item.id, best.story_id, signal, best.as_evidence(weights) | marks, related)
        evidence = {"likest": liked[0].as_evidence(weights)} if liked else {}
        story_id = self.next_story_id
        self.next_story_id += 1
        return Grouping(entry.item.id, story_id, "new", evidence | marks, related)

    def _likely(self, entry: WindowEntry) -> list[Likeness]:
        """The stories that it may belong to, likest first, each judged as a whole."""
        near: dict[int, tuple[float, WindowEntry, PairSignals]] = {}
        reach = self.weights.related_at - REACH
        for other in self._window.candidates(entry):
            if abs(other.at_s - entry.at_s) > self._window_s or other.item.id == entry.item.id:
                continue
            if len(entry.stems & other.stems) < least_shared(entry.item, other.item):
                continue
            if entry.item.publisher != other.item.publisher and (entry.recurs or other.recurs):
                continue
            signals = self._window.compare(entry, other)
            score = self.weights.score(signals)
            if score < reach:
                continue
            if other.story_id not in near or score > near[other.story_id][0]:
                near[other.story_id] = (score, other, signals)
        best = sorted(near.items(), key=lambda n: (-n[1][0], n[0]))[:STORIES]
        liked = [self._whole(entry, story_id, *nearest) for story_id, nearest in best]
        return sorted(liked, key=lambda like: (-like.score, like.story_id))

    def _whole(
        self, entry: WindowEntry, story_id: int, score: float, nearest: WindowEntry, signals: PairSignals
    ) -> Likeness:
        """A story does not grow by its nearest member alone: the mean of all counts as well.

        The time that counts is the one to the nearest: an event may go on, as long as it is told without a break.
        """
        others = [e for e in self._stories[story_id].spokesmen() if e.item.id != entry.item.id]
        likely, time = self.weights.likeness, self.weights.time(signals)
        scores = [likely(self._window.compare(entry, other)) for other in others if other is not nearest]
        scores.append(score - time)
        share = self.weights.nearest_share
        whole = share * max(scores) + (1 - share) * sum(scores) / len(scores) + time
        return Likeness(story_id, whole, nearest, signals, score)

    def _put(self, item: StoryItem, story_id: int, entry: WindowEntry | None = None) -> None:
        entry = entry or self._window.prepare(item)
        before = self._entry.get(item.id)
        if before is not None:
            self._window.drop(before)
        entry.story_id = story_id
        super()._put(item, story_id, entry)
        self._entry[item.id] = entry
        self._window.add(entry)
        self._keys.put(entry, before)

    def _drop(self, item_ids: Iterable[int]) -> None:
        for item_id in item_ids:
            entry = self._entry.pop(item_id)
            self._window.drop(entry)
            self._keys.drop(entry)
            del self._story_of[item_id]


def least_shared(item: StoryItem, other: StoryItem) -> int:
    """How many stems the two must have in common to be compared at all."""
    return LEAST_SHARED + (item.publisher == other.publisher != "")
