"""One socket to a feed's server: a request goes out, and what comes back is read when it is this connection's turn.

Enters: the bytes of a request, and a `ResponseReader`. Leaves: a `Response`, or an exception; `connections` keeps many.
"""

from __future__ import annotations

import asyncio

from notifier.feeds.http1 import BadResponse, Response, ResponseReader, TooMuch
from notifier.feeds.turns import Turns


class Connection(asyncio.Protocol):
    """One socket, and the request that is under way on it."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._late = b""
        """What came and waits for this connection's turn to be read."""
        self._transport: asyncio.Transport | None = None
        self._reader: ResponseReader | None = None
        self._answer: asyncio.Future[Response] | None = None
        self.idle_since = 0.0

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing() and not self._late

    async def exchange(self, request: bytes, reader: ResponseReader) -> Response:
        if self._transport is None:
            raise ConnectionResetError("closed before anything was asked")
        self._reader = reader
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """End it politely; data that nobody waits for any more is left."""
        self._answer = None
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End it now, whatever is under way."""
        self._answer = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass of asyncio.Transport

    def data_received(self, data: bytes) -> None:
        if not self._turns.is_free:
            self._wait(data)
            return
        with self._turns.spending():
            self._read(data)

    def take_turn(self) -> None:
        """Read what had to wait."""
        data, self._late = self._late, b""
        if data:
            self._read(data)
        if self._transport is not None:
            self._transport.resume_reading()

    def _wait(self, data: bytes) -> None:
        if not self._late and self._transport is not None:
            self._transport.pause_reading()
            self._turns.queue(self)
        self._late += data

    def _read(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or answer.done() or self._reader is None:
            self.abort()  # nobody asked for this
            return
        try:
            response = self._reader.feed(data)
        except (BadResponse, TooMuch) as error:
            answer.set_exception(error)
            return
        if response is not None:
            self._answer = None
            answer.set_result(response)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.take_turn()
        answer, self._answer = self._answer, None
        if answer is None or answer.done() or self._reader is None:
            return
        if error is not None or not self._reader.begun:
            answer.set_exception(error or ConnectionResetError("closed without an answer"))
            return
        try:
            answer.set_result(self._reader.end())
        except BadResponse as bad:
            answer.set_exception(bad)
