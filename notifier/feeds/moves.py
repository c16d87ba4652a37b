"""Sees that a feed only moved: an entry of feeds.yaml has another address, and is otherwise the same. Pure.

Enters: the feeds that left the file and those that came. Leaves: {old address: new address}; next: the store gives
the new address what it remembers of the old one. An edit in the console, in the file, or an undone one all look alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol


class Named(Protocol):
    """What a feed is recognised by when its address is another."""

    @property
    def url(self) -> str: ...
    @property
    def publisher(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def section(self) -> str: ...


def moves(left: Iterable[Named], came: Iterable[Named]) -> Mapping[str, str]:
    """The addresses of feeds that left and of those that came under the same publisher, title and section.

    Only where one left and one came: of two that look alike nobody knows which became which.
    """
    sides: dict[tuple[str, str, str], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for at, feeds in enumerate((left, came)):
        for feed in feeds:
            sides[feed.publisher, feed.title, feed.section][at].append(feed.url)
    return {old[0]: new[0] for old, new in sides.values() if len(old) == 1 and len(new) == 1}
