"""Asks a feed's server whether there is something new, politely and within limits.

Enters: a `FetchRequest` (URL and what the last answer was). Leaves: an `FetchResult`, always, and within the deadline.
Each hop of a redirect is a request of its own, so that the address guard sees each socket; next: read, then decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from notifier import __version__
from notifier.addresses import AddressGuard
from notifier.clock import Clock, system_clock
from notifier.feeds import failure, hints
from notifier.feeds.connections import Connections, ConnectionSettings, Resolver
from notifier.feeds.content import ACCEPT_ENCODING, BodyRefused, decode, too_large
from notifier.feeds.fetch_result import FailureKind, Fetched, FetchFailed, FetchResult, GoneForGood, NotModified
from notifier.feeds.hosts import HostGate, host_of
from notifier.feeds.http1 import BadResponse, Response, TooMuch, basic, request_bytes, target_of
from notifier.feeds.redirects import REDIRECTS, Chain, headers_for, refused_url
from notifier.feeds.resolver import ThreadResolver

# Undone on the loop: this becomes 4 MiB at most, in a few milliseconds.
_AT_ONCE_BYTES = 4 * 1024
_DECODING_THREADS = 2

UNASKED_304 = (
    "says 304, not modified, though it was asked for the whole feed: what is new there cannot be seen. "
    "Tell the publisher: most often a cache before the server is to blame"
)
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
    connections: int = 2_000
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
        self, settings: FetchSettings, *, clock: Clock = system_clock, resolver: Resolver | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._resolver = resolver or ThreadResolver()
        self._connections = Connections(
            settings.guard,
            self._resolver,
            ConnectionSettings(connect_s=settings.connect_s, names_s=settings.dns_cache_s, open=settings.connections),
        )
        self._gate = HostGate(settings.per_host)
        self._threads = ThreadPoolExecutor(_DECODING_THREADS, thread_name_prefix="decode")
        self._common = {
            "User-Agent": settings.user_agent,
            "Accept": ACCEPT,
            "Accept-Encoding": ACCEPT_ENCODING,
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._connections.close()
        await self._resolver.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def fetch(self, request: FetchRequest) -> FetchResult:
        """Ask once. Never raises for what a server, a network or a name does; see `failure` for the words.

        The deadline starts when the host has a place free, and covers the whole exchange with all its redirects.
        """
        refusal = refused_url(request.url)
        if refusal:
            return FetchFailed(f"{request.url[:200]} {refusal}", FailureKind.REFUSED)
        host = host_of(request.url)
        async with self._gate.of(host):
            try:
                async with asyncio.timeout(self._settings.deadline_s):
                    return await self._follow(request)
            except TooMuch:
                return _body_failed(too_large(self._settings.max_body_bytes))
            except (BadResponse, OSError, ValueError) as error:  # ValueError: a header or URL that cannot be sent
                return failure.from_exception(error, host, self._settings.deadline_s)

    async def post_form(self, url: str, fields: Mapping[str, str]) -> int | FetchFailed:
        """Send a form (to a WebSub hub). Returns the status; redirects are not followed."""
        host = host_of(url)
        if refusal := refused_url(url):
            return FetchFailed(f"{url[:200]} {refusal}", FailureKind.REFUSED)
        headers = self._common | {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                target = target_of(url)
                sent = request_bytes("POST", target, headers, urlencode(fields).encode())
                answer = await self._connections.ask(target, sent, wants_body=False, max_body_bytes=0)
                return answer.status
        except (BadResponse, OSError, ValueError) as error:
            return failure.from_exception(error, host, self._settings.deadline_s)

    async def _follow(self, request: FetchRequest) -> FetchResult:
        validators = _validators(request)
        own = {**own_headers(self._settings.environ.get(request.headers_env or "", "")), **validators}
        chain = Chain.starting_at(request.url)
        while True:
            target = target_of(chain.url)
            sent = request_bytes("GET", target, headers_for(chain, own, self._common))
            response = await self._connections.ask(
                target, sent, wants_body=True, max_body_bytes=self._settings.max_body_bytes
            )
            if response.status == 304 and not (validators and not chain.is_foreign):
                return FetchFailed(f"{host_of(chain.url)} {UNASKED_304}", FailureKind.SERVER)
            if response.status not in REDIRECTS:
                return await self._answer(response, chain)
            step = chain.follow(response.status, response.headers.get("location"))
            if isinstance(step, str):
                return FetchFailed(f"{host_of(chain.url)} {step}", FailureKind.SERVER)
            chain = step

    async def _answer(self, response: Response, chain: Chain) -> FetchResult:
        match response.status:
            case 200 | 203:
                return await self._fetched(response, chain)
            case 304:
                return NotModified(hints.of(response.headers, chain))
            case 410:
                return GoneForGood()
            case status:
                return failure.from_status(status, response.headers.get("retry-after"), self._clock())

    async def _fetched(self, response: Response, chain: Chain) -> FetchResult:
        headers = response.headers
        body = await self._plain(response.body or b"", headers.get("content-encoding"))
        if isinstance(body, BodyRefused):
            return _body_failed(body)
        return Fetched(
            url=chain.url,
            body=body,
            content_type=headers.get("content-type"),
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
            hints=hints.of(headers, chain),
        )

    async def _plain(self, received: bytes, coding: str | None) -> bytes | BodyRefused:
        """The body without its compression, within the deadline: a thread that is late ends by its own limits."""
        limit = self._settings.max_body_bytes
        if coding is None or len(received) <= _AT_ONCE_BYTES:
            return decode(received, coding, limit)
        return await asyncio.get_running_loop().run_in_executor(self._threads, decode, received, coding, limit)


def _body_failed(body: BodyRefused) -> FetchFailed:
    return FetchFailed(f"The body {body.reason}", FailureKind.CONTENT)


def own_headers(text: str) -> dict[str, str]:
    """The headers of one feed: `Name: value` lines; `basic user:password` is spelt out as RFC 7617 wants it."""
    headers = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.lower().startswith("basic "):
            user, _, password = line[6:].strip().partition(":")
            headers["Authorization"] = basic(user, password)
        else:
            name, _, value = line.partition(":")
            headers[name.strip()] = value.strip()
    return headers


def _validators(request: FetchRequest) -> dict[str, str]:
    """Conditional GET (RFC 9110 section 13.1)."""
    found = {"If-None-Match": request.etag, "If-Modified-Since": request.last_modified}
    return {name: value for name, value in found.items() if value}
