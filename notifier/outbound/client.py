"""Asks others' servers from the event loop: names, guard or proxy, deadlines, bounds, redirects, kept connections.

Enters: a `Request`, and how long it may take. Leaves: a `Response`, or an exception of `exchange`. libcurl speaks the
protocol and keeps connections (docs/decisions/0023).
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping
from dataclasses import dataclass

from notifier.outbound.exchange import RedirectRefused, Request, Response
from notifier.outbound.handle import CONNECT_S, Handle
from notifier.outbound.multi import Multi
from notifier.outbound.names import Names, Resolver
from notifier.outbound.redirects import REDIRECTS, Chain, headers_for
from notifier.outbound.resolver import ThreadResolver
from notifier.outbound.route import Route
from notifier.outbound.target import target_of


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """A connection is opened within `connect_s` seconds; at most `kept` are kept unused and `open` are open in all.
    What a name resolved to is believed for `names_s` seconds."""

    connect_s: float = CONNECT_S
    kept: int = 512
    open: int = 2_000
    names_s: float = 60.0


class Client:
    """Any number of tasks of one event loop may ask; `close` at the end. Nothing is open before the first request."""

    def __init__(self, route: Route, settings: ClientSettings | None = None, resolver: Resolver | None = None) -> None:
        self._route, self._settings = route, settings or ClientSettings()
        self._resolver = resolver or ThreadResolver()
        self._names = Names(self._resolver, self._settings.names_s)
        self._multi: Multi | None = None
        self._idle: list[Handle] = []

    async def ask(self, request: Request, within_s: float) -> Response:
        """Send `request` and read the answer. Redirects are answers.

        Raises OSError (with TimeoutError, NameUnknown, CannotConnect, TlsFailed), BadResponse and TooMuch; ValueError
        for a URL or a header that cannot be sent.
        """
        target, addresses = target_of(request.url), None
        if target.address is None and not self._route.proxy_for(target.host):
            began = asyncio.get_running_loop().time()
            async with asyncio.timeout(within_s):
                addresses = await self._names.entry(target.host, target.port)
            within_s -= asyncio.get_running_loop().time() - began
        if self._multi is None:
            self._multi = Multi(self._settings.kept, self._settings.open)
        if self._multi.under_way >= self._settings.open:
            raise OSError(errno.EMFILE, "as many connections are open as may be")
        handle = self._idle.pop() if self._idle else Handle(self._route, self._settings.connect_s)
        try:
            handle.begin(request, within_s, addresses)
            return handle.end(*await self._multi.perform(handle))
        finally:
            self._idle.append(handle)

    async def follow(
        self, url: str, own: Mapping[str, str], common: Mapping[str, str], *, max_body_bytes: int, within_s: float
    ) -> tuple[Response, Chain]:
        """GET `url` and follow its redirects, each hop a request of its own; `own` headers go to its origin only.

        Raises what `ask` raises, and RedirectRefused.
        """
        loop = asyncio.get_running_loop()
        chain, ends_at = Chain.starting_at(url), loop.time() + within_s
        while True:
            request = Request(chain.url, headers_for(chain, own, common), max_body_bytes=max_body_bytes)
            left_s = ends_at - loop.time()
            if left_s <= 0:
                raise TimeoutError
            response = await self.ask(request, left_s)
            if response.status not in REDIRECTS:
                return response, chain
            step = chain.follow(response.status, response.headers.get("location"))
            if isinstance(step, str):
                raise RedirectRefused(chain.url, step)
            chain = step

    async def close(self) -> None:
        """End what is under way and what is kept."""
        if self._multi is not None:
            self._multi.close()
        for handle in self._idle:
            handle.close()
        self._idle.clear()
        await self._resolver.close()
