"""How many files and sockets this process may have open, and how many of them the web port may take."""

from __future__ import annotations

import resource

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
