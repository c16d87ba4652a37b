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

    Doubles from 5 s to 15 min, with up to half as much again at random, so that a service that comes back is not met
    by everybody at once. A Retry-After (`asked_s`) is a lower bound (RFC 9110 section 10.2.3).
    """
    wait_s = min(LONGEST_S, FIRST_S * 2 ** min(attempts - 1, 20))
    wait_s = max(wait_s, asked_s or 0.0) * (1 + spread.random() / 2)
    at = now + timedelta(seconds=wait_s)
    return at if at < expires_at else None
