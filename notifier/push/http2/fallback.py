"""The other transport, for services that have no HTTP/2 or break its rules: it works in a thread of its own.

PushRequests of one lane enter, (ticket, PushResponse) leave; the tickets are those of `transport.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

from notifier.push.bounded_dict import BoundedDict
from notifier.push.http2.lane import ServiceLane
from notifier.push.request import PushRequest
from notifier.push.transport import NO_PATIENCE, Patience, PushResponse, PushTransport, with_lanes

WITHOUT_HTTP2_S = 600.0
"""How long a service without HTTP/2, or with a broken one, is left to this transport before it is tried again."""


class FallbackTransport:
    """Owns `transport`. `on_done` is called, in another thread, whenever something can be collected."""

    def __init__(self, transport: PushTransport, on_done: Callable[[object], None]) -> None:
        self._transport, self._on_done = with_lanes(transport), on_done
        self._thread = ThreadPoolExecutor(1, "push-fallback")
        self._until: BoundedDict[float] = BoundedDict()
        self._open: dict[int, tuple[ServiceLane, int]] = {}
        self._told: Future[list[tuple[int, PushResponse]]] | None = None

    def serves(self, origin: str) -> bool:
        """Whether this origin is left to this transport now."""
        if origin.startswith("http:"):
            return True
        until = self._until.get(origin)
        if until is not None and until <= monotonic():
            del self._until[origin]
            return False
        return until is not None

    def take_over(self, origin: str) -> None:
        """Serve this origin for a while."""
        self._until[origin] = monotonic() + WITHOUT_HTTP2_S

    def send(
        self,
        lane: ServiceLane,
        tickets: Sequence[int],
        requests: Sequence[PushRequest],
        deadline_s: float,
        patience: Patience | None,
    ) -> None:
        """Begin to send for a lane that has nothing here; without `patience` all are waited for."""
        limits = {lane.origin: lane.streams}
        lane.left_over_tickets = list(tickets)
        if patience is None:
            lane.left_over = self._thread.submit(self._transport.send, requests, deadline_s, limits)
        else:
            known = {origin: s for origin, s in patience.items() if origin == lane.origin} or NO_PATIENCE
            lane.left_over = self._thread.submit(self._transport.begin, requests, deadline_s, limits, known)
        lane.left_over.add_done_callback(self._on_done)

    def collect(self, lane: ServiceLane) -> list[tuple[int, PushResponse]]:
        """Wait for what was sent for a lane; what is still open comes with `late`."""
        if lane.left_over is None:
            return []
        told = list(zip(lane.left_over_tickets, lane.left_over.result(), strict=True))
        lane.left_over, lane.progress_at = None, monotonic()
        self._open |= {answer.ticket: (lane, ticket) for ticket, answer in told if answer.error == "open"}
        return [(ticket, answer) for ticket, answer in told if answer.error != "open"]

    def late(self) -> list[tuple[ServiceLane, int, PushResponse]]:
        """What has come of those who were open; asks for more, in the thread."""
        found: list[tuple[ServiceLane, int, PushResponse]] = []
        if self._told is not None and self._told.done():
            told, self._told = self._told.result(), None
            found = [(*self._open.pop(ticket), answer) for ticket, answer in told]
        if self._open and self._told is None:
            self._told = self._thread.submit(self._transport.late)
            self._told.add_done_callback(self._on_done)
        return found

    def close(self) -> None:
        """End the thread and the transport."""
        self._thread.shutdown(cancel_futures=True)
        self._transport.close()
