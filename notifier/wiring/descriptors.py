"""Files and connections that this process may have open, and who gets how many of them.

The limit that a shell gives (1,024) is an old habit: the hard limit is what the system allows. Feeds get a part that
nobody else can take, and take no more.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass

import structlog

log = structlog.get_logger()

# No process of ours needs more; where there is no limit at all, tables as large as it would be made.
ENOUGH = 65_536
MOST_CONNECTIONS = 2_000
LEAST_CONNECTIONS = 16


def raise_descriptor_limit() -> int:
    """Raise the soft limit on open files to the hard one; returns what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as refused:  # a sandbox, or a system whose own limit is lower
            log.warning("descriptors.not-raised", soft=soft, wanted=wanted, problem=str(refused))
            return soft
        return wanted
    return ENOUGH if soft == resource.RLIM_INFINITY else soft


def connections_within(descriptors: int, asked: int = 0) -> int:
    """How many connections the web port takes: what is asked for, 0 for as many as make sense, never above half.

    The other half is for feeds, pushes and the database.
    """
    most = min(asked or MOST_CONNECTIONS, descriptors // 2)
    return max(most, LEAST_CONNECTIONS)


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


def poll_places(descriptors: int) -> PollPlaces:
    """A third of them at most is for polls: browsers, push services and the database need theirs."""
    third = max(descriptors // 3 - HUBS, 16)
    slots = min(SLOTS, third // 2)
    return PollPlaces(slots, min(SLOW, third - slots))
