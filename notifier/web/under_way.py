"""How many requests of one client, or of one session or token, are under way at once.

Behind a proxy all connections are the proxy's, clients are not; and the console's pages are worked out by the threads
that readers' pages need. Enters: requests as a trusted proxy describes them. Leaves: the same, or 429 where the client
or the credential has too many open already. This machine's own clients have no bound but the port's.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from notifier.errors import TooOften
from notifier.web import errors
from notifier.web.clients import client_of, from_this_machine

# A newsroom behind one address: each browser has six connections at most, and few of them are busy at once.
MOST_EACH = 200
AGAIN_S = 5
# Of one session or token at the operators' addresses: a browser has six connections at most, and threads are forty.
MOST_OF_A_CREDENTIAL = 8
OPERATORS = ("/console", "/api/v1")
STREAMS = "/console/events"
"""Held open, without a thread, and counted by `streams`."""


class UnderWay:
    """Counts requests from their head to the end of their answer. Used by the event loop's thread only."""

    def __init__(
        self, app: ASGIApp, most_each: int = MOST_EACH, most_of_a_credential: int = MOST_OF_A_CREDENTIAL
    ) -> None:
        self._app, self._most_each, self._most_of_a_credential = app, most_each, most_of_a_credential
        self._open: Counter[str | bytes] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that there are too many."""
        bounds = self._bounds(scope) if scope["type"] == "http" else {}
        if any(self._open[who] >= most for who, most in bounds.items()):
            refusal = errors.answer(Request(scope), TooOften.code, TooOften.http_status, {"Retry-After": str(AGAIN_S)})
            await refusal(scope, receive, send)
            return
        self._open.update(bounds.keys())
        try:
            await self._app(scope, receive, send)
        finally:
            self._open.subtract(bounds.keys())
            for who in bounds:
                if not self._open[who]:
                    del self._open[who]

    def _bounds(self, scope: Scope) -> dict[str | bytes, int]:
        """Whom the request is counted for, and how many each may have."""
        bounds: dict[str | bytes, int] = {} if from_this_machine(scope) else {client_of(scope): self._most_each}
        path = scope["path"]
        if path.startswith(OPERATORS) and path != STREAMS:
            shown = dict(scope["headers"])
            credential = shown.get(b"authorization") or shown.get(b"cookie")
            if credential:
                bounds[sha256(credential).digest()] = self._most_of_a_credential
        return bounds
