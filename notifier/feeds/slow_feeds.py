"""Remembers the feeds whose documents take long to read, and the documents that were never read to their end.

Enters: how reading went. Leaves: whether a feed's next document begins aside, or need not be tried. In memory only: a
feed that fails is asked more and more seldom in any case, and that outlives a restart (see `cadence`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from time import monotonic

from notifier.feeds.feed import Unreadable

MOST_FEEDS = 1_000
REFUSED_FOR_S = 3_600.0
"""The same bytes are tried again after this: the machine may have been busy."""


class SlowFeeds:
    """Feeds by their URL; the one that was slow the longest ago is forgotten first."""

    def __init__(self, clock_s: Callable[[], float] = monotonic) -> None:
        self._clock_s = clock_s
        self._feeds: OrderedDict[str, tuple[bytes, Unreadable, float] | None] = OrderedDict()

    def knows(self, url: str) -> bool:
        """Whether the feed's last document took long."""
        return url in self._feeds

    def note(self, url: str) -> None:
        """This one takes long."""
        self._feeds[url] = self._feeds.pop(url, None)
        if len(self._feeds) > MOST_FEEDS:
            self._feeds.popitem(last=False)

    def forget(self, url: str) -> None:
        """It was quick this time."""
        self._feeds.pop(url, None)

    def refuse(self, url: str, body: bytes, reason: Unreadable) -> None:
        """Reading `body` came to no end."""
        self.note(url)
        self._feeds[url] = (_digest(body), reason, self._clock_s() + REFUSED_FOR_S)

    def refused(self, url: str, body: bytes) -> Unreadable | None:
        """Why the document need not be tried: it is the one that was tried in vain within the hour."""
        last = self._feeds.get(url)
        if last is None or last[2] < self._clock_s() or last[0] != _digest(body):
            return None
        return last[1]


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()
