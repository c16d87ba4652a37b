"""What browsers tell of alerts: that one was shown, or clicked, and how long after it was sent.

Enters: a POST with an alert's random name and nothing of the browser's. Leaves: counts, handed to the store once a
second. An unknown name is answered like a known one, so that nobody learns anything by asking.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from datetime import datetime, timedelta
from threading import Lock
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from notifier.alerts.receipts import BUCKETS_S, SHOWN, ReceiptStore, Told
from notifier.clock import Clock
from notifier.telemetry import Metrics
from notifier.web import errors
from notifier.web.bodies import Body
from notifier.web.clients import client_of, is_whole_network
from notifier.web.rates import limit_receipts
from notifier.web.security import refuse_foreign
from notifier.web.services import services_of

MAX_BODY_BYTES = 256
# Different things told within a second; what is more than that was made up.
MOST_TOLD = 10_000
# Of one alert and kind, from one client within a day. A /64 is a household or a phone; behind an IPv4 address may be a
# newsroom or a part of a mobile network. What is more is left out: the counts say "at least" and decide nothing.
MOST_OF_NETWORK = 6
MOST_OF_ADDRESS = 60
DAY = timedelta(days=1)
REMEMBERED = 50_000

router = APIRouter(prefix="/api", tags=["subscribers"], responses=errors.PROBLEM, max_body_size=MAX_BODY_BYTES)


class ReceiptBody(Body):
    """`receipt` is the alert's name from its payload; `bucket` the number of the step that it was shown in."""

    receipt: Annotated[str, StringConstraints(pattern=r"^[\w-]{16,32}$")]
    kind: Literal["shown", "clicked"]
    bucket: int = Field(ge=0, lt=len(BUCKETS_S))


class Tellers:
    """How often each client told the same of an alert, in memory; whoever told longest ago is forgotten first."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[str, str, str], tuple[datetime, int]] = OrderedDict()
        self._lock = Lock()

    def counts(self, told: Told, client: str, now: datetime) -> bool:
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


class ReceiptDesk:
    """Counts in memory, bounded, and hands over once in a while."""

    def __init__(self, store: ReceiptStore, clock: Clock, metrics: Metrics) -> None:
        self._store, self._clock, self._metrics = store, clock, metrics
        self._lock = Lock()
        self._told: Counter[Told] = Counter()
        self._tellers = Tellers()

    def hear(self, told: Told, client: str) -> None:
        """Count this, unless the client has told it often enough for today."""
        if self._tellers.counts(told, client, self._clock()):
            self.tell(told)

    def tell(self, told: Told, count: int = 1) -> None:
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


@router.post("/receipts", status_code=204)
async def tell(body: ReceiptBody, request: Request) -> Response:
    """Count that a browser showed or clicked an alert. What names no alert is answered alike."""
    # Called, not depended on: FastAPI would take each to a thread, which costs more than all the rest.
    services = services_of(request)
    refuse_foreign(request, services)
    limit_receipts(request)
    if services.receipts is not None:
        services.receipts.hear(Told(body.receipt, body.kind, body.bucket), client_of(request.scope))
    return Response(status_code=204)
