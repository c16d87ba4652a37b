"""A loopback proxy: it forwards requests and tunnels (CONNECT) to one port, whatever they name, and notes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Proxy:
    """`asked` are the first lines of the requests, `heads` all that came with them."""

    def __init__(self, leads_to: int, status: str) -> None:
        self._leads_to, self._status = leads_to, status
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.url = ""
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode())
            self.asked.append(self.heads[-1].partition("\r\n")[0])
            if not self._status.startswith("200"):
                writer.write(f"HTTP/1.1 {self._status}\r\nContent-Length: 0\r\n\r\n".encode())
                writer.close()
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._leads_to)
            if head.startswith(b"CONNECT "):
                writer.write(b"HTTP/1.1 200 Connection established\r\nVia: here\r\n\r\n")
            else:
                back.write(head)
            await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def proxy(leads_to: int, status: str = "200 OK") -> AsyncIterator[Proxy]:
    """Run a proxy that leads everything to a port of this machine, or answers CONNECT and the rest with `status`."""
    running = Proxy(leads_to, status)
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield running
    finally:
        server.close()
        for task in running.tasks:
            task.cancel()
        await asyncio.gather(*running.tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was closed ends in the next turn of the loop
