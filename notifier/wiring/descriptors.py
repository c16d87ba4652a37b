"""Files and connections that this process may have open, and who gets how many of them.

The limit that a shell gives (1,024) is an old habit: the hard limit is what the system allows. Feeds get a part that
nobody else can take, and take no more.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass

ENOUGH = 65_536
"""More is of no use, and makes programs slow that look at each of them."""
SLOTS, SLOW = 400, 1_000
HUBS = 100


@dataclass(frozen=True, slots=True)
class PollPlaces:
    """How many polls are under way at most: in `slots`, and beside them `slow` ones; and their `connections`."""

    slots: int
    slow: int

    @property
    def connections(self) -> int:
        """Each poll has one connection at a time; hubs are asked beside them."""
        return self.slots + self.slow + HUBS


def raise_limit() -> int:
    """Let this process have as many descriptors as it may; returns how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return ENOUGH if soft == resource.RLIM_INFINITY else soft


def poll_places(descriptors: int) -> PollPlaces:
    """Half of them at most is for polls: browsers, push services and the database need theirs."""
    half = max(descriptors // 2 - HUBS, 16)
    slots = min(SLOTS, half // 2)
    return PollPlaces(slots, min(SLOW, half - slots))
