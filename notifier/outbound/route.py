"""By which way others' servers are reached: past the address guard, or through the operator's proxy; whom to trust.

Enters: settings. Leaves: for each host, the proxy to ask through, or the guard that sees its sockets. There is one
`Route` for each use: feeds, push services and the OpenID provider allow different private hosts and share the rest.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import certifi

from notifier.outbound.addresses import NOT_PUBLIC, AddressGuard
from notifier.outbound.target import Target

_OURSELVES = "localhost"


@dataclass(frozen=True, slots=True)
class Route:
    """`proxy` is a URL (http, https, socks5h); hosts of `direct`, and those below one that begins with a dot, are asked
    without it. `ca_file` replaces the certificate authorities that are trusted."""

    guard: AddressGuard = field(default_factory=AddressGuard)
    ca_file: Path | None = None
    proxy: str = field(default="", repr=False)
    direct: Collection[str] = ()

    @property
    def authorities(self) -> str:
        """The file of trusted certificate authorities: ours, else OpenSSL's SSL_CERT_FILE, else Mozilla's list."""
        return str(self.ca_file or os.environ.get("SSL_CERT_FILE") or certifi.where())

    def proxy_for(self, host: str) -> str:
        """The proxy to ask `host` through; empty where it is connected to directly."""
        if not self.proxy or not self.direct:
            return self.proxy
        name = host.lower()
        is_direct = any(name == one or (one.startswith(".") and name.endswith(one)) for one in self.direct)
        return "" if is_direct else self.proxy

    def refusal(self, target: Target) -> str | None:
        """Why the proxy must not be asked for `target`, in words; None without a proxy, where the guard sees sockets.

        Which address it connects to is the proxy's to decide: here only what is written as an address, and this
        machine by name, can be refused.
        """
        if not self.proxy_for(target.host):
            return None
        guard = self.guard.for_host(target.host)
        if target.address is not None:
            return guard.refusal(target.address, target.port)
        is_here = target.host == _OURSELVES or target.host.endswith(f".{_OURSELVES}")
        return f"{target.host} {NOT_PUBLIC}" if is_here and not guard.everything else None
