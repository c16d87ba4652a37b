"""Asks a feed's server whether there is something new, politely and within limits.

Enters: a `FetchRequest` (URL and what the last answer was). Leaves: an `Answer`, always, and within the deadline. Each
hop of a redirect is a request of its own, so that the address guard sees each socket; next: read, then decide.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from notifier import __version__
from notifier.addresses import AddressGuard
from notifier.clock import Clock, system_clock
from notifier.feeds import failure, hints
from notifier.feeds.answer import Answer, FailureKind, Fetched, FetchFailed, GoneForGood, NotModified
from notifier.feeds.content import ACCEPT_ENCODING, BodyRefused, read_body, too_large
from notifier.feeds.hosts import HostGate, host_of
from notifier.feeds.redirects import REDIRECTS, Chain, headers_for, refused_url
from notifier.feeds.resolver import ThreadResolver

ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """Limits of one exchange. `contact_url` tells publishers who asks; `headers_env` is looked up in `environ`."""

    contact_url: str = ""
    max_body_bytes: int = 10 * 1024 * 1024
    deadline_s: float = 30.0
    connect_s: float = 10.0
    per_host: int = 2
    dns_cache_s: int = 60
    guard: AddressGuard = field(default_factory=AddressGuard)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def user_agent(self) -> str:
        """Name, version and where to complain."""
        contact = f" (+{self.contact_url})" if self.contact_url else ""
        return f"Notifier/{__version__}{contact}"


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to ask: the URL, the validators of the last answer, and the variable with the feed's own headers."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    headers_env: str | None = None


class Fetcher:
    """Asks feeds. Use as `async with Fetcher(settings) as fetcher`; one serves any number of tasks."""

    def __init__(
        self, settings: FetchSettings, *, clock: Clock = system_clock, resolver: AbstractResolver | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._resolver = resolver
        self._gate = HostGate(settings.per_host)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._common = {
            "User-Agent": settings.user_agent,
            "Accept": ACCEPT,
            "Accept-Encoding": ACCEPT_ENCODING,
        }

    async def __aenter__(self) -> Self:
        self._resolver = self._resolver or ThreadResolver()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        if self._resolver is not None:
            await self._resolver.close()

    async def fetch(self, request: FetchRequest) -> Answer:
        """Ask once. Never raises for what a server, a network or a name does; see `failure` for the words.

        The deadline starts when the host has a place free, and covers the whole exchange with all its redirects.
        """
        refusal = refused_url(request.url)
        if refusal:
            return FetchFailed(f"{request.url[:200]} {refusal}", FailureKind.REFUSED)
        host = host_of(request.url)
        async with self._gate.of(host):
            return await self._within_deadline(request, host)

    async def post_form(self, url: str, fields: Mapping[str, str]) -> int | FetchFailed:
        """Send a form (to a WebSub hub). Returns the status; redirects are not followed."""
        host = host_of(url)
        if refusal := refused_url(url):
            return FetchFailed(f"{url[:200]} {refusal}", FailureKind.REFUSED)
        try:
            async with (
                asyncio.timeout(self._settings.deadline_s),
                self._session_for(url).post(url, data=fields, headers=self._common, allow_redirects=False) as response,
            ):
                return response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return failure.from_exception(error, host, self._settings.deadline_s)

    async def _within_deadline(self, request: FetchRequest, host: str) -> Answer:
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                return await self._follow(request)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: a header or URL beyond aiohttp
            return failure.from_exception(error, host, self._settings.deadline_s)

    async def _follow(self, request: FetchRequest) -> Answer:
        own = {**own_headers(self._settings.environ.get(request.headers_env or "", "")), **_validators(request)}
        chain = Chain.starting_at(request.url)
        while True:
            headers = headers_for(chain, own, self._common)
            async with self._session_for(chain.url).get(chain.url, headers=headers, allow_redirects=False) as response:
                if response.status not in REDIRECTS:
                    return await self._answer(response, chain)
                step = chain.follow(response.status, response.headers.get("Location"))
            if isinstance(step, str):
                return FetchFailed(f"{host_of(chain.url)} {step}", FailureKind.SERVER)
            chain = step

    async def _answer(self, response: aiohttp.ClientResponse, chain: Chain) -> Answer:
        match response.status:
            case 200 | 203:
                return await self._body(response, chain)
            case 304:
                return NotModified(hints.of(response, chain))
            case 410:
                return GoneForGood()
            case status:
                return failure.from_status(status, response.headers.get("Retry-After"), self._clock())

    async def _body(self, response: aiohttp.ClientResponse, chain: Chain) -> Answer:
        headers, limit = response.headers, self._settings.max_body_bytes
        if (response.content_length or 0) > limit:
            body: bytes | BodyRefused = too_large(limit)
        else:
            body = await read_body(response.content.iter_any(), headers.get("Content-Encoding"), limit)
        if isinstance(body, BodyRefused):
            return FetchFailed(f"The body {body.reason}", FailureKind.CONTENT)
        return Fetched(
            url=chain.url,
            body=body,
            content_type=headers.get("Content-Type"),
            etag=headers.get("ETag"),
            last_modified=headers.get("Last-Modified"),
            hints=hints.of(response, chain),
        )

    def _session_for(self, url: str) -> aiohttp.ClientSession:
        """One session behind the guard, and one for the hosts whose private addresses the operator allowed by name."""
        guard = self._settings.guard
        if guard.names:
            guard = guard.for_host(urlsplit(url).hostname or "")
        session = self._sessions.get(guard.everything)
        if session is None:
            session = self._sessions[guard.everything] = self._open_session(guard)
        return session

    def _open_session(self, guard: AddressGuard) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,  # the poller bounds how many are under way
            limit_per_host=self._settings.per_host,  # redirects included
            socket_factory=guard.socket_for,
            resolver=self._resolver,
            use_dns_cache=self._settings.dns_cache_s > 0,
            ttl_dns_cache=self._settings.dns_cache_s,
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._settings.connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # content.py does it, with a limit
            connector_owner=True,
        )


def own_headers(text: str) -> dict[str, str]:
    """The headers of one feed: `Name: value` lines; `basic user:password` is spelt out as RFC 7617 wants it."""
    headers = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.lower().startswith("basic "):
            headers["Authorization"] = f"Basic {b64encode(line[6:].strip().encode()).decode()}"
        else:
            name, _, value = line.partition(":")
            headers[name.strip()] = value.strip()
    return headers


def _validators(request: FetchRequest) -> dict[str, str]:
    """Conditional GET (RFC 9110 section 13.1)."""
    found = {"If-None-Match": request.etag, "If-Modified-Since": request.last_modified}
    return {name: value for name, value in found.items() if value}
