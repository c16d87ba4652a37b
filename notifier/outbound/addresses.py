"""The address guard: which addresses the server may talk to, for feeds, hubs, images and push services alike.

Enters: the address that a socket is about to connect to. Leaves: None, or why it must not. The check is made on the
real address at connect time, so that names, odd spellings of numbers (`0177.0.0.1`, `2130706433`), redirects and names
that resolve differently the second time all meet it in the same place (sockets.py, push/http2/channel.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

from notifier.errors import ConfigError

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

NOT_PUBLIC = "is not a public address"

# What the IANA special-purpose registries (RFC 6890) reserve; listed here because `is_global` has changed its mind
# between Python releases. IPv6 is the other way round: only global unicast (RFC 4291 section 2.4), less what is carved
# out of it.
_REFUSED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, where clouds keep their metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarking
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, with Teredo
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which nobody should use any more (RFC 7526) and which leads to any IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: _Address) -> bool:
    """Whether `address` is one of the public internet. An IPv6 address that carries an IPv4 one is judged by that."""
    inner = address if isinstance(address, IPv4Address) else _embedded_v4(address)
    if inner is not None:
        return not any(inner in network for network in _REFUSED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)


def _embedded_v4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside a mapped (`::ffff:a.b.c.d`) or NAT64 address."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def is_address(host: str) -> bool:
    """Whether a host is written as an IP address, not as a name; an IPv6 one may carry a zone (RFC 4007)."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Says no to every address that is not public, unless the operator allowed it.

    `networks` are allowed whoever resolves to them (`10.1.0.0/16`, or one `address:port`); `names` are host names whose
    own private addresses are allowed, and nobody else's: such a host is asked through `for_host`.
    """

    networks: tuple[tuple[_Network, int | None], ...] = ()
    names: frozenset[str] = frozenset()
    everything: bool = False

    @classmethod
    def allowing(cls, entries: Iterable[str]) -> Self:
        """A guard from settings: host names, addresses or networks, an address with a port if wanted.

        Raises ConfigError for an entry that is none of these.
        """
        networks, names = [], set()
        for entry in filter(None, (raw.strip() for raw in entries)):
            found = _network_of(entry)
            if found is not None:
                networks.append(found)
            elif _looks_like_a_name(entry):
                names.add(entry.lower().rstrip("."))
            else:
                raise ConfigError(
                    f"{entry!r} is not an address, a network or a host name",
                    fix="Write 10.0.0.5, 10.0.0.5:8080, [::1]:8080, 10.0.0.0/8 or feeds.example.lan",
                )
        return cls(tuple(networks), frozenset(names))

    def for_host(self, host: str) -> Self:
        """The guard for a request to `host`: one that lets everything through if `host` is an allowed name."""
        if host.lower().rstrip(".") in self.names:
            return type(self)(self.networks, self.names, everything=True)
        return self

    def refusal(self, host: str, port: int | None = None) -> str | None:
        """Why the numeric address `host` must not be talked to, in words; None if it may be."""
        address = ip_address(host.partition("%")[0])  # a zone id names an interface, not another address
        if self.everything or is_public(address) or self._is_allowed(address, port):
            return None
        return f"{address} {NOT_PUBLIC}"

    def _is_allowed(self, address: _Address, port: int | None) -> bool:
        plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
        return any(plain in network and only_port in (None, port) for network, only_port in self.networks)


def _network_of(entry: str) -> tuple[_Network, int | None] | None:
    """`10.0.0.0/8`, `10.0.0.5`, `10.0.0.5:80`, `::1` or `[::1]:80`; None for anything else."""
    host, port = entry, None
    bracketed = entry.startswith("[")
    if bracketed or entry.count(":") == 1:
        host, _, port_text = entry.rpartition(":") if not entry.endswith("]") else (entry, "", "")
        if port_text and not port_text.isdecimal():
            return None
        port = int(port_text) if port_text else None
        host = host.strip("[]")
    try:
        return ip_network(host), port
    except ValueError:
        return None


def _looks_like_a_name(entry: str) -> bool:
    labels = entry.rstrip(".").split(".")
    return not labels[-1].isdecimal() and all(
        label and len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum() for label in labels
    )
