"""What hubs have pushed and the poller has not stored yet: little for each feed, and bounded in all.

Enters: the wish to read a push, then the push. Leaves: one push at a time of each feed, to `take`. While one is at the
parser a newer one waits, and takes the place of any that waited before: a hub that pushes faster than its documents
can be read costs itself. What was dropped so is made good by a poll.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TOO_MANY_REQUESTS, UNAVAILABLE = 429, 503


@dataclass(frozen=True, slots=True)
class Push:
    """A document as a hub sent it. `is_last_of_many`: others were dropped for it."""

    feed_id: int
    body: bytes
    content_type: str | None
    is_last_of_many: bool = False


@dataclass(frozen=True, slots=True)
class InboxSettings:
    """Of one feed `reading` pushes are read off the wire at once. All that is being read, waits or is at the parser has
    `most_bytes`; those of more than `large_bytes` have half of that, so that small ones find room beside them."""

    feeds: int = 100
    reading: int = 2
    most_bytes: int = 64 << 20
    large_bytes: int = 1 << 20


class Inbox:
    """Of one event loop. `take` stores a push, and raises nothing."""

    def __init__(self, take: Callable[[Push], Awaitable[None]], settings: InboxSettings | None = None) -> None:
        self._take = take
        self._settings = settings or InboxSettings()
        self._reading: Counter[int] = Counter()
        self._waiting: dict[int, Push] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._bytes = self._large = 0

    @property
    def bytes(self) -> int:
        """What is held, or promised to those that are being read."""
        return self._bytes

    def refusal(self, feed_id: int, size: int) -> int | None:
        """The status for a push of `size` bytes that may not be read now; None if it may."""
        if self._reading[feed_id] >= self._settings.reading:
            return TOO_MANY_REQUESTS
        is_full = len(self._tasks) >= self._settings.feeds and feed_id not in self._tasks
        return None if not is_full and self._fits(size) else UNAVAILABLE

    @contextmanager
    def reading(self, feed_id: int, size: int) -> Iterator[None]:
        """Keep room for a push while it comes in."""
        self._reading[feed_id] += 1
        self._hold(size)
        try:
            yield
        finally:
            self._hold(-size)
            self._reading[feed_id] -= 1
            self._reading += Counter()  # forgets the feeds at zero

    def put(self, push: Push) -> bool:
        """Let a push wait for its turn. False where there is no room for it."""
        replaced = self._waiting.get(push.feed_id)
        if replaced is not None:
            self._hold(-len(replaced.body))
            push = Push(push.feed_id, push.body, push.content_type, is_last_of_many=True)
        elif len(self._tasks) >= self._settings.feeds and push.feed_id not in self._tasks:
            return False
        if not self._fits(len(push.body)):
            if replaced is not None:
                self._hold(len(replaced.body))
            return False
        self._hold(len(push.body))
        self._waiting[push.feed_id] = push
        if push.feed_id not in self._tasks:
            self._tasks[push.feed_id] = asyncio.create_task(self._work(push.feed_id))
        return True

    async def finish(self, within_s: float) -> list[Push]:
        """Wait until all that was put is stored; what was not, in the end."""
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return list(self._waiting.values())

    async def _work(self, feed_id: int) -> None:
        """The pushes of one feed, one after the other; a push waits until it is stored, so that none is lost."""
        try:
            while (push := self._waiting.get(feed_id)) is not None:
                del self._waiting[feed_id]
                try:
                    await self._take(push)
                except asyncio.CancelledError:
                    self._waiting.setdefault(feed_id, push)
                    raise
                finally:
                    self._hold(-len(push.body))
        finally:
            del self._tasks[feed_id]

    def _fits(self, size: int) -> bool:
        if size > self._settings.large_bytes and self._large + size > self._settings.most_bytes // 2:
            return False
        return self._bytes + size <= self._settings.most_bytes

    def _hold(self, size: int) -> None:
        self._bytes += size
        if abs(size) > self._settings.large_bytes:
            self._large += size
