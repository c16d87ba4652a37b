"""Counts what browsers tell of alerts, in memory, until it is handed to the store.

Enters: a receipt, and which client tells it. Leaves: counts, once in a while.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from datetime import datetime, timedelta
from threading import Lock

from notifier.alerts.receipts import SHOWN, Receipt, ReceiptStore
from notifier.clock import Clock
from notifier.telemetry import Metrics
from notifier.web.clients import is_whole_network

# Different things told within a second; what is more than that was made up.
MOST_TOLD = 10_000
# Of one alert and kind, from one client within a day. A /64 is a household or a phone; behind an IPv4 address may be a
# newsroom or a part of a mobile network. What is more is left out: the counts say "at least" and decide nothing.
MOST_OF_NETWORK = 6
MOST_OF_ADDRESS = 60
DAY = timedelta(days=1)
REMEMBERED = 50_000


class ReportLimits:
    """How often each client told the same of an alert, in memory; whoever told longest ago is forgotten first."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[str, str, str], tuple[datetime, int]] = OrderedDict()
        self._lock = Lock()

    def counts(self, told: Receipt, client: str, now: datetime) -> bool:
        """Whether what `client` tells now is to be counted."""
        key = (told.receipt, told.kind, client)
        with self._lock:
            since, times = self._told.pop(key, (now, 0))
            if now - since >= DAY:
                since, times = now, 0
            self._told[key] = (since, times + 1)
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
        return times < (MOST_OF_NETWORK if is_whole_network(client) else MOST_OF_ADDRESS)


class ReceiptCounter:
    """Counts in memory, bounded, and hands over once in a while."""

    def __init__(self, store: ReceiptStore, clock: Clock, metrics: Metrics) -> None:
        self._store, self._clock, self._metrics = store, clock, metrics
        self._lock = Lock()
        self._told: Counter[Receipt] = Counter()
        self._limits = ReportLimits()

    def hear(self, told: Receipt, client: str) -> None:
        """Count this, unless the client has told it often enough for today."""
        if self._limits.counts(told, client, self._clock()):
            self.tell(told)

    def tell(self, told: Receipt, count: int = 1) -> None:
        """Count this with the next that are handed over; forgotten where too many different things were told."""
        with self._lock:
            if told in self._told or len(self._told) < MOST_TOLD:
                self._told[told] += count

    def hand_over(self) -> None:
        """Give the store what was told since the last time. If it fails, it is told again. Runs in a worker thread."""
        with self._lock:
            told, self._told = self._told, Counter()
        if not told:
            return
        try:
            counted = self._store.add(told, self._clock())
        except Exception:
            for one, count in told.items():
                self.tell(one, count)
            raise
        for (kind, le_s), count in counted.items():
            self._metrics.receipts.labels(kind).inc(count)
            for _ in range(count if kind == SHOWN else 0):
                self._metrics.decision_to_shown.observe(le_s)
