"""What a wire is: PushRequests enter, one Answer for each leaves, in the same order; next: `outcome.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol

from notifier.push.request import PushRequest

NetworkError = Literal["timeout", "dns", "connect", "tls", "address-refused", "closed", "reset", "protocol", "held"]
"""Why there is no status. From `timeout`, `closed` and `reset` nobody knows whether the service took the message;
`held` was not sent at all, for the service's sake (`pacing.py`)."""

STREAMS = 100
"""Requests that may be under way to one service at a time, where nobody says otherwise."""

NO_LIMITS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, or the reason why there is none; exactly one of the two.

    `retry_after` is the header as it came (seconds or an HTTP date, RFC 9110 section 10.2.3); `elapsed_s` counts from
    the moment when the request was given to a connection.
    """

    status: int | None = None
    error: NetworkError | None = None
    retry_after: str | None = None
    elapsed_s: float = 0.0


class Wire(Protocol):
    """Sends to any number of push services, keeping connections for the next time. Owned by one thread.

    Redirects are not followed, certificates are always verified, and every address passes the guard when the socket
    connects.
    """

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[Answer]:
        """Send all and wait for the answers; `streams`: origin -> how many requests at a time, `STREAMS` elsewhere.

        Returns within about `deadline_s` whatever the services do: those without an answer then are `timeout`.
        A request that a service provably did not process (REFUSED_STREAM, GOAWAY: RFC 9113 section 8.7) is sent
        again. Raises nothing for what a service does.
        """

    def close(self) -> None:
        """Close every connection."""
