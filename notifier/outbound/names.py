"""The addresses of names, believed for a while: a host with many feeds is looked up once.

Enters: a host and a port. Leaves: libcurl's RESOLVE entry for them. `resolver` asks the operating system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from notifier.outbound.exchange import NameUnknown

AddrInfo = tuple[Any, ...]
"""One result of getaddrinfo: family, type, protocol, canonical name, socket address."""

_MOST = 16_384


class Resolver(Protocol):
    """What looks names up (see resolver.ThreadResolver)."""

    async def resolve(self, host: str, port: int) -> Sequence[AddrInfo]:
        """All TCP addresses of `host`. Raises OSError if there is none."""

    async def close(self) -> None: ...


class Names:
    """What was looked up in the last `believed_s` seconds."""

    def __init__(self, resolver: Resolver, believed_s: float) -> None:
        self._resolver, self._believed_s = resolver, believed_s
        self._known: dict[tuple[str, int], tuple[float, str]] = {}

    async def entry(self, host: str, port: int) -> str:
        """`HOST:PORT:ADDRESS,ADDRESS` (CURLOPT_RESOLVE). Raises NameUnknown."""
        key, now = (host, port), asyncio.get_running_loop().time()
        until, known = self._known.get(key, (0.0, ""))
        if until > now:
            return known
        try:
            found = await self._resolver.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise NameUnknown(str(error)) from error
        addresses = ",".join(_written(str(one[4][0])) for one in found)
        self._keep(key, now, entry := f"+{host}:{port}:{addresses}")
        return entry

    def _keep(self, key: tuple[str, int], now: float, entry: str) -> None:
        if self._believed_s <= 0:
            return
        if len(self._known) >= _MOST:
            self._known = {one: kept for one, kept in self._known.items() if kept[0] > now}
        if len(self._known) < _MOST:
            self._known[key] = now + self._believed_s, entry


def _written(address: str) -> str:
    return f"[{address}]" if ":" in address else address
