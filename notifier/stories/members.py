"""A story's items, and the few of them that it is judged by: so that an item costs the same however large its story is.

Enters: items as they join. Leaves: them in that order, and `judged`: all of an ordinary story's, and of a huge one's
the newest of each publisher, so that no feed can push the others out. Which these are depends on the items and their
order alone, not on the way to them. No clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Reversible
from datetime import datetime
from itertools import islice, takewhile

from notifier.stories.agency_copy import publisher_key
from notifier.stories.story import StoryItem

# Up to so many items a story is judged by all of them; in 65 days of recorded news the largest had 219.
MOST_JUDGED = 256
# Of a larger one count so many publishers, those that joined last, each with an equal share of its newest items.
PUBLISHERS = 64
# So many of a story's newest items may support another story that may tell the same event (related).
MOST_AS_RELATED = 64


class Members:
    """The items of one story, each in its newest version."""

    __slots__ = ("_all", "_by_publisher", "_by_url", "_judged", "_stale", "_updated_at")

    def __init__(self) -> None:
        self._all: dict[int, StoryItem] = {}
        self._by_publisher: dict[str, dict[int, None]] = {}  # the one that joined last at the end, as are its items
        self._by_url: dict[str, dict[int, None]] = {}
        self._judged: tuple[StoryItem, ...] | None = None
        self._updated_at: datetime | None = None
        self._stale = False  # the two by-lists are to be made anew

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[int]:
        return iter(self._all)

    def __reversed__(self) -> Iterator[int]:
        return reversed(self._all)

    def __contains__(self, item_id: int) -> bool:
        return item_id in self._all

    def __getitem__(self, item_id: int) -> StoryItem:
        return self._all[item_id]

    @property
    def items(self) -> tuple[StoryItem, ...]:
        """All of them: work that grows with the story, so only for what an operator asks for."""
        return tuple(self._all.values())

    @property
    def judged(self) -> tuple[StoryItem, ...]:
        """Those that the story is judged by, in order; at most MOST_JUDGED."""
        if self._judged is None:
            self._judged = self._chosen() if len(self._all) > MOST_JUDGED else tuple(self._all.values())
        return self._judged

    @property
    def updated_at(self) -> datetime:
        """When the newest item, or version of one, was seen. Raises ValueError where there is none."""
        if self._updated_at is None:
            self._updated_at = max(item.seen_at for item in self._all.values())
        return self._updated_at

    @property
    def as_related(self) -> tuple[StoryItem, ...]:
        """Those that may support another story: the newest of the judged ones."""
        return self.judged[-MOST_AS_RELATED:]

    def at(self, url: str) -> StoryItem | None:
        """The first of those with this address."""
        self._relist()
        found = self._by_url.get(url)
        return self._all[next(iter(found))] if found else None

    def put(self, item: StoryItem) -> None:
        """Add an item, or its newer version."""
        before = self._all.get(item.id)
        self._judged = None
        self._all[item.id] = item
        if before is None:
            self._list(item)
        else:
            self._stale |= (before.publisher, before.url) != (item.publisher, item.url)
        if self._updated_at is not None:
            self._updated_at = max(self._updated_at, item.seen_at)

    def drop(self, item_id: int) -> None:
        """Take an item out."""
        del self._all[item_id]
        self._judged, self._updated_at, self._stale = None, None, True

    def tidy(self, since: int) -> None:
        """Put those that joined from `since` on, and those behind them, in the order of their ids: as a restart reads
        them. What came before is in that order already, so this costs no more than what came lately.
        """
        late = out_of_order(self._all, since)
        self._judged = None
        for item_id in late:
            item = self._all[item_id] = self._all.pop(item_id)
            if not self._stale:
                del self._by_publisher[publisher_key(item.publisher)][item_id], self._by_url[item.url][item_id]
                self._list(item)

    def _relist(self) -> None:
        """After a member left or changed its place: as if all had just joined in this order."""
        if self._stale:
            self._by_publisher, self._by_url, self._stale = {}, {}, False
            for item in self._all.values():
                self._list(item)

    def _list(self, item: StoryItem) -> None:
        key = publisher_key(item.publisher)
        own = self._by_publisher.pop(key, {})
        own[item.id] = None
        self._by_publisher[key] = own
        self._by_url.setdefault(item.url, {})[item.id] = None

    def _chosen(self) -> tuple[StoryItem, ...]:
        self._relist()
        each = MOST_JUDGED // min(len(self._by_publisher), PUBLISHERS)
        newest = islice(reversed(self._by_publisher.values()), PUBLISHERS)
        ids = sorted(item_id for own in newest for item_id in islice(reversed(own), each))
        return tuple(self._all[item_id] for item_id in ids)


def out_of_order(ids: Reversible[int], since: int) -> list[int]:
    """The ids from the end back to the last one before `since`, in order: where all before them are in order."""
    return sorted(takewhile(lambda item_id: item_id >= since, reversed(ids)))
