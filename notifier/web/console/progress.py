"""What came of an alert in figures, and how fast it goes out: counts in, what the pages show out.

`figures` is pure. `Meter` remembers the last looks at each alert under way, so that the rate is that of the last half
minute: an average since the start would promise too much of one that has come to a stop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from notifier.alerts.alert import Alert
from notifier.alerts.receipts import ACCEPTED, CLICKED, GOAL_S, SHOWN, Histogram, quantile_s, share_within

WINDOW_S = 30.0
LEAST_S = 1.0
# Alerts under way that are remembered.
REMEMBERED = 200
RETRYING = "retrying"
DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Figures:
    """One alert's figures. Times are seconds from publication to a push service's yes; `within` is a share.

    `shown` and `clicked` are what browsers told; None where none has.
    """

    accepted: int = 0
    failed: int = 0
    retrying: int = 0
    p50_s: float | None = None
    p90_s: float | None = None
    within: float | None = None
    shown: int | None = None
    clicked: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an alert is: `rate` in people a second; None where not known.

    `left_s` is until everybody has been tried once, at that rate; None where that is so already, or nothing moves.
    """

    settled: int
    rate: float | None = None
    left_s: float | None = None


def figures(alert: Alert, receipts: Mapping[str, int], times: Mapping[str, Histogram]) -> Figures:
    """The figures of an alert, given what was counted of it."""
    counts = alert.counts
    accepted, retrying = counts.get(DELIVERED, 0), counts.get(RETRYING, 0)
    told = times.get(ACCEPTED, ())
    published_at = alert.published_at or alert.message.published_at
    before_s = max(0.0, (alert.released_at - published_at).total_seconds())
    half, most = quantile_s(told, 0.5), quantile_s(told, 0.9)
    return Figures(
        accepted=accepted,
        failed=settled(alert) - accepted,
        retrying=retrying,
        p50_s=None if half is None else before_s + half,
        p90_s=None if most is None else before_s + most,
        within=share_within(told, GOAL_S - before_s),
        shown=receipts.get(SHOWN),
        clicked=receipts.get(CLICKED),
    )


def settled(alert: Alert) -> int:
    """How many of its audience are dealt with: accepted, gone or refused; retries are not."""
    return sum(count for outcome, count in alert.counts.items() if outcome != RETRYING)


class Meter:
    """How fast alerts go out, as whoever looks at the console sees them."""

    def __init__(self) -> None:
        self._looks: dict[int, deque[tuple[datetime, int]]] = {}
        self._lock = Lock()

    def progress(self, alert: Alert, now: datetime) -> Progress:
        """How far the alert is now, by the rate since the looks of the last half minute."""
        done = settled(alert)
        with self._lock:
            looks = self._looks.setdefault(alert.id, deque())
            while looks and (now - looks[0][0]).total_seconds() > WINDOW_S:
                looks.popleft()
            first_at, first = looks[0] if looks else (alert.released_at, 0)
            looks.append((now, done))
            while len(self._looks) > REMEMBERED:
                del self._looks[next(iter(self._looks))]
        passed_s = (now - first_at).total_seconds()
        if passed_s < LEAST_S:
            return Progress(done)
        rate = max(0, done - first) / passed_s
        untried = max(0, alert.audience - done - alert.counts.get(RETRYING, 0))
        return Progress(done, rate, untried / rate if rate and untried else None)
