"""What one origin has in a wire: its connections, who waits for room on them, and who was left under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, field

from notifier.push.http2.channel import Channel
from notifier.push.http2.connection import Connection
from notifier.push.request import PushRequest
from notifier.push.send import STREAMS, Answer, Patience, patience_for

STOPPING_429S = 5
"""429s more than other answers, in a row so to speak, after which the rest of a batch is not sent: a service that
limits us says so to everybody, and a few devices that say so of themselves do not add up to it."""


@dataclass(slots=True, eq=False)
class Link:
    """A connection and the socket under it; `used_at` is when it last brought something.

    `brought` something in the batch under way; `is_doubtful`: it brought nothing in a whole batch, and gets no more
    until it does.
    """

    origin: str
    channel: Channel
    connection: Connection
    used_at: float
    brought: bool = False
    is_doubtful: bool = False


@dataclass(slots=True)
class Lane:
    """One origin. A ticket names a request.

    `waiting`: not given to a connection yet; `pending`: how many of the batch under way have no answer; `open`: those
    of earlier batches, ticket -> when they end; `kept`: requests of those that wait for the first connection.
    """

    origin: str
    streams: int = STREAMS
    waiting: deque[int] = field(default_factory=deque)
    tickets: list[int] = field(default_factory=list)
    pending: int = 0
    open: dict[int, float] = field(default_factory=dict)
    kept: dict[int, PushRequest] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    opening: list[Future[Channel]] = field(default_factory=list)
    refusals: dict[int, int] = field(default_factory=dict)
    fruitless: int = 0
    progress_at: float = 0.0
    run_of_429: int = 0
    left_over: Future[list[Answer]] | None = None
    left_over_tickets: list[int] = field(default_factory=list)

    def begin(self, streams: int, now_s: float) -> None:
        """A new batch; its tickets are added by the wire."""
        self.streams, self.progress_at = streams, now_s
        self.tickets, self.pending, self.run_of_429, self.fruitless = [], 0, 0, 0
        self.refusals.clear()
        for link in self.links:
            link.brought = False

    @property
    def is_active(self) -> bool:
        """Whether anything is to be done for it."""
        return bool(self.pending or self.open)

    @property
    def is_stopped(self) -> bool:
        """The service said 429 to one after the other."""
        return self.run_of_429 >= STOPPING_429S

    @property
    def usable(self) -> list[Link]:
        """The connections that may get more."""
        return [link for link in self.links if not link.is_doubtful]

    @property
    def flying(self) -> int:
        """About how many of the batch under way are with the service."""
        return max(0, sum(link.connection.open_streams for link in self.links) - len(self.open))

    def deserves_until(self, patience: Patience, first_done_s: float | None) -> float:
        """Until when (monotonic) others wait for it; `first_done_s`: how long the first that is done has taken."""
        asked, answered = len(self.tickets), len(self.tickets) - self.pending
        return self.progress_at + patience_for(
            patience, self.origin, asked=asked, answered=answered, unsent=len(self.waiting), first_done_s=first_done_s
        )

    def cancel(self, tickets: Collection[int]) -> None:
        """Forget these, whatever comes for them."""
        for ticket in tickets:
            self.open.pop(ticket, None)
            self.kept.pop(ticket, None)
        if any(ticket in tickets for ticket in self.waiting):
            self.waiting = deque(ticket for ticket in self.waiting if ticket not in tickets)
        for link in self.links:
            link.connection.cancel(tickets)
