"""Subscribers' own words: who follows, and who mutes, what a story says. A million subscribers are asked at once.

Enters: each subscriber's `SubscriberWords` and a `Text`. Leaves: `WordMatch`, two sets of subscribers and the words
behind them; next room: subscribers. Each distinct word or phrase keeps its subscribers as a compressed bitmap
(RoaringBitmap), so that a story costs a few look-ups and one union, whatever the audience.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from pyroaring import BitMap

from notifier.text.fold import fold
from notifier.topics.forms import spellings
from notifier.topics.keys import Stems, rarest
from notifier.topics.reading import Text
from notifier.topics.topic import MatchedWord

_SWEEP_AFTER = 10_000
_little_word = re.compile(
    "us|it|who|is|am|as|at|be|or|in|on|an|no|so|up|me|he|we|by|do|go|if|my|of|to|and|are|all|can"
).fullmatch


@dataclass(frozen=True, slots=True)
class SubscriberWords:
    """What one subscriber wrote: words and phrases to follow and to mute."""

    follow: tuple[str, ...] = ()
    mute: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WordHit:
    """A word that stands in the story, its places, and who follows or mutes it.

    The sets are the index's own, not copies: read them before the index changes, and change them never.
    """

    words: tuple[MatchedWord, ...]
    followers: BitMap
    muters: BitMap


@dataclass(frozen=True, slots=True)
class WordMatch:
    """Ids of the subscribers who follow a word of the story, and of those who mute one: a mute wins over a follow."""

    followers: BitMap
    muted: BitMap
    hits: tuple[WordHit, ...]

    def why(self, subscriber: int) -> tuple[MatchedWord, ...]:
        """The words of the story that the subscriber follows."""
        return tuple(word for hit in self.hits if subscriber in hit.followers for word in hit.words)

    def why_muted(self, subscriber: int) -> tuple[MatchedWord, ...]:
        """The words of the story that the subscriber mutes."""
        return tuple(word for hit in self.hits if subscriber in hit.muters for word in hit.words)


class _Entry:
    """A distinct word or phrase: its spellings and its subscribers."""

    __slots__ = ("followers", "muters", "runs")

    def __init__(self, runs: tuple[tuple[str, ...], ...]) -> None:
        self.runs = runs
        self.followers = _NOBODY
        self.muters = _NOBODY


_NOBODY = BitMap()
"""Stands for every empty set, so that a word that nobody mutes costs no set; never written to."""


class WordIndex:
    """All subscribers' words, ready to be asked. Not for several threads at once while words change."""

    def __init__(self) -> None:
        self._entries: dict[tuple[tuple[str, ...], ...], _Entry] = {}
        self._stems: Stems[list[_Entry]] = Stems()
        self._gone = BitMap()

    def __len__(self) -> int:
        """How many distinct words and phrases there are."""
        return len(self._entries)

    def add(self, subscriber: int, words: SubscriberWords) -> None:
        """Add what a subscriber follows and mutes. A word without any letter or digit finds nothing and is skipped."""
        if subscriber in self._gone:
            self._sweep()
        for word in words.follow:
            self.load(word, followers=(subscriber,))
        for word in words.mute:
            self.load(word, muters=(subscriber,))

    def load(self, word: str, followers: Iterable[int] = (), muters: Iterable[int] = ()) -> None:
        """Add many subscribers to one word: how a service starts, reading its database in the order of words."""
        runs = _runs(word)
        if not runs:
            return
        entry = self._entries.get(runs)
        if entry is None:
            entry = self._new(runs)
        entry.followers = _with(entry.followers, followers)
        entry.muters = _with(entry.muters, muters)

    def remove(self, subscriber: int, words: SubscriberWords) -> None:
        """Take out what `add` put in; words that the subscriber never had are passed over."""
        for word in words.follow:
            if entry := self._entries.get(_runs(word)):
                entry.followers.discard(subscriber)
                self._drop_if_empty(entry)
        for word in words.mute:
            if entry := self._entries.get(_runs(word)):
                entry.muters.discard(subscriber)
                self._drop_if_empty(entry)

    def forget(self, subscriber: int) -> None:
        """The subscriber is gone: no match names it any more. Needs no words; room is made from time to time."""
        self._gone.add(subscriber)
        if len(self._gone) >= _SWEEP_AFTER:
            self._sweep()

    def match(self, text: Text) -> WordMatch:
        """Who follows and who mutes what the story says."""
        hits = tuple(self._hits(text))
        followers = BitMap.union(_NOBODY, *(hit.followers for hit in hits)) - self._gone
        muted = BitMap.union(_NOBODY, *(hit.muters for hit in hits)) - self._gone
        return WordMatch(followers, muted, hits)

    def _hits(self, text: Text) -> Iterator[WordHit]:
        candidates = {id(entry): entry for entries in self._stems.found(text.body) for entry in entries}
        for entry in candidates.values():
            places = text.body.find_any(entry.runs)
            if places:
                words = tuple(text.word(place) for place in sorted(set(places)))
                yield WordHit(words, entry.followers, entry.muters)

    def _new(self, runs: tuple[tuple[str, ...], ...]) -> _Entry:
        entry = self._entries[runs] = _Entry(runs)
        for key in {rarest(run) for run in runs}:
            entries = self._stems.get(key)
            if entries is None:
                self._stems.add(key, [entry])
            else:
                entries.append(entry)
        return entry

    def _drop_if_empty(self, entry: _Entry) -> None:
        if entry.followers or entry.muters:
            return
        if self._entries.pop(entry.runs, None) is None:
            return
        for key in {rarest(run) for run in entry.runs}:
            entries = self._stems.get(key) or []
            entries.remove(entry)
            if not entries:
                self._stems.remove(key)

    def _sweep(self) -> None:
        """Take the gone out of every set."""
        gone, self._gone = self._gone, BitMap()
        for entry in list(self._entries.values()):
            for subscribers in (entry.followers, entry.muters):
                if subscribers is not _NOBODY:
                    subscribers -= gone  # noqa: PLW2901 (in place: the set itself changes)
            self._drop_if_empty(entry)


def _with(subscribers: BitMap, more: Iterable[int]) -> BitMap:
    more = tuple(more)
    if not more:
        return subscribers
    if subscribers is _NOBODY:
        return BitMap(more)
    subscribers.update(more)
    return subscribers


@lru_cache(maxsize=1 << 16)
def _runs(word: str) -> tuple[tuple[str, ...], ...]:
    """The spellings of a subscriber's word. US, IT and WHO in capitals are meant, not the little words."""
    return spellings(" ".join(map(_meant, word.split())))


def _meant(word: str) -> str:
    return ".".join(word) + "." if word.isupper() and _little_word(fold(word)) else word
