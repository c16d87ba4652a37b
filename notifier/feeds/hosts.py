"""Keeps the service polite to each host: few connections at a time, and polls spread out in time.

`HostGate` bounds what is under way at a host; `HostPace` (pure but for its memory) says which of the due feeds of a
host may be asked now and when the others are. A thousand feeds of one host are so asked over minutes, not at once.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

LONGEST_LINE_S = 600.0
"""Nobody is put off for longer; who has to be, because a host has so many feeds, is put off again."""

_LONGEST_LINE = timedelta(seconds=LONGEST_LINE_S)
_URLS_REMEMBERED = 16_384


@lru_cache(maxsize=_URLS_REMEMBERED)
def host_of(url: str) -> str:
    """The host that a URL asks, lower case, with its port if that is not the usual one."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def site_of(url: str) -> str:
    """The site as people name it: the host without port and www; empty where the URL has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".").removeprefix("www.")
    except ValueError:
        return ""


class HostGate:
    """At most `per_host` exchanges with one host at a time; the others wait in line."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        # Weak: memory follows what is under way, not every host ever seen.
        self._gates: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, host: str) -> asyncio.Semaphore:
        """The gate of `host`: `async with` it waits for a place and holds it."""
        gate = self._gates.get(host)
        if gate is None:
            gate = self._gates[host] = asyncio.Semaphore(self._per_host)
        return gate


class HostPace:
    """Lets `burst` polls of a host through at once, then one every `gap_s` seconds."""

    def __init__(self, burst: int, gap_s: float) -> None:
        self._gap = timedelta(seconds=gap_s)
        self._slack = self._gap * max(burst - 1, 0)
        self._free_at: dict[str, datetime] = {}
        self._queue_end: dict[str, datetime] = {}

    def ask(self, host: str, now: datetime) -> datetime | None:
        """None: ask now. A time: put the poll off until then, behind those of the same host that wait already."""
        free_at = max(self._free_at.get(host, now), now)
        if free_at - now > self._slack + self._gap:  # the clock was ahead when that was noted
            free_at = now
        if free_at - now <= self._slack:
            self._free_at[host] = free_at + self._gap
            return None
        end = max(self._queue_end.get(host, now), now)
        self._queue_end[host] = (now if end - now > _LONGEST_LINE else end) + self._gap
        return self._queue_end[host]

    def forget_idle(self, now: datetime) -> None:
        """Drop what says nothing any more: hosts that could be asked at once again."""
        for poll_state in (self._free_at, self._queue_end):
            for host in [host for host, at in poll_state.items() if at <= now]:
                del poll_state[host]
