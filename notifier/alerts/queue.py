"""What waits to be sent and what holds it: figures for whoever looks after the service. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Retries:
    """Pushes to one push service that are to be tried again, the earliest at `next_at` (aware UTC)."""

    count: int
    next_at: datetime
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueState:
    """Chunks and retries at one instant.

    `ready` and `leased` are {is breaking: chunks}; `held` waits for its time or an editor. `oldest_ready_at` is since
    when the chunk that waits longest could have been sent; `overdue` counts leases that ran out. `decider_until` is how
    long the process that decides has the right to; None where none ever had.
    """

    ready: Mapping[bool, int] = field(default_factory=dict)
    leased: Mapping[bool, int] = field(default_factory=dict)
    held: int = 0
    overdue: int = 0
    oldest_ready_at: datetime | None = None
    retries: Mapping[str, Retries] = field(default_factory=dict)
    subscriptions: int = 0
    by_key: Mapping[str, int] = field(default_factory=dict)
    decider_until: datetime | None = None
