"""Talks HTTP/1.1: connects behind the address guard, sends one request at a time, keeps what may be used again.

Enters: a `Target` and the bytes of a request. Leaves: a `Response`, or an exception of the network (`failure` has the
words). A client of our own because a general one costs four times as much for a poll that finds nothing
(docs/decisions/0005). Limits in time are the caller's; whoever stops waiting ends the connection.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Protocol

from aiohappyeyeballs import start_connection

from notifier.addresses import AddressGuard
from notifier.feeds.connection import Connection
from notifier.feeds.http1 import Response, ResponseReader, Target
from notifier.feeds.turns import Turns

AddrInfo = tuple[Any, ...]
"""One result of getaddrinfo: family, type, protocol, canonical name, socket address."""

Origin = tuple[str, str, int]


class Resolver(Protocol):
    """What looks names up (see resolver.ThreadResolver)."""

    async def resolve(self, host: str, port: int) -> Sequence[AddrInfo]:
        """All TCP addresses of `host`. Raises OSError if there is none."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """A connection is opened within `connect_s`, kept unused for `idle_s`; at most `idle` are kept. What a name
    resolved to is believed for `names_s`. Seconds. With `open` connections in all, those that are unused go first."""

    connect_s: float = 10.0
    idle_s: float = 15.0
    idle: int = 512
    open: int = 2_000
    names_s: float = 60.0


class NameUnknown(OSError):
    """No address is known for a name."""


class CannotConnect(OSError):
    """None of the addresses of a host lets us in, or all are refused by the guard; the text says why."""


class Connections:
    """Any number of tasks may `ask`; `close` at the end. Nothing is open before the first request."""

    def __init__(self, guard: AddressGuard, resolver: Resolver, settings: ConnectionSettings) -> None:
        self._guard, self._resolver, self._settings = guard, resolver, settings
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        self._oldest_first: dict[Connection, Origin] = {}
        self._names: dict[tuple[str, int], tuple[float, Sequence[AddrInfo]]] = {}
        self._tls: ssl.SSLContext | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._turns = Turns()
        self._busy = 0

    async def ask(self, target: Target, request: bytes, *, wants_body: bool, max_body_bytes: int) -> Response:
        """Send `request` and read the answer. A connection that had been kept may turn out to be closed already: the
        request is sent once more on a new one then (RFC 9112 section 9.3.1).

        Raises OSError (with ssl.SSLError and NameUnknown), BadResponse and TooMuch.
        """
        origin = target.scheme, target.host, target.port
        kept = self._take(origin)
        if kept is not None:
            reader = ResponseReader(wants_body, max_body_bytes)
            try:
                return await self._exchange(kept, origin, request, reader)
            except ConnectionError:
                if reader.begun:
                    raise
        self._make_room()
        self._busy += 1
        try:
            fresh = await self._open(target)
            return await self._exchange(fresh, origin, request, ResponseReader(wants_body, max_body_bytes))
        finally:
            self._busy -= 1

    async def close(self) -> None:
        """Close what is kept."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._oldest_first):
            connection.close()
        self._idle.clear()
        self._oldest_first.clear()
        await asyncio.sleep(0)

    async def _exchange(self, one: Connection, origin: Origin, request: bytes, reader: ResponseReader) -> Response:
        try:
            response = await one.exchange(request, reader)
        except BaseException:
            one.abort()
            raise
        if reader.reusable and one.is_open:
            self._keep(one, origin)
        else:
            one.close()
        return response

    def _take(self, origin: Origin) -> Connection | None:
        kept = self._idle.get(origin)
        while kept:
            connection = kept.pop()
            del self._oldest_first[connection]
            if connection.is_open:
                return connection
        return None

    def _keep(self, connection: Connection, origin: Origin) -> None:
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle[origin].append(connection)
        self._oldest_first[connection] = origin
        if len(self._oldest_first) > self._settings.idle:
            self._drop(next(iter(self._oldest_first)))
        if self._sweep is None:
            self._sweep = loop.call_later(self._settings.idle_s, self._sweep_idle)

    def _make_room(self) -> None:
        """Descriptors are few: what is kept for later gives way. Raises OSError where even that is not enough."""
        while self._oldest_first and self._busy + len(self._oldest_first) >= self._settings.open:
            self._drop(next(iter(self._oldest_first)))
        if self._busy >= self._settings.open:
            raise OSError(errno.EMFILE, "as many connections are open as may be")

    def _drop(self, connection: Connection) -> None:
        origin = self._oldest_first.pop(connection)
        kept = self._idle[origin]
        kept.remove(connection)
        if not kept:
            del self._idle[origin]
        connection.close()

    def _sweep_idle(self) -> None:
        """Close what was not used for long, and forget names that must be looked up again anyway."""
        loop = asyncio.get_running_loop()
        now, self._sweep = loop.time(), None
        for connection in list(self._oldest_first):
            if connection.is_open and now - connection.idle_since < self._settings.idle_s:
                break
            self._drop(connection)
        self._idle = defaultdict(list, {origin: kept for origin, kept in self._idle.items() if kept})
        self._names = {key: found for key, found in self._names.items() if found[0] > now}
        if self._oldest_first or self._names:
            self._sweep = loop.call_later(self._settings.idle_s, self._sweep_idle)

    async def _open(self, target: Target) -> Connection:
        loop = asyncio.get_running_loop()
        sock = await self._connect(target, await self._addresses(target))
        tls = self._tls_context() if target.scheme == "https" else None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, connection = await loop.create_connection(
                lambda: Connection(self._turns),
                sock=sock,
                ssl=tls,
                server_hostname=target.host.rstrip(".") if tls else None,
            )
        except BaseException:
            sock.close()
            raise
        return connection

    async def _connect(self, target: Target, addresses: Sequence[AddrInfo]) -> socket.socket:
        """A socket to the first address that answers (RFC 8305); the guard sees each before it is tried."""
        guard, within_s = self._guard.for_host(target.host), self._settings.connect_s
        try:
            async with asyncio.timeout(within_s):
                return await start_connection(
                    list(addresses), happy_eyeballs_delay=0.25, interleave=1, socket_factory=guard.socket_for
                )
        except TimeoutError as error:
            raise CannotConnect(f"no answer within {within_s:g} s") from error
        except OSError as error:
            raise CannotConnect(error.strerror or str(error) or type(error).__name__) from error

    async def _addresses(self, target: Target) -> Sequence[AddrInfo]:
        """Where a host is; a literal needs no look-up. Odd spellings of numbers do, and come back as plain ones."""
        literal = _literal(target.host, target.port)
        if literal is not None:
            return [literal]
        key, now = (target.host, target.port), asyncio.get_running_loop().time()
        expires, found = self._names.get(key, (0.0, ()))
        if expires > now:
            return found
        try:
            found = await self._resolver.resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise NameUnknown(str(error)) from error
        if self._settings.names_s > 0:
            self._names[key] = now + self._settings.names_s, found
        return found

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _literal(host: str, port: int) -> AddrInfo | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if address.version == 4:
        return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)
    return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0)
