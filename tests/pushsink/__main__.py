"""`python -m tests.pushsink`: serve until standard input ends. The first line says the ports, as JSON.

The control port answers GET /report with what was seen so far, and POST /forget by starting anew;
/minute begins a new minute for what is limited to 1,000 in each; /accepted says when each browser got its first
message. With `--origins` there are several services side by side, each with a book of its own; what is reported is
the first one's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
from functools import partial
from typing import cast

from tests.pushsink.http1 import Http1Connection
from tests.pushsink.http2 import PREFACE, Http2Connection, Limits
from tests.pushsink.ledger import Book


class Service(asyncio.Protocol):
    """One connection: HTTP/2 if the client says so by its preface."""

    def __init__(self, book: Book, limits: Limits) -> None:
        self._book, self._limits = book, limits
        self._speaks: Http2Connection | Http1Connection | None = None
        self._first = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._book.ledger.connections += 1
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            self._speaks = Http2Connection(self._transport, self._book, self._limits)
            self._first = PREFACE

    def data_received(self, data: bytes) -> None:
        if self._speaks is None:
            self._speaks = Http1Connection(self._transport, self._book)
        if self._first:
            skip = min(len(self._first), len(data))
            if data[:skip] != self._first[:skip]:
                self._book.ledger.problem("the preface is wrong")
            self._first, data = self._first[skip:], data[skip:]
        self._speaks.feed(data)


async def serve(options: argparse.Namespace) -> None:
    """Listen on two free ports of 127.0.0.1."""
    loop = asyncio.get_running_loop()
    limits = Limits(options.streams, options.window, options.table, options.delay)
    context = None
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
        context.set_alpn_protocols(["http/1.1"] if options.http1 else ["h2", "http/1.1"])
    books = [Book(options.sample, keeps_salts=options.salts) for _ in range(options.origins)]
    book = books[0]
    for place, served in enumerate(books):
        port = 0 if place else options.port
        server = await loop.create_server(partial(Service, served, limits), "127.0.0.1", port, ssl=context, backlog=512)
        served.ledger.origin = f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        said = book.ledger.accepted_at if b"/accepted" in line else book.ledger.report()
        report = json.dumps(said).encode()
        if b"/minute" in line:
            book.ledger.minutes.append(0)
        if b"/forget" in line:
            for forgetful in books:
                forgetful.forget()
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + report)
        await writer.drain()
        writer.close()

    controls = await asyncio.start_server(control, "127.0.0.1", 0)
    origins = [served.ledger.origin for served in books]
    print(json.dumps({"origins": origins, "control": controls.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def options() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="pushsink", description=__doc__)
    parser.add_argument("--certificate", help="PEM file with key and certificate; without it: plain HTTP/1.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--origins", type=int, default=1, help="so many services, each on a port of its own")
    parser.add_argument("--http1", action="store_true", help="offer no HTTP/2")
    parser.add_argument("--streams", type=int, default=Limits().streams, help="SETTINGS_MAX_CONCURRENT_STREAMS")
    parser.add_argument("--window", type=int, default=Limits().window, help="SETTINGS_INITIAL_WINDOW_SIZE")
    parser.add_argument("--table", type=int, default=Limits().table, help="SETTINGS_HEADER_TABLE_SIZE")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--sample", type=int, default=1, help="check and open every so many-th message")
    parser.add_argument("--salts", action="store_true", help="tell when two messages have one salt")
    return parser


if __name__ == "__main__":
    try:
        asyncio.run(serve(options().parse_args()))
    except KeyboardInterrupt:
        sys.exit(130)
