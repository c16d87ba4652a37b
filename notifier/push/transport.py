"""What a transport is: PushRequests enter, one PushResponse for each leaves, in the same order; next: `outcome.py`.

A PushTransport waits for all of them; a LanedTransport waits for nobody longer than the others can bear, and tells the
rest later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol, runtime_checkable

from notifier.push.request import PushRequest

NetworkError = Literal[
    "timeout", "dns", "connect", "tls", "address-refused", "closed", "reset", "protocol", "deferred", "open"
]
"""Why there is no status. From `timeout`, `closed` and `reset` nobody knows whether the service took the message;
`deferred` was not sent at all, for the service's sake (`pacing.py`); `open` is still under way (LanedTransport)."""

STREAMS = 100
"""Requests that may be under way to one service at a time, where nobody says otherwise."""

NO_LIMITS: Mapping[str, int] = MappingProxyType({})

PATIENCE_S = 1.0
"""How long an origin may bring nothing while others wait, where nothing is known of it."""
NEW_S, NEW_TIMES, KNOWN_S, KNOWN_TIMES = 0.05, 0.5, 0.2, 2.0
"""Once another origin is done: at least so long, or so many times as long as that took; less for one that brought
nothing and is not known to be prompt."""
TAIL_SHARE, TAIL_S = 0.06, 0.015
"""When so few of a batch have no answer they are hardly waited for: they may come while the next one is sent."""
LONGEST_S = 1.0
"""After that a batch is over for all that is not answered, however steadily an origin drips."""
MOST_OPEN = 512
"""Requests that one transport leaves under way to one origin; beyond, those who have waited longest are given up."""

Patience = Mapping[str, float]
NO_PATIENCE: Patience = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PushResponse:
    """A status, or the reason why there is none; exactly one of the two.

    `retry_after` is the header as it came (seconds or an HTTP date, RFC 9110 section 10.2.3); `elapsed_s` counts from
    the moment when the request was given to a connection. `wait_s` is our own wait for who is `deferred`; `ticket`
    names who is `open`.
    """

    status: int | None = None
    error: NetworkError | None = None
    retry_after: str | None = None
    elapsed_s: float = 0.0
    wait_s: float | None = None
    ticket: int = 0


class PushTransport(Protocol):
    """Sends to any number of push services, keeping connections for the next time. Owned by one thread.

    Redirects are not followed, certificates are always verified, and every address passes the guard when the socket
    connects.
    """

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[PushResponse]:
        """Send all and wait for the answers; `streams`: origin -> how many requests at a time, `STREAMS` elsewhere.

        Returns within about `deadline_s` whatever the services do: those without an answer then are `timeout`.
        A request that a service provably did not process (REFUSED_STREAM, GOAWAY: RFC 9113 section 8.7) is sent
        again. Raises nothing for what a service does.
        """

    def close(self) -> None:
        """Close every connection."""


def patience_for(
    patience: Patience,
    origin: str,
    *,
    asked: int,
    answered: int,
    unsent: int,
    first_done_s: float | None,
    tail_s: float = TAIL_S,
) -> float:
    """Seconds that an origin may bring nothing while a batch waits for it.

    Of `asked` requests so many are `answered` and `unsent`; `first_done_s`: after how many seconds another origin was
    done, None while none is; `tail_s`: for the last few.
    """
    limit_s = patience.get(origin, PATIENCE_S)
    if answered and not unsent and asked - answered <= TAIL_SHARE * asked + 1:
        return min(limit_s, tail_s)
    if first_done_s is None:
        return limit_s
    known = answered > 0 or origin in patience
    return min(limit_s, max(KNOWN_S, KNOWN_TIMES * first_done_s) if known else max(NEW_S, NEW_TIMES * first_done_s))


@runtime_checkable
class LanedTransport(PushTransport, Protocol):
    """A PushTransport in which no origin waits for another: who is late stays under way, and is told of later."""

    def begin(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int], patience: Patience
    ) -> list[PushResponse]:
        """Send all, and wait for each origin only while it brings something.

        `patience`: origin -> seconds that it may bring nothing, `PATIENCE_S` elsewhere; 0 waits for nothing there.
        Who has no answer by then is `open` with a ticket, or `deferred` where it was not sent yet. What is open ends,
        as `timeout`, `deadline_s` after it began.
        """

    def late(self, wait_s: float = 0.0) -> list[tuple[int, PushResponse]]:
        """(ticket, PushResponse) of what was open and has ended since; waits for a first one, at most `wait_s`."""


class _BlockingTransport:
    """A LanedTransport of a PushTransport that knows only how to wait: nothing is ever open."""

    def __init__(self, transport: PushTransport) -> None:
        self._transport = transport

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[PushResponse]:
        return self._transport.send(batch, deadline_s, streams)

    def begin(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int], patience: Patience
    ) -> list[PushResponse]:
        return self._transport.send(batch, deadline_s, streams)

    def late(self, wait_s: float = 0.0) -> list[tuple[int, PushResponse]]:
        return []

    def close(self) -> None:
        self._transport.close()


def with_lanes(transport: PushTransport) -> LanedTransport:
    """The transport itself where it has lanes, or one that waits for all."""
    return transport if isinstance(transport, LanedTransport) else _BlockingTransport(transport)
