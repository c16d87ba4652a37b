"""What needs no judgement: which open items have an item's page or its headline, and which of them may lead it.

Enters: entries as they join, change and go. Leaves: those that have a key, the first one first; next: `cluster`. A page
is only as good as whoever names it: a feed may link another's page under any headline. So a page makes one of two
publishers' items only where their headlines have something in common.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import islice

from notifier.stories.agency_copy import publisher_key
from notifier.stories.breaking import RELATED_OVERLAP
from notifier.stories.canonical import title_key
from notifier.stories.story import StoryItem
from notifier.stories.window import WindowEntry
from notifier.text.content import overlap, stems

# Under three words a headline is a label ("Live", "Weather forecast"), not a statement.
LEAST_WORDS = 3
# So many that have a key are looked at; what they miss is found by likeness.
MOST_LOOKED_AT = 16

Key = tuple[str, str]


def exact_keys(item: StoryItem) -> list[Key]:
    """What this item shares with another only if both are one: its page, and its headline where it says enough."""
    keys = [("url", item.canonical_url)] if item.canonical_url else []
    words = title_key(item.title)
    if words.count(" ") + 1 >= LEAST_WORDS or not words.isascii():
        keys.append(("headline", words))
    return keys


def keys_within_a_poll(item: StoryItem) -> list[Hashable]:
    """The keys by which items of one poll are one whatever else they say: a page only within its publisher. None of an
    item of which they cannot be told: it is set aside when its turn comes."""
    try:
        return [(*key, publisher_key(item.publisher)) if key[0] == "url" else key for key in exact_keys(item)]
    except Exception:  # noqa: BLE001
        return []


def is_one_page(item: StoryItem, other: StoryItem) -> bool:
    """Two items with one address: of one publisher, or with something in common in what they say."""
    if publisher_key(item.publisher) == publisher_key(other.publisher):
        return True
    words = title_key(item.title)
    return (words != "" and words == title_key(other.title)) or likeness(item, other) >= RELATED_OVERLAP


def likeness(item: StoryItem, other: StoryItem) -> float:
    """The share of stems that the two headlines have in common, 0 to 1."""
    return overlap(stems(item.title, item.language), stems(other.title, other.language))


class ExactKeys:
    """Open entries by page and headline. As many as there are open items, whatever their headlines were before."""

    def __init__(self) -> None:
        self._having: dict[Key, dict[int, WindowEntry]] = {}

    def put(self, entry: WindowEntry, before: WindowEntry | None = None) -> None:
        """Add an entry, in the place of its older version."""
        keys = exact_keys(entry.item)
        if before is not None:
            self._drop(before, but=keys)
        for key in keys:
            self._having.setdefault(key, {})[entry.item.id] = entry

    def drop(self, entry: WindowEntry) -> None:
        """Forget an entry."""
        self._drop(entry, but=())

    def having(self, key: Key) -> Iterator[WindowEntry]:
        """The first of those that have this key."""
        return islice(self._having.get(key, {}).values(), MOST_LOOKED_AT)

    def __len__(self) -> int:
        return sum(map(len, self._having.values()))

    def _drop(self, entry: WindowEntry, but: Iterable[Key]) -> None:
        for key in exact_keys(entry.item):
            if key in but:
                continue
            having = self._having.get(key, {})
            having.pop(entry.item.id, None)
            if not having:
                self._having.pop(key, None)
