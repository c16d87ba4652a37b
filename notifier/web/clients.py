"""Who counts as one client: an IPv4 address, or the /64 that a household or a machine is given whole.

Enters: an address as the server or a trusted proxy names it. Leaves: the name under which rates, receipts and open
connections are counted, and that the audit log shows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from anyio import from_thread
from starlette.requests import Request
from starlette.types import Scope

UNKNOWN = "unknown"
PEER = "notifier.peer"
"""Where a request's scope keeps the address that it really came from, whatever a proxy says."""
NETWORK_BITS = 64
# Longer than any address with its zone; what is longer is no address, and must not fill the memory as a name.
LONGEST = 64
FORWARDED = (b"x-forwarded-for", b"forwarded")


@lru_cache(maxsize=4096)
def client_name(host: str) -> str:
    """`198.51.100.7`, or `2001:db8:1:2::/64`: who has one address of a /64 has them all (RFC 6177, RFC 7934).

    An IPv4 address written as IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 address.
    """
    address = _address(host)
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), NETWORK_BITS), strict=False))
    return str(address)


def client_of(scope: Scope) -> str:
    """The client of a request: whom a trusted proxy names, else whoever has connected."""
    client = scope.get("client")
    return client_name(client[0]) if client else UNKNOWN


def is_gone(request: Request) -> Callable[[], bool]:
    """Whether the request's client has gone, to be asked from a route's own thread."""
    return lambda: from_thread.run(request.is_disconnected)


def is_whole_network(client: str) -> bool:
    """Whether a client's name stands for a /64: one household, where an IPv4 address may be a thousand people."""
    return ":" in client


def from_this_machine(scope: Scope) -> bool:
    """Whether somebody on this machine asks for themselves: the real peer is loopback, and no proxy's traces show."""
    peer = scope.get(PEER) or scope.get("client")
    address = _address(peer[0]) if peer else None
    forwarded = any(name in FORWARDED for name, _ in scope["headers"])
    return address is not None and address.is_loopback and not forwarded


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(host.partition("%")[0]) if len(host) <= LONGEST else None
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
