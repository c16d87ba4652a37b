"""The client against servers that answer with any bytes: what is read, what is refused, which connections are kept."""

from __future__ import annotations

import asyncio
import errno
import selectors
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise

import pycurl
import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.outbound.addresses import AddressGuard
from notifier.outbound.client import Client, ClientSettings
from notifier.outbound.exchange import BadResponse, CannotConnect, NameUnknown, Request, Response, TooMuch
from notifier.outbound.route import Route
from tests.outbound.web import Asked, Names, Site, always, response, site

LIMIT = 1000
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n\r\n<rss>"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\n<r\r\n003\r\nss>\r\n0\r\nX-Sum: 1\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + PLAIN
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Use = Callable[["Server", Client], Awaitable[None]]
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


class Server:
    """Counts connections and requests. What it does with a connection is `serve`."""

    def __init__(self, *pieces: bytes, then: str = "") -> None:
        self.pieces = pieces or (response(body=b"<rss>"),)
        self.then = then
        """What it does after an answer: nothing, close, or say more."""
        self.connections = self.requests = 0
        self.port = 0

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while await reader.readuntil(b"\r\n\r\n"):
            self.requests += 1
            for piece in self.pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if self.then == "chat":
                await asyncio.sleep(0.01)
                writer.write(response(body=b"<not asked>"))
            if self.then == "close":
                break


def using(use: Use, server: Server | None = None, **chosen: float) -> Server:
    """Run `use` with a server and a client of it."""
    running = server or Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):  # the client has gone
                await running.serve(reader, writer)
        finally:
            writer.close()

    async def main() -> None:
        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        running.port = listening.sockets[0].getsockname()[1]
        names = Names(paper_example=["127.0.0.1"])
        client = Client(Route(AddressGuard.allowing(["127.0.0.1"])), ClientSettings(**chosen), names)  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(20):
                await use(running, client)
        finally:
            await client.close()
            listening.close()
            await asyncio.sleep(0.02)  # the server sees that its clients are gone

    asyncio.run(main())
    return running


async def ask(client: Client, url: str, within_s: float = 5.0, **headers: str) -> Response:
    return await client.ask(Request(url, headers, max_body_bytes=LIMIT), within_s)


def answer_to(*pieces: bytes, then: str = "close") -> Response:
    """What the client makes of a server that sends these bytes and then closes."""
    found: list[Response] = []

    async def once(server: Server, client: Client) -> None:
        found.append(await ask(client, server.url()))

    using(once, Server(*pieces, then=then))
    return found[0]


async def ask_twice(server: Server, client: Client) -> None:
    for _ in range(2):
        assert (await ask(client, server.url("paper.example"))).body == b"<rss>"
        await asyncio.sleep(0.05)


@settings(max_examples=15)
@given(st.sampled_from([PLAIN, CHUNKED, INTERIM]), st.lists(st.integers(0, 200), max_size=5))
def test_the_same_answer_comes_of_any_pieces(whole: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    assert answer_to(*(whole[a:b] for a, b in pairwise(places))).body == b"<rss>"


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED])
@pytest.mark.parametrize("missing", [1, 3, 5, 30])
def test_an_answer_that_is_cut_short_is_no_answer(whole: bytes, missing: int) -> None:
    with pytest.raises((BadResponse, ConnectionError)):
        answer_to(whole[:-missing])


def test_without_a_length_the_body_is_all_that_comes() -> None:
    assert answer_to(b"HTTP/1.1 200 OK\r\n\r\n<r", b"ss>") == Response(200, {}, b"<rss>")


def test_only_the_body_of_a_feed_is_waited_for() -> None:
    moved = b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 9999999\r\n\r\n"
    assert answer_to(moved, then="") == Response(301, {"location": "/b", "content-length": "9999999"})


def test_careless_servers_are_understood() -> None:
    careless = b"HTTP/1.0 200\nETag : ab\nX: 1\n  2\nETag: second\nLink: <a>\nlink: <b>\nY: \xe9\n\n"
    assert answer_to(careless).headers == {"etag": "ab", "x": "1 2", "link": "<a>, <b>", "y": "é"}


@pytest.mark.parametrize(
    "whole",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.example ESMTP",
        b"HTTP/1.1 999 Odd\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n<rss>",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        CHUNKS + b"-1\r\n",
        CHUNKS + b"2\r\n<rss>\r\n",
        CHUNKS + b"0" * 5000,
        CHUNKS + b"0\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    ],
)
def test_what_is_not_proper_http_is_told(whole: bytes) -> None:
    with pytest.raises(BadResponse):
        answer_to(whole)


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        CHUNKS + b"fffffff\r\n" + b"x" * 1001,
    ],
)
def test_a_body_beyond_the_limit_ends_when_that_is_known(start: bytes) -> None:
    with pytest.raises(TooMuch):
        answer_to(start, then="")


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y", "a\rb"])
def test_no_header_value_can_become_another_header(value: str) -> None:
    async def once(server: Server, client: Client) -> None:
        with pytest.raises(ValueError, match="more than one line"):
            await client.ask(Request(server.url(), {"If-None-Match": value}), 5.0)

    assert using(once).requests == 0


def test_a_connection_serves_one_request_after_the_other() -> None:
    server = using(ask_twice)
    assert (server.connections, server.requests) == (1, 2)


@pytest.mark.parametrize("then", ["close", "chat"])
def test_a_connection_that_was_closed_or_speaks_unasked_is_not_used_again(then: str) -> None:
    server = using(ask_twice, Server(then=then))
    assert (server.connections, server.requests) == (2, 2)


def test_a_request_is_sent_once_more_where_a_kept_connection_dies_unheard() -> None:
    class Dying(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            for _ in range(1 if self.connections == 1 else 10):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(response(body=b"<rss>"))
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

    async def at_once(server: Server, client: Client) -> None:
        for _ in range(2):
            assert (await ask(client, server.url())).status == 200

    assert using(at_once, Dying()).connections == 2


def test_a_new_connection_that_dies_is_not_tried_for_ever() -> None:
    class Dead(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            await reader.readuntil(b"\r\n\r\n")

    async def once(server: Server, client: Client) -> None:
        with pytest.raises(ConnectionError):
            await ask(client, server.url())

    assert using(once, Dead()).connections == 1


def test_no_more_than_so_many_connections_are_kept() -> None:
    async def three_then_three(server: Server, client: Client) -> None:
        for _ in range(2):
            await asyncio.gather(*(ask(client, server.url()) for _ in range(3)))

    assert using(three_then_three, kept=1).connections == 5


def test_who_stops_waiting_ends_the_connection() -> None:
    class Silent(Server):
        ended = False

        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            self.ended = not await reader.read()

    async def impatient(server: Server, client: Client) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(client, server.url())
        await asyncio.sleep(0.05)

    server = Silent()
    using(impatient, server)
    assert server.ended


def test_a_name_is_looked_up_again_only_after_a_while() -> None:
    async def main() -> int:
        async with site(always(response(body=b"x", Connection="close"))) as running:
            names = Names(paper_example=["127.0.0.1", "127.0.0.9"])
            route = Route(AddressGuard.allowing(["127.0.0.1"]))
            client = Client(route, ClientSettings(names_s=0.2), names)
            for _ in range(3):
                await ask(client, running.url(host="paper.example"))
            await asyncio.sleep(0.25)
            with pytest.raises(CannotConnect, match=r"127\.0\.0\.9"):
                await ask(client, running.url(host="paper.example"))
            await client.close()
            return len(running.asked)

    assert asyncio.run(main()) == 3


def test_what_has_no_address_or_no_name_says_so() -> None:
    async def both(server: Server, client: Client) -> None:
        with pytest.raises(NameUnknown):
            await ask(client, server.url("nowhere.example"))
        with pytest.raises(CannotConnect, match="not a public address"):
            await ask(client, server.url("10.0.0.1"))

    assert using(both).requests == 0


def test_an_address_that_is_refused_does_not_hide_one_that_answers() -> None:
    class Both(Names):
        async def resolve(self, host: str, port: int) -> list[tuple[object, ...]]:
            return [*await super().resolve("private.example", port), *await super().resolve("open.example", port)]

    async def main() -> Response:
        async with site(always(response(body=b"x"))) as running:
            names = Both(private_example=["10.0.0.1"], open_example=["127.0.0.1"])
            client = Client(Route(AddressGuard.allowing(["127.0.0.1"])), resolver=names)
            found = await ask(client, running.url(host="paper.example"))
            await client.close()
            return found

    assert asyncio.run(main()).status == 200


def test_what_is_kept_for_later_gives_way_and_no_more_are_opened_than_may_be() -> None:
    async def main() -> None:
        both = asyncio.Event()

        async def silent(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
            if len(other.asked) == 2:
                both.set()
            await asyncio.Event().wait()

        async with site(always(response(body=b"x"))) as one, site(silent) as other, asyncio.timeout(20):
            client = Client(Route(AddressGuard.allowing(["127.0.0.1"])), ClientSettings(open=2))
            await ask(client, one.url())
            waiting = [asyncio.create_task(ask(client, other.url())) for _ in range(2)]
            await both.wait()
            with pytest.raises(OSError, match="as many connections") as full:
                await ask(client, other.url())
            assert full.value.errno == errno.EMFILE
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            assert (await ask(client, one.url())).status == 200
            await client.close()

    asyncio.run(main())


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_server_that_accepts_and_says_nothing_ends_at_the_deadline(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            client = Client(Route(AddressGuard.allowing(["127.0.0.1"])))
            with pytest.raises(TimeoutError):
                await ask(client, f"http://127.0.0.1:{mute.getsockname()[1]}/", within_s=0.3)
            await client.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


def test_what_is_under_way_ends_with_the_client() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            client = Client(Route(AddressGuard.allowing(["127.0.0.1"])))
            waiting = asyncio.create_task(ask(client, f"http://127.0.0.1:{mute.getsockname()[1]}/"))
            await asyncio.sleep(0.05)
            await client.close()
            with pytest.raises(BadResponse, match="closed"):
                await waiting

    asyncio.run(main())


def test_a_site_is_asked_with_its_headers_and_credentials() -> None:
    async def main() -> Site:
        async with site(always(response(body=b"x"))) as running:
            client = Client(Route(AddressGuard.allowing(["127.0.0.1"])))
            await ask(client, running.url(host="me:p%40ss@127.0.0.1"), Empty="", Full="é")
            await client.close()
            return running

    headers = asyncio.run(main()).asked[0].headers
    assert headers["authorization"] == "Basic bWU6cEBzcw=="
    assert "empty:" in headers or "empty" in headers
    assert headers["full"] == "é".encode().decode("latin-1")


def test_what_libcurl_waits_for_and_what_is_ready_are_the_same_bits() -> None:
    assert (pycurl.POLL_IN, pycurl.POLL_OUT) == (selectors.EVENT_READ, selectors.EVENT_WRITE)
    assert (pycurl.CSELECT_IN, pycurl.CSELECT_OUT) == (selectors.EVENT_READ, selectors.EVENT_WRITE)
