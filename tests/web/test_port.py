"""The web port over real sockets: whoever says nothing, or says it slowly, costs nobody else a page."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from notifier.troubles import Code, Troubles
from notifier.web.connections import PortSettings
from notifier.wiring.serve import web_server
from tests.web.site import Site

BRISK = PortSettings(most=12, most_each=6, head_s=0.4, body_s=0.4, stall_s=0.5, idle_s=1, linger_s=0.3)
PATIENT = PortSettings(most=12, most_each=6, head_s=60, body_s=60)
PAGE = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Port:
    """A server on loopback, and those who connect to it."""

    def __init__(self, number: int, troubles: Troubles) -> None:
        self.number, self.troubles = number, troubles
        self.open: list[asyncio.StreamWriter] = []

    async def connect(self, sent: bytes = b"") -> Peer:
        """A connection that has sent this."""
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        taken.setblocking(False)
        await asyncio.get_running_loop().sock_connect(taken, ("127.0.0.1", self.number))
        reader, writer = await asyncio.open_connection(sock=taken)
        self.open.append(writer)
        writer.write(sent)
        return reader, writer

    async def ask(self, sent: bytes) -> bytes:
        """Everything that is answered, to the end of the connection."""
        reader, _ = await self.connect(sent)
        return await heard(reader)

    async def works(self) -> bool:
        """Whether a page and /healthz are answered."""
        answers = await asyncio.wait_for(asyncio.gather(self.ask(PAGE), self.ask(ALIVE)), 5)
        return all(answer.startswith(b"HTTP/1.1 200") for answer in answers)

    def codes(self) -> set[Code]:
        return {trouble.code for trouble in self.troubles.all()}


async def heard(reader: asyncio.StreamReader, within_s: float = 5) -> bytes:
    """What comes until the other side is done, or breaks off."""
    said = b""
    async with asyncio.timeout(within_s):
        try:
            while part := await reader.read(65536):
                said += part
        except ConnectionError:
            pass
    return said


async def ask_on(writer: asyncio.StreamWriter, asked: bytes) -> None:
    """Ask again and again, and take no answer."""
    while True:
        writer.write(asked)
        await writer.drain()


async def drained(writer: asyncio.StreamWriter) -> None:
    """Until there is room to send more, or the other side has broken off."""
    with suppress(ConnectionError):
        await writer.drain()


@asynccontextmanager
async def served(settings: PortSettings, proxies: tuple[str, ...] = ("127.0.0.1",)) -> AsyncIterator[Port]:
    """The web room behind its port."""
    app, troubles = Site().app, Troubles()
    server = web_server(app, app.state.streams, list(proxies), settings, troubles)
    listening = socket.create_server(("127.0.0.1", 0))
    # What the kernel takes for a client that does not read.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    number = listening.getsockname()[1]
    running = asyncio.create_task(server.serve(sockets=[listening]))
    port = Port(number, troubles)
    try:
        yield port  # the kernel lets clients connect before the server has started
    finally:
        for writer in port.open:
            writer.transport.abort()
        server.leave()
        await running


def over(
    settings: PortSettings, check: Callable[[Port], Awaitable[None]], proxies: tuple[str, ...] = ("127.0.0.1",)
) -> None:
    """Run a check against a port."""

    async def run() -> None:
        async with served(settings, proxies) as port:
            await check(port)

    asyncio.run(run())


@pytest.mark.parametrize("proxies", [("127.0.0.1",), ()])
def test_half_sent_heads_take_no_place_from_a_page(proxies: tuple[str, ...]) -> None:
    async def check(port: Port) -> None:
        for _ in range(40):
            await port.connect(HALF)
        assert await port.works()

    over(PATIENT, check, proxies)


def test_connections_that_say_nothing_take_no_place_from_a_page() -> None:
    async def check(port: Port) -> None:
        for _ in range(40):
            await port.connect()
        assert await port.works()
        assert port.codes() == {Code.CONNECTIONS_FULL}

    over(PATIENT, check)


def test_one_client_has_only_its_share_and_others_are_not_told_of_it() -> None:
    async def check(port: Port) -> None:
        for _ in range(40):
            await port.connect(HALF)
        assert await port.works()
        assert port.codes() == set()

    over(PATIENT, check, ())


@pytest.mark.parametrize("sent", [b"", HALF])
def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes) -> None:
    async def check(port: Port) -> None:
        reader, _ = await port.connect(sent)
        said = await heard(reader)
        assert said.startswith(b"HTTP/1.1 408") if sent else said == b""

    over(BRISK, check)


def test_a_head_that_drips_has_no_more_time_than_another() -> None:
    async def check(port: Port) -> None:
        reader, writer = await port.connect(HALF)

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert (await heard(reader, 3)).startswith(b"HTTP/1.1 408")
        dripping.cancel()

    over(BRISK, check)


@pytest.mark.parametrize("path", ["/api/receipts", "/console/sign-in", "/nothing"])
def test_a_body_that_drips_is_ended_on_every_route(path: str) -> None:
    async def check(port: Port) -> None:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200\r\n\r\n"
        reader, writer = await port.connect(head.encode())

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        said = await heard(reader, 3)
        dripping.cancel()
        assert b"HTTP/1.1 4" in said
        assert b"connection: close" in said.lower()
        assert await port.works()

    over(BRISK, check)


def test_a_reader_that_does_not_read_is_let_go() -> None:
    async def check(port: Port) -> None:
        _, writer = await port.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        asked = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ask_on(writer, asked), 10)

    over(BRISK, check)


def test_an_idle_connection_is_ended_and_a_busy_one_is_not() -> None:
    async def check(port: Port) -> None:
        reader, writer = await port.connect(ALIVE.replace(b"Connection: close\r\n", b""))
        for _ in range(5):
            assert b"200 OK" in await reader.readuntil(b"ok\n")
            writer.write(ALIVE.replace(b"Connection: close\r\n", b""))
        assert b"200 OK" in await reader.readuntil(b"ok\n")
        assert await heard(reader) == b""

    over(BRISK, check)


def test_many_requests_in_one_breath_are_answered_in_turn() -> None:
    async def check(port: Port) -> None:
        said = await port.ask(ALIVE.replace(b"Connection: close\r\n", b"") * 50 + ALIVE)
        assert said.count(b"HTTP/1.1 200") == 51

    over(PATIENT, check)


@pytest.mark.parametrize("path", ["/api/receipts", "/console/sign-in", "/", "/x"])
@pytest.mark.parametrize("head", ["Transfer-Encoding: chunked", "Content-Length: 209715200"])
def test_a_huge_body_is_refused_where_it_is_too_much_and_not_at_its_end(path: str, head: str) -> None:
    async def check(port: Port) -> None:
        asked = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
        reader, writer = await port.connect(asked.encode())
        answered = asyncio.create_task(heard(reader))
        part = b"10000\r\n" + bytes(65536) + b"\r\n" if "chunked" in head else bytes(65536)
        sent = 0
        while not answered.done():
            writer.write(part)
            sent += len(part)
            await asyncio.wait({answered, asyncio.create_task(drained(writer))}, return_when=asyncio.FIRST_COMPLETED)
        assert sent < 16 * 2**20
        assert answered.result().startswith(b"HTTP/1.1 4")
        assert await port.works()

    over(PATIENT, check)


def test_what_is_refused_is_said_before_it_is_sent() -> None:
    async def check(port: Port) -> None:
        head = b"POST /api/receipts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        said = await port.ask(head + b"Content-Length: 209715200\r\nExpect: 100-continue\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in said.lower()
        body = json.dumps({"receipt": "A" * 16, "kind": "shown", "bucket": 0}).encode()
        ended = head + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        reader, writer = await port.connect(ended)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(body)
        assert (await heard(reader)).startswith(b"HTTP/1.1 204")

    over(PATIENT, check)


def test_an_answer_before_the_bodys_end_can_be_read_by_whoever_is_still_sending() -> None:
    async def check(port: Port) -> None:
        head = b"POST /api/receipts HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        reader, writer = await port.connect(head)
        for _ in range(8):
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await asyncio.sleep(0.02)
        said = await heard(reader)
        assert said.startswith(b"HTTP/1.1 413")
        assert b'"code":"too-large"' in said

    over(PATIENT, check)


def test_what_is_no_http_is_refused_and_writes_no_line_each(caplog: pytest.LogCaptureFixture) -> None:
    async def check(port: Port) -> None:
        for sent in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n"):
            assert (await port.ask(sent)).startswith(b"HTTP/1.1 400")
        assert await port.works()

    over(PATIENT, check)
    assert not [record for record in caplog.records if "Invalid HTTP" in record.getMessage()]
