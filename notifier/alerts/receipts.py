"""What came back of an alert: how many browsers showed and clicked it, and how long each stage took.

Enters: counts by bucket, from the engine (accepted) and from browsers (shown, clicked). Leaves: counts and histograms
for the operator. What browsers tell is what browsers tell: it is bounded by what can be true, and labelled as theirs.

A histogram is a few (`le_s`, count) pairs: so many took at most `le_s` seconds, and more than the bucket before it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

SHOWN, CLICKED = "shown", "clicked"
KINDS = frozenset({SHOWN, CLICKED})
ACCEPTED = "accepted"
"""The stages of `times` are ACCEPTED and SHOWN, both counted from `Alert.released_at`."""

BUCKETS_S = (
    *(0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0),
    *(1800.0, 3600.0, 43_200.0, 2_419_200.0),
)
"""Upper ends, seconds. The last one is the longest TTL there is, four weeks: whatever took longer counts there too."""

TOLD_AT_MOST = 30_000
"""Of an alert to more than that only a share tells that it was shown: a million would be as many requests to one site
within half a minute. 30,000 give the share to half a percent."""

GOAL_S = 120.0

Histogram = Sequence[tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one browser told: that it showed or clicked the alert named `receipt`, in bucket number `bucket`."""

    receipt: str
    kind: str
    bucket: int


class ReceiptStore(Protocol):
    """What browsers told, and how long alerts took. Synchronous."""

    def add(self, told: Mapping[Receipt, int], now: datetime) -> Mapping[tuple[str, float], int]:
        """Count what was told, in one transaction; returns {(kind, end of the bucket): how many were counted}.

        What names no alert, or one that nobody can have on a screen any more, is left out without a word.
        """

    def receipts(self, alert_id: int) -> Mapping[str, int]:
        """{kind: browsers} that told so, projected from the share that was asked; never above the audience."""

    def times(self, alert_id: int) -> Mapping[str, Histogram]:
        """{stage: histogram}, buckets in order, empty ones left out. `shown` counts only browsers that told."""


def bucket_of(seconds: float) -> int:
    """The number of the bucket that `seconds` belongs to; what is below nothing counts as nothing."""
    return min(bisect_left(BUCKETS_S, seconds), len(BUCKETS_S) - 1)


def end_of(seconds: float) -> float:
    """The upper end of the bucket that `seconds` belongs to."""
    return BUCKETS_S[bucket_of(seconds)]


def believable(bucket: int, since_s: float) -> int:
    """The bucket that a browser named, or that of now if it says that it showed an alert later than now."""
    return min(bucket, bucket_of(since_s))


def share_asked(audience: int) -> float:
    """The share of an audience that is asked to tell, from 0 (exclusive) to 1."""
    return 1.0 if audience <= TOLD_AT_MOST else TOLD_AT_MOST / audience


def total(histogram: Histogram) -> int:
    """How many it counts."""
    return sum(count for _, count in histogram)


def quantile_s(histogram: Histogram, share: float) -> float | None:
    """The end of the bucket within which `share` (0.5, 0.9) of them are; None where nothing was counted."""
    wanted, seen = share * total(histogram), 0
    for le_s, count in histogram:
        seen += count
        if seen >= wanted > 0:
            return le_s
    return None


def share_within(histogram: Histogram, seconds: float = GOAL_S) -> float | None:
    """The share that took at most `seconds`, an end of a bucket; None where nothing was counted."""
    counted = total(histogram)
    return sum(count for le_s, count in histogram if le_s <= seconds) / counted if counted else None
