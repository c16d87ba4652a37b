"""When a push that failed is tried again (pure)."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

FIRST_S = 5.0
LONGEST_S = 900.0


def next_attempt(
    attempts: int, asked_s: float | None, now: datetime, expires_at: datetime, spread: random.Random
) -> datetime | None:
    """When to try again after `attempts` failures, or None where the TTL ends before that.

    Doubles from 5 s to 15 min, with up to half as much again at random where the TTL leaves room, so that a service
    that comes back is not met by everybody at once. A Retry-After (`asked_s`) is a lower bound (RFC 9110 section
    10.2.3).
    """
    wait_s = min(LONGEST_S, FIRST_S * 2 ** min(attempts - 1, 20))
    if asked_s is not None and asked_s > wait_s:
        wait_s = asked_s
    # Compared as seconds: a wait that is added to a time can be beyond what a time can say.
    if wait_s >= (expires_at - now).total_seconds():
        return None
    earliest = now + timedelta(seconds=wait_s)
    if earliest >= expires_at:
        return None  # by less than a microsecond
    room = min(timedelta(seconds=wait_s / 2), expires_at - earliest)
    at = earliest + room * spread.random()
    return at if at < expires_at else earliest  # a room of microseconds may be rounded up to the end
