"""Connections: used again where that is safe, opened anew where they turn out to be dead, few kept, none for long."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from notifier.addresses import AddressGuard
from notifier.feeds.connections import CannotConnect, Connections, ConnectionSettings, NameUnknown
from notifier.feeds.http1 import Response, request_bytes, target_of
from tests.feeds.web import Asked, Names, Site, always, response, site

Use = Callable[["Server", Connections], Awaitable[None]]


class Server:
    """Counts connections and requests; `then` says what it does after an answer: nothing, close, or say more."""

    def __init__(self, then: str = "") -> None:
        self.then = then
        self.connections = self.requests = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                writer.write(response(body=b"<rss>"))
                if self.then == "chat":
                    await writer.drain()
                    await asyncio.sleep(0.01)
                    writer.write(response(body=b"<not asked>"))
                if self.then == "close":
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def using(use: Use, server: Server | None = None, **settings: float) -> Server:
    """Run `use` with a server and connections to it."""
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
        guard = AddressGuard.allowing(["127.0.0.1"])
        connections = Connections(guard, names, ConnectionSettings(**settings))  # type: ignore[arg-type]
        try:
            await use(running, connections)
        finally:
            await connections.close()
            listening.close()
            await asyncio.sleep(0.02)  # the server sees that its clients are gone

    asyncio.run(main())
    return running


async def ask(connections: Connections, port: int, host: str = "paper.example") -> Response:
    target = target_of(f"http://{host}:{port}/")
    return await connections.ask(target, request_bytes("GET", target, {}), wants_body=True, max_body_bytes=100)


async def ask_twice(server: Server, connections: Connections) -> None:
    for _ in range(2):
        assert (await ask(connections, server.port)).body == b"<rss>"
        await asyncio.sleep(0.05)


def test_a_connection_serves_one_request_after_the_other() -> None:
    server = using(ask_twice)
    assert (server.connections, server.requests) == (1, 2)


@pytest.mark.parametrize("then", ["close", "chat"])
def test_a_connection_that_was_closed_or_speaks_unasked_is_not_used_again(then: str) -> None:
    server = using(ask_twice, Server(then))
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

    async def at_once(server: Server, connections: Connections) -> None:
        for _ in range(2):
            assert (await ask(connections, server.port)).status == 200

    assert using(at_once, Dying()).connections == 2


def test_a_new_connection_that_dies_is_not_tried_for_ever() -> None:
    class Dead(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

    async def once(server: Server, connections: Connections) -> None:
        with pytest.raises(ConnectionError):
            await ask(connections, server.port)

    assert using(once, Dead()).connections == 1


def test_a_connection_is_not_kept_for_long() -> None:
    async def twice(server: Server, connections: Connections) -> None:
        await ask(connections, server.port)
        await asyncio.sleep(0.3)
        await ask(connections, server.port)

    assert using(twice, idle_s=0.1).connections == 2


def test_no_more_than_so_many_connections_are_kept() -> None:
    async def three_then_three(server: Server, connections: Connections) -> None:
        for _ in range(2):
            await asyncio.gather(*(ask(connections, server.port) for _ in range(3)))

    assert using(three_then_three, idle=1).connections == 5


def test_who_stops_waiting_ends_the_connection() -> None:
    class Silent(Server):
        ended = False

        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            self.ended = not await reader.read()
            writer.close()

    async def impatient(server: Server, connections: Connections) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(connections, server.port)
        await asyncio.sleep(0.05)

    server = Silent()
    using(impatient, server)
    assert server.ended


def test_a_name_is_looked_up_again_only_after_a_while() -> None:
    async def main() -> tuple[int, int]:
        server = Server("close")
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        names = Names(paper_example=["127.0.0.1", "127.0.0.9"])
        guard = AddressGuard.allowing(["127.0.0.1"])
        connections = Connections(guard, names, ConnectionSettings(names_s=0.2))
        for _ in range(3):
            await ask(connections, port)
        await asyncio.sleep(0.25)
        with pytest.raises(CannotConnect, match=r"127\.0\.0\.9"):
            await ask(connections, port)
        await connections.close()
        listening.close()
        return server.connections, port

    assert asyncio.run(main())[0] == 3


def test_what_has_no_address_or_no_name_says_so() -> None:
    async def both(server: Server, connections: Connections) -> None:
        with pytest.raises(NameUnknown):
            await ask(connections, server.port, "nowhere.example")
        with pytest.raises(CannotConnect, match="not a public address"):
            await ask(connections, server.port, "10.0.0.1")

    assert using(both).requests == 0


def test_an_address_that_does_not_answer_does_not_hide_one_that_does() -> None:
    async def main() -> Response:
        server = Server()
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]

        class Both(Names):
            async def resolve(self, host: str, port: int) -> list[tuple[object, ...]]:
                return [*await super().resolve("private.example", port), *await super().resolve("open.example", port)]

        names = Both(private_example=["10.0.0.1"], open_example=["127.0.0.1"])
        connections = Connections(AddressGuard.allowing(["127.0.0.1"]), names, ConnectionSettings())
        try:
            return await ask(connections, port)
        finally:
            await connections.close()
            listening.close()

    assert asyncio.run(main()).status == 200


def test_what_is_kept_for_later_gives_way_and_no_more_are_opened_than_may_be() -> None:
    async def main() -> None:
        async with site(always(response(body=b"x"))) as one, site(silent) as other:
            async with asyncio.timeout(20):
                few = ConnectionSettings(open=2)
                connections = Connections(AddressGuard.allowing(["127.0.0.1"]), Names(), few)
                await asked(connections, one)
                waiting = [asyncio.create_task(asked(connections, other)) for _ in range(2)]
                await asyncio.sleep(0)
                with pytest.raises(OSError, match="as many connections") as full:
                    await asked(connections, other)
                assert full.value.errno == errno.EMFILE
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
                assert (await asked(connections, one)).status == 200
                await connections.close()

    asyncio.run(main())


async def silent(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def asked(connections: Connections, server: Site) -> Response:
    target = target_of(server.url())
    request = request_bytes("GET", target, {})
    return await connections.ask(target, request, wants_body=True, max_body_bytes=1_000)
