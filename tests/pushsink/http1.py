"""The sink's side of one HTTP/1.1 connection: requests one after another, with a length."""

from __future__ import annotations

import asyncio

from tests.pushsink.behaviour import DRIP_S, Behaviour, behaviour_of
from tests.pushsink.ledger import Book


class Http1Connection:
    """Reads what a transport gave (`feed`) and writes answers to it."""

    def __init__(self, transport: asyncio.Transport, book: Book) -> None:
        self._transport, self._book = transport, book
        self._buffer = b""

    def feed(self, data: bytes) -> None:
        """Take bytes in; every whole request is handled at once."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            request, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._request(request.split(" ")[1], headers, rest[:length])

    def _request(self, path: str, headers: dict[str, str], body: bytes) -> None:
        ledger = self._book.ledger
        ledger.saw(path, body)
        ledger.http1 += 1
        if ledger.wants_check():
            ledger.check(path, headers, body)
        behaviour = behaviour_of(path)
        if behaviour.once and ledger.asked[path]:
            behaviour = Behaviour()
        ledger.asked[path] += 1
        if behaviour.special in {"reset", "close", "refuse", "goaway-before"}:
            self._transport.abort()
        elif behaviour.special != "never":
            asyncio.get_running_loop().call_later(behaviour.delay_s, self._answer, path, behaviour)

    def _answer(self, path: str, behaviour: Behaviour) -> None:
        if behaviour.special == "drip":
            self._drip()
            return
        if 200 <= behaviour.status < 300:
            self._book.ledger.accept(path)
        lines = [f"HTTP/1.1 {behaviour.status} As Asked", f"Content-Length: {len(behaviour.body)}"]
        lines += [f"{name}: {value}" for name, value in behaviour.headers]
        if not self._transport.is_closing():
            self._transport.write("\r\n".join([*lines, "", ""]).encode() + behaviour.body)

    def _drip(self) -> None:
        """Interim answers for as long as the client stays."""
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            asyncio.get_running_loop().call_later(DRIP_S, self._drip)
