"""Asks a feed's server whether there is something new, politely and within limits.

Enters: a `FetchRequest` (URL and what the last answer was). Leaves: an `FetchResult`, always, and within the deadline.
What talks to the server is the outbound room; next: read, then decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from notifier import __version__
from notifier.clock import Clock, system_clock
from notifier.feeds import failure, hints
from notifier.feeds.fetch_result import FailureKind, Fetched, FetchFailed, FetchResult, GoneForGood, NotModified
from notifier.feeds.hosts import HostGate, host_of
from notifier.outbound.client import Client, ClientSettings
from notifier.outbound.content import ACCEPT_ENCODING, BodyRefused, Decoder, too_large
from notifier.outbound.exchange import BadResponse, RedirectRefused, Request, Response, TooMuch
from notifier.outbound.names import Resolver
from notifier.outbound.redirects import Chain, refused_url
from notifier.outbound.route import Route
from notifier.outbound.target import basic

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
    per_host: int = 2
    client: ClientSettings = field(default_factory=ClientSettings)
    route: Route = field(default_factory=Route)
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
        self._client = Client(settings.route, settings.client, resolver)
        self._gate = HostGate(settings.per_host)
        self._decoder = Decoder()
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
        await self._client.close()
        self._decoder.close()

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
                return await self._ask(request)
            except TooMuch:
                return _body_failed(too_large(self._settings.max_body_bytes))
            except RedirectRefused as refused:
                return FetchFailed(f"{host_of(refused.url)} {refused}", FailureKind.SERVER)
            except (BadResponse, OSError, ValueError) as error:  # ValueError: a header or URL that cannot be sent
                return failure.from_exception(error, host, self._settings.deadline_s)

    async def post_form(self, url: str, fields: Mapping[str, str]) -> int | FetchFailed:
        """Send a form (to a WebSub hub). Returns the status; redirects are not followed."""
        if refusal := refused_url(url):
            return FetchFailed(f"{url[:200]} {refusal}", FailureKind.REFUSED)
        headers = self._common | {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            request = Request(url, headers, urlencode(fields).encode())
            return (await self._client.ask(request, self._settings.deadline_s)).status
        except (BadResponse, OSError, ValueError) as error:
            return failure.from_exception(error, host_of(url), self._settings.deadline_s)

    async def _ask(self, request: FetchRequest) -> FetchResult:
        settings, validators = self._settings, _validators(request)
        own = {**own_headers(settings.environ.get(request.headers_env or "", "")), **validators}
        response, chain = await self._client.follow(
            request.url, own, self._common, max_body_bytes=settings.max_body_bytes, within_s=settings.deadline_s
        )
        if response.status == 304 and not (validators and not chain.is_foreign):
            return FetchFailed(f"{host_of(chain.url)} {UNASKED_304}", FailureKind.SERVER)
        return await self._answer(response, chain)

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
        limit = self._settings.max_body_bytes
        body = await self._decoder.plain(response.body or b"", headers.get("content-encoding"), limit)
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
