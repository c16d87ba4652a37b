"""Whom we may push to: a browser's endpoint enters, the push service that owns it leaves.

An endpoint is a URL that a stranger hands us and that we will call, so only known push services pass, and of those only
what they really give to browsers (`push_services.py`). An operator can add hosts and origins. The address that a name
leads to is checked again when the socket connects (`addresses.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from urllib.parse import SplitResult, urlsplit

from notifier.clock import Clock, system_clock
from notifier.errors import ConfigError, SubscriptionInvalid
from notifier.outbound.addresses import is_address
from notifier.subscribers.push_services import KNOWN, PushService, at_host, at_origin, below

MAX_ENDPOINT = 2048
MOST_HOSTS = 64
"""Of a service with many hosts. Each costs a connection and a signature in every alert, and strangers can invent them;
Edge's service has about thirty."""
MOST_HOSTS_EACH = 8
"""Of these, that one client may be the first to come with in FORGET_AFTER: a household's browsers have one or two."""
FORGET_AFTER = timedelta(days=1)
"""A host that nobody came with for so long makes room for another."""

_PLAIN_URL = re.compile(r'[!"$-\[\]-~]+')  # printable ASCII without "#" and "\\"
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_FIX = (
    "Write a host (push.example.org), all hosts below one (*.push.example.org), "
    "an https origin (https://push.example.org:8443), or http://127.0.0.1:PORT"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that may be called. `origin` is what VAPID signs for (RFC 8292 section 2)."""

    url: str = field(repr=False)
    origin: str
    push_service: str


class EndpointPolicy:
    """The allow-list: the four push services and what the operator added. Shared by threads.

    `extra`: hosts, over https on port 443, and with `*.` before them all hosts below; https origins with a port of
    their own; origins `http://127.0.0.1:PORT` and `https://127.0.0.1:PORT` for tests and development, which the address
    guard has to let through too (`local`). At all of these any path will do. Raises ConfigError for anything else.
    """

    def __init__(self, extra: Iterable[str] = (), clock: Clock = system_clock) -> None:
        self._clock = clock
        self._hosts: list[PushService] = []
        self._origins: dict[str, PushService] = {}
        self._accepted: dict[str, PushService] = {}
        self._came_at: dict[PushService, dict[str, datetime]] = {}
        self._brought: dict[PushService, dict[str, str]] = {}
        self._lock = Lock()
        self.local: tuple[str, ...] = ()
        """`127.0.0.1:PORT` of each local origin, for `AddressGuard.allowing`."""
        for entry in extra:
            if "://" in entry:
                self._add_origin(entry.lower())
            else:
                self._add_host(entry.lower())
        self._hosts.extend(KNOWN)

    def check(self, url: str, client: str = "") -> Endpoint:
        """Raises SubscriptionInvalid, without the endpoint in its text.

        `client` is who came with it, so that nobody alone takes all the places of a service's hosts; an operator's
        import has no client.
        """
        _check_text(url)
        origin = url[: url.find("/", len("https://")) + 1].removesuffix("/")
        # All of a service's endpoints share what is judged of their origin, so that a million are taken apart once.
        service = self._accepted.get(origin) or self._service(url)
        if not service.rest.fullmatch(url, len(origin)):
            raise SubscriptionInvalid("the endpoint is not in the form that this push service gives to browsers")
        if service.has_many_hosts:
            self._came(service, origin, client)
        else:
            self._accepted[origin] = service
        return Endpoint(url, origin, service.name)

    def _service(self, url: str) -> PushService:
        parts = _split(url)
        port = parts.port
        host = parts.hostname or ""
        default = port is None or (parts.scheme, port) == ("https", 443)
        origin = f"{parts.scheme}://{host}" + ("" if default else f":{port}")
        if not url.startswith(f"{origin}/"):
            raise SubscriptionInvalid("the endpoint is not written as a browser writes it")
        service = self._origins.get(origin)
        if service is None and default and parts.scheme == "https" and _HOST.fullmatch(host):
            service = next((known for known in self._hosts if known.host.fullmatch(host)), None)
        if service is None:
            raise SubscriptionInvalid("the endpoint belongs to no push service that this site knows")
        return service

    def _came(self, service: PushService, origin: str, client: str) -> None:
        """Remember that somebody came with this host, the last in the row; refuse it where there are too many."""
        now = self._clock()
        with self._lock:
            hosts = self._came_at.setdefault(service, {})
            brought = self._brought.setdefault(service, {})
            if hosts.pop(origin, None) is None:
                self._make_room(hosts, brought, client, now)
                brought[origin] = client
            elif client != brought.get(origin):
                brought.pop(origin, None)  # somebody else has it too: it is nobody's invention
            hosts[origin] = now
            self._accepted[origin] = service

    def _make_room(self, hosts: dict[str, datetime], brought: dict[str, str], client: str, now: datetime) -> None:
        """Where there are too many hosts, or too many of this client's, forget one that nobody came with lately.

        Raises SubscriptionInvalid where there is none.
        """
        own = [host for host in hosts if client and brought.get(host) == client]
        among = own if len(own) >= MOST_HOSTS_EACH else list(hosts) if len(hosts) >= MOST_HOSTS else []
        if not among:
            return
        if now - hosts[among[0]] < FORGET_AFTER:
            raise SubscriptionInvalid("this push service was used with too many hosts lately")
        for known in (hosts, brought, self._accepted):
            known.pop(among[0], None)

    def _add_host(self, entry: str) -> None:
        host = entry.removeprefix("*.")
        if not _HOST.fullmatch(host) or is_address(host):
            raise ConfigError(f"{entry!r} is not the host of a push service", fix=_FIX)
        self._hosts.append(at_host(host) if host == entry else below(host))

    def _add_origin(self, origin: str) -> None:
        try:
            parts = _split(origin)
        except SubscriptionInvalid as problem:
            raise ConfigError(f"{origin!r} is not the origin of a push service", fix=_FIX) from problem
        host, port = parts.hostname or "", parts.port
        loopback = is_address(host) and host.startswith("127.") and port is not None
        named = parts.scheme == "https" and _HOST.fullmatch(host) and not is_address(host)
        if parts.path not in {"", "/"} or parts.query or not (loopback or named):
            raise ConfigError(f"{origin!r} is not the origin of a push service", fix=_FIX)
        self._origins[origin.removesuffix("/").removesuffix(":443")] = at_origin(parts.netloc)
        if loopback:
            self.local += (parts.netloc,)


def origin_of(endpoint: str) -> str:
    """Scheme, host and port of an endpoint that passed the policy: everything before its path."""
    return endpoint[: endpoint.index("/", len("https://"))]


def _check_text(url: str) -> None:
    if len(url) > MAX_ENDPOINT or not _PLAIN_URL.fullmatch(url):
        raise SubscriptionInvalid("the endpoint is no URL")


def _split(url: str) -> SplitResult:
    _check_text(url)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError as problem:
        raise SubscriptionInvalid("the endpoint is no URL") from problem
    if not usable or "@" in parts.netloc:
        raise SubscriptionInvalid("the endpoint is no URL that can be called")
    return parts
