"""How many requests of one client are under way: behind a proxy all connections are the proxy's, clients are not.

Enters: requests as a trusted proxy describes them. Leaves: the same, or 429 where the client has too many open already.
This machine itself has no such bound: it has the port's.
"""

from __future__ import annotations

from collections import Counter

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from notifier.errors import TooOften
from notifier.web import errors
from notifier.web.clients import client_of, from_this_machine

# A newsroom behind one address: each browser has six connections at most, and few of them are busy at once.
MOST_EACH = 200
AGAIN_S = 5


class UnderWay:
    """Counts requests from their head to the end of their answer. Used by the event loop's thread only."""

    def __init__(self, app: ASGIApp, most_each: int = MOST_EACH) -> None:
        self._app, self._most_each = app, most_each
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that there are too many."""
        if scope["type"] != "http" or from_this_machine(scope):
            await self._app(scope, receive, send)
            return
        client = client_of(scope)
        if self._open[client] >= self._most_each:
            refusal = errors.answer(Request(scope), TooOften.code, TooOften.http_status, {"Retry-After": str(AGAIN_S)})
            await refusal(scope, receive, send)
            return
        self._open[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
