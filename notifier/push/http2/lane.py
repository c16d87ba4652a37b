"""What one origin has in a transport: its connections, who waits for room on them, and who was left under way."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import ceil

from notifier.push.http2.channel import Channel
from notifier.push.http2.connection import Http2Connection
from notifier.push.http2.suspects import Suspects
from notifier.push.request import PushRequest
from notifier.push.transport import STREAMS, TAIL_S, Patience, PushResponse, patience_for

STOPPING_429S = 5
"""429s more than other answers, in a row so to speak, after which the rest of a batch is not sent: a service that
limits us says so to everybody, and a few devices that say so of themselves do not add up to it."""
LEAST_TAIL_S = 0.001
MOST_SPARE, WORTH_ONE_MORE = 7, 8
"""Connections more than needed, where some end in the midst of a batch: they share what the others would take along.
And so many requests each, at least: an origin that a stranger invented for two gets no connection for nobody."""


@dataclass(slots=True, eq=False)
class Link:
    """A connection and the socket under it; `used_at` is when it last brought something.

    `brought` something in the batch under way, `has_brought` at all; `is_doubtful`: it brought nothing in a whole
    batch, and gets no more until it does.
    """

    origin: str
    channel: Channel
    connection: Http2Connection
    used_at: float
    brought: bool = False
    has_brought: bool = False
    is_doubtful: bool = False


@dataclass(slots=True)
class ServiceLane:
    """One origin. A ticket names a request.

    `waiting`: not given to a connection yet; `pending`: how many of the batch under way have no answer; `strangers`:
    its tickets that tell nothing of the service (PushRequest.tells), for whom nobody waits long; `open`: those of
    earlier batches, ticket -> when they end; `kept`: requests of those that wait for the first connection;
    `suspects`: whose connection died; `each`: how many requests its connections take; `ended`: connections that ended
    in the batch under way, `spare`: how many more there are for that, so that one that ends takes few along;
    `fruitless` and `broken`: how many in a row brought nothing, or broke the rules; `tail_s`: how long the last few
    without an answer are waited for, less each time that it was in vain; `session`: of a connection that brought
    something and ended, for the next one to resume.
    """

    origin: str
    streams: int = STREAMS
    waiting: deque[int] = field(default_factory=deque)
    tickets: list[int] = field(default_factory=list)
    strangers: frozenset[int] = frozenset()
    pending: int = 0
    open: dict[int, float] = field(default_factory=dict)
    kept: dict[int, PushRequest] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    opening: list[Future[Channel]] = field(default_factory=list)
    refusals: dict[int, int] = field(default_factory=dict)
    suspects: Suspects = field(default_factory=Suspects)
    each: int = STREAMS
    ended: int = 0
    spare: int = 0
    fruitless: int = 0
    broken: int = 0
    has_answered: bool = False
    tail_s: float = TAIL_S
    progress_at: float = 0.0
    run_of_429: int = 0
    session: ssl.SSLSession | None = None
    left_over: Future[list[PushResponse]] | None = None
    left_over_tickets: list[int] = field(default_factory=list)

    def begin(self, streams: int, now_s: float) -> None:
        """A new batch; its tickets are added by the transport."""
        self.streams, self.progress_at = streams, now_s
        self.tickets, self.pending, self.run_of_429, self.fruitless = [], 0, 0, 0
        self.refusals.clear()
        self.suspects.clear()
        self.spare = min(MOST_SPARE, max(self.ended, self.spare - 1))
        self.ended = 0
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
        """The connections that may get more, now or when they have room."""
        return [link for link in self.links if not (link.is_doubtful or link.connection.is_leaving)]

    @property
    def flying(self) -> int:
        """About how many of the batch under way are with the service."""
        return max(0, sum(link.connection.open_streams for link in self.links) - len(self.open))

    def deserves_until(self, patience: Patience, first_done_s: float | None, strangers: int) -> float:
        """Until when (monotonic) others wait for it.

        `first_done_s`: how long the first origin that is done has taken; so many `strangers` here have no answer. Only
        where everybody here is a stranger are they waited for as others are.
        """
        known = len(self.tickets) - len(self.strangers)
        if not known:
            known, strangers = len(self.tickets), 0
        return self.progress_at + patience_for(
            patience,
            self.origin,
            asked=known,
            answered=known - (self.pending - strangers),
            unsent=max(0, len(self.waiting) - strangers),
            first_done_s=first_done_s,
            tail_s=self.tail_s,
        )

    def was_waited_for(self, *, in_vain: bool) -> None:
        """A batch is over: whoever is slow at the end may come while the next one is sent."""
        self.tail_s = max(LEAST_TAIL_S, self.tail_s / 2) if in_vain else min(TAIL_S, self.tail_s * 2)

    def wanted(self) -> int:
        """How many connections there should be; those left open take room as well."""
        usable = self.usable
        self.each = max(1, min((link.connection.max_streams for link in usable if link.has_brought), default=self.each))
        needed = min(self.streams, len(self.waiting) + self.flying) + (len(self.open) if usable else 0)
        spare = min(self.spare, needed // WORTH_ONE_MORE) if self.pending else 0
        wanted = ceil(needed / self.each) + spare
        if self.suspects and self.waiting and (width := self.suspects.width(self.waiting[0])) is not None:
            busy = sum(link.connection.open_streams > 0 for link in usable)
            wanted = max(wanted, busy + ceil(len(self.waiting) / width))
        return wanted

    def share(self, links: int) -> int:
        """How many of those that wait one connection gets, of so many."""
        return ceil(len(self.waiting) / links) if self.spare and links else len(self.waiting)

    def take(self, size: int, under_way: int) -> list[int]:
        """At most `size` of those that wait, for a connection on which so many are under way."""
        if not self.suspects:
            return [self.waiting.popleft() for _ in range(size)]
        taken: list[int] = []
        while self.waiting and len(taken) < size:
            width = self.suspects.width(self.waiting[0])
            if width is not None and under_way + len(taken) >= width:
                break
            taken.append(self.waiting.popleft())
        return taken

    def cancel(self, tickets: Collection[int]) -> None:
        """Forget these, whatever comes for them."""
        for ticket in tickets:
            self.open.pop(ticket, None)
            self.kept.pop(ticket, None)
        if any(ticket in tickets for ticket in self.waiting):
            self.waiting = deque(ticket for ticket in self.waiting if ticket not in tickets)
        for link in self.links:
            link.connection.cancel(tickets)
