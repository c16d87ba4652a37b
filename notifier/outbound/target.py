"""Reads a URL for a request: the host to connect to, and the URL as libcurl gets it. Pure.

libcurl sees no name but in its IDNA form (RFC 5891), no path but percent-encoded, and no credentials: those become a
header here.
"""

from __future__ import annotations

import socket
from base64 import b64encode
from dataclasses import dataclass, field
from functools import lru_cache

from yarl import URL

from notifier.outbound.addresses import is_address

_URLS_REMEMBERED = 16_384


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL points to. `address` is the host where that is written as an IP address, in its plain spelling."""

    url: str
    host: str
    port: int
    address: str | None = None
    authorization: str | None = field(default=None, repr=False)


@lru_cache(maxsize=_URLS_REMEMBERED)
def target_of(url: str) -> Target:
    """The target of an http(s) URL. Raises ValueError for others."""
    parts = URL(url)
    host, port = (parts.raw_host or "").rstrip("."), parts.port
    if parts.scheme not in ("http", "https") or not host or not port:
        raise ValueError(f"{url[:200]} is not a web address")
    address = _address_of(host)
    shown = f"[{host}]" if ":" in host else address or host
    origin = f"{parts.scheme}://{shown}" + ("" if parts.is_default_port() else f":{port}")
    return Target(
        url=origin + (parts.raw_path_qs or "/"),
        host=host,
        port=port,
        address=address,
        authorization=basic(parts.user, parts.password) if parts.user else None,
    )


def basic(user: str, password: str | None) -> str:
    """The Authorization header of RFC 7617."""
    both = f"{user}:{password or ''}"
    return f"Basic {b64encode(both.encode()).decode()}"


def _address_of(host: str) -> str | None:
    """`0177.0.0.1`, `0x7f.1` and `2130706433` are addresses too, for every resolver that there is."""
    if is_address(host):
        return host
    if host[-1].isdecimal() or "0x" in host:
        try:
            return socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            return None
    return None
