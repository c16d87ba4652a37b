"""How many requests of one client, or of one session or token, are under way at once, and how many are worked on.

Behind a proxy all connections are the proxy's, clients are not; and the console's pages are worked out by the threads
that readers' pages need. Enters: requests as a trusted proxy describes them. Leaves: the same, or 429 where the client
or the credential has too many open already. Of one client's pages a few are worked on at a time: its others wait in a
line of their own, so that whoever comes meanwhile does not stand behind all of them. This machine's own clients have no
bound but the port's.
"""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from hashlib import sha256

from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.errors import TooOften
from notifier.feeds.hosts import HostGate
from notifier.web import errors
from notifier.web.clients import client_of, from_this_machine
from notifier.web.console.access import COOKIE

# A newsroom behind one address: each browser has six connections at most, and few of them are busy at once.
MOST_EACH = 200
AGAIN_S = 5
# Of one session or token at the operators' addresses: a browser has six connections at most, and threads are forty.
MOST_OF_A_CREDENTIAL = 8
# Of one client's pages and lists; each takes some milliseconds of a thread, of which there are forty.
MOST_AT_WORK = 8
# What no thread works on, or what waits for others (a picture's publisher).
WITHOUT_A_TURN = ("/static/", "/pictures/", "/websub/", "/healthz")
CONSOLE = "/console"
OPERATORS = (CONSOLE, "/api/v1")
STREAMS = "/console/events"
"""Held open, without a thread, and counted by `streams`."""


class UnderWay:
    """Counts requests from their head to the end of their answer. Used by the event loop's thread only."""

    def __init__(
        self, app: ASGIApp, most_each: int = MOST_EACH, most_of_a_credential: int = MOST_OF_A_CREDENTIAL
    ) -> None:
        self._app, self._most_each, self._most_of_a_credential = app, most_each, most_of_a_credential
        self._open: Counter[str | bytes] = Counter()
        self._turns = HostGate(MOST_AT_WORK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that there are too many."""
        bounds = self._bounds(scope) if scope["type"] == "http" else {}
        if any(self._open[who] >= most for who, most in bounds.items()):
            refusal = errors.answer(Request(scope), TooOften.code, TooOften.http_status, {"Retry-After": str(AGAIN_S)})
            await refusal(scope, receive, send)
            return
        self._open.update(bounds.keys())
        try:
            async with AsyncExitStack() as turn:
                await turn.enter_async_context(self._turn(scope))

                async def answering(message: Message) -> None:
                    # The work is done: how slowly an answer is taken holds up none of the client's others.
                    if message["type"] == "http.response.start":
                        await turn.aclose()
                    await send(message)

                await self._app(scope, receive, answering)
        finally:
            self._open.subtract(bounds.keys())
            for who in bounds:
                if not self._open[who]:
                    del self._open[who]

    def _turn(self, scope: Scope) -> AbstractAsyncContextManager[None]:
        """A client's turn to be worked for; what brings a body has none, as it may be long in coming."""
        is_asking = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        if not is_asking or from_this_machine(scope) or scope["path"].startswith((*OPERATORS, *WITHOUT_A_TURN)):
            return nullcontext()
        return self._turns.of(client_of(scope))

    def _bounds(self, scope: Scope) -> dict[str | bytes, int]:
        """Whom the request is counted for, and how many each may have."""
        bounds: dict[str | bytes, int] = {} if from_this_machine(scope) else {client_of(scope): self._most_each}
        path = scope["path"]
        if path.startswith(OPERATORS) and path != STREAMS and (credential := _credential(scope, path)):
            bounds[sha256(credential.encode()).digest()] = self._most_of_a_credential
        return bounds


def _credential(scope: Scope, path: str) -> str:
    """The session or token as the routes read it: what else a header says makes nobody somebody else."""
    shown = HTTPConnection(scope)
    if path.startswith(CONSOLE):
        return shown.cookies.get(COOKIE, "")
    return get_authorization_scheme_param(shown.headers.get("authorization"))[1]
