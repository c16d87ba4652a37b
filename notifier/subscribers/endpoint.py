"""Whom we may push to: a browser's endpoint enters, the push service that owns it leaves.

An endpoint is a URL that a stranger hands us and that we will call, so only known push services pass, by host suffix
on a label boundary. An operator can add hosts and origins. The address that a name leads to is checked again when the
socket connects (`addresses.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from notifier.errors import ConfigError, SubscriptionInvalid

PUSH_SERVICES = {
    "fcm.googleapis.com": "fcm",
    "push.services.mozilla.com": "mozilla",
    "push.apple.com": "apple",
    "notify.windows.com": "wns",
}
"""Host suffix -> short name: Chrome and its family, Firefox, Safari, Edge."""

MAX_ENDPOINT = 2048
MOST_ORIGINS = 1000
"""Remembered as accepted, so that strangers who invent subdomains fill no memory."""

_PLAIN_URL = re.compile(r'[!"$-\[\]-~]+')  # printable ASCII without "#" and "\\"
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_FIX = "Write a host (push.example.org), an https origin (https://push.example.org:8443), or http://127.0.0.1:PORT"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that may be called. `origin` is what VAPID signs for (RFC 8292 section 2)."""

    url: str = field(repr=False)
    origin: str
    push_service: str


class EndpointPolicy:
    """The allow-list: the four push services and what the operator added.

    `extra`: hosts, which also let their subdomains in, over https on port 443; https origins with a port of their
    own; origins `http://127.0.0.1:PORT` and `https://127.0.0.1:PORT` for tests and development, which the address
    guard has to let through too (`local`). Raises ConfigError for anything else.
    """

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self._suffixes = dict(PUSH_SERVICES)
        self._origins: dict[str, str] = {}
        self._accepted: dict[str, str] = {}
        self.local: tuple[str, ...] = ()
        """`127.0.0.1:PORT` of each local origin, for `AddressGuard.allowing`."""
        for entry in extra:
            if "://" in entry:
                self._add_origin(entry.lower())
            else:
                self._add_host(entry.lower())

    def check(self, url: str) -> Endpoint:
        """Raises SubscriptionInvalid, without the endpoint in its text."""
        _check_text(url)
        origin = url[: url.find("/", len("https://")) + 1].removesuffix("/")
        name = self._accepted.get(origin)
        # All of a service's endpoints share what is judged, so that a million of them are taken apart once.
        return Endpoint(url, origin, name) if name is not None else self._check_parts(url)

    def _check_parts(self, url: str) -> Endpoint:
        parts = _split(url)
        port = parts.port
        host = parts.hostname or ""
        default = port is None or (parts.scheme, port) == ("https", 443)
        origin = f"{parts.scheme}://{host}" + ("" if default else f":{port}")
        if not url.startswith(f"{origin}/"):
            raise SubscriptionInvalid("the endpoint is not written as a browser writes it")
        name = self._origins.get(origin) or (self._by_host(host) if default and parts.scheme == "https" else None)
        if name is None:
            raise SubscriptionInvalid("the endpoint belongs to no push service that this site knows")
        if len(self._accepted) < MOST_ORIGINS:
            self._accepted[origin] = name
        return Endpoint(url, origin, name)

    def _by_host(self, host: str) -> str | None:
        if not _HOST.fullmatch(host):
            return None
        labels = host.split(".")
        suffixes = (".".join(labels[start:]) for start in range(len(labels) - 1))
        return next((self._suffixes[suffix] for suffix in suffixes if suffix in self._suffixes), None)

    def _add_host(self, host: str) -> None:
        if not _HOST.fullmatch(host) or _is_address(host):
            raise ConfigError(f"{host!r} is not the host of a push service", fix=_FIX)
        self._suffixes.setdefault(host, host)

    def _add_origin(self, origin: str) -> None:
        try:
            parts = _split(origin)
        except SubscriptionInvalid as problem:
            raise ConfigError(f"{origin!r} is not the origin of a push service", fix=_FIX) from problem
        host, port = parts.hostname or "", parts.port
        loopback = _is_address(host) and host.startswith("127.") and port is not None
        named = parts.scheme == "https" and _HOST.fullmatch(host) and not _is_address(host)
        if parts.path not in {"", "/"} or parts.query or not (loopback or named):
            raise ConfigError(f"{origin!r} is not the origin of a push service", fix=_FIX)
        self._origins[origin.removesuffix("/").removesuffix(":443")] = parts.netloc
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


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
