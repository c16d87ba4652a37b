"""A loopback server that answers with whatever bytes a test writes, and a resolver that knows only what it is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from notifier.feeds.fetch import Fetcher, FetchSettings
from notifier.outbound.addresses import AddressGuard
from notifier.outbound.names import AddrInfo
from notifier.outbound.route import Route

Handler = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


class Asked:
    """One request as it came in: its path, its headers in lower case, its body."""

    def __init__(self, head: bytes, body: bytes = b"") -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ")
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}
        self.body = body


class Site:
    """A running server: `url("/x")` asks it, `asked` is what it was asked so far."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.asked: list[Asked] = []
        self.port = 0

    def url(self, path: str = "/feed", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _head(reader):
                asked = Asked(head)
                asked.body = await reader.readexactly(int(asked.headers.get("content-length", 0)))
                self.asked.append(asked)
                await self._handler(asked, writer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            return  # the client had enough, or the test is over
        finally:
            writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@asynccontextmanager
async def site(handler: Handler) -> AsyncIterator[Site]:
    """Serve `handler` on a free loopback port."""
    running = Site(handler)
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()


def response(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a response; `Content_Type="x"` becomes a header."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def always(answer: bytes) -> Handler:
    """A handler that answers everything alike."""

    async def handle(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return handle


class Names:
    """Resolves the names of a test. Each name has a list of addresses, used one after the other, the last for ever."""

    def __init__(self, **names: list[str]) -> None:
        self._names = {name.replace("_", "."): list(addresses) for name, addresses in names.items()}

    async def resolve(self, host: str, port: int) -> Sequence[AddrInfo]:
        addresses = self._names.get(host)
        if not addresses:
            raise OSError(f"no such name: {host}")
        address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        return socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)

    async def close(self) -> None:
        self._names.clear()


def fetcher(*, allow: tuple[str, ...] = ("127.0.0.1",), names: Names | None = None, **settings: object) -> Fetcher:
    """A fetcher for tests: quick deadlines, and loopback allowed unless `allow` says otherwise."""
    chosen = {"deadline_s": 5.0, "max_body_bytes": 100_000, **settings}
    return Fetcher(FetchSettings(route=Route(AddressGuard.allowing(allow)), **chosen), resolver=names)  # type: ignore[arg-type]
