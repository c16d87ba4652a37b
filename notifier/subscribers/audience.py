"""How many follow what, day by day: counts that grow into the console's charts, and nobody's identity.

Enters: rows of counts. Leaves: series over days, the largest first and the rest together. Pure, but for the Protocol of
the store that keeps the counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Protocol

OTHERS = "others"


class AudienceKind(StrEnum):
    """By what subscriptions are counted. `all` has one name, `all`."""

    ALL = "all"
    TOPIC = "topic"
    BROWSER = "browser"
    PUSH_SERVICE = "push service"


@dataclass(frozen=True, slots=True)
class DayCount:
    """So many subscriptions at the end of a UTC day, or now where the day is not over."""

    day: date
    kind: AudienceKind
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class DayEnds:
    """So many subscriptions ended on a UTC day, for this reason, at this push service."""

    day: date
    reason: str
    push_service: str
    count: int


class AudienceStore(Protocol):
    """The counts by day. Synchronous."""

    def snapshot(self, now: datetime) -> None:
        """Keep today's counts in the place of what was counted earlier today; let go of what is years old."""

    def today(self, now: datetime) -> Sequence[DayCount]:
        """The counts as they are now; nothing is kept."""

    def days(self, since: datetime) -> Sequence[DayCount]:
        """What was kept since then, the oldest first."""

    def ends(self, since: datetime) -> Sequence[DayEnds]:
        """Where and why subscriptions ended since then, the oldest first."""


def day_of(at: datetime) -> date:
    """The UTC day."""
    return at.astimezone(UTC).date()


def largest(counts: Iterable[DayCount], most: int) -> Mapping[str, Mapping[date, int]]:
    """{name: {day: count}} of the names that are largest on the last day; the rest is added up under "others"."""
    by_name: dict[str, dict[date, int]] = defaultdict(dict)
    for one in counts:
        by_name[one.name][one.day] = one.count
    if not by_name:
        return {}
    last = max(day for days in by_name.values() for day in days)
    names = sorted(by_name, key=lambda name: (-by_name[name].get(last, 0), -max(by_name[name].values()), name))
    if len(names) <= most:
        return {name: by_name[name] for name in names}
    others: Counter[date] = Counter()
    for name in names[most - 1 :]:
        others.update(by_name[name])
    return {name: by_name[name] for name in names[: most - 1]} | {OTHERS: others}
