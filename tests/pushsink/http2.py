"""The sink's side of one HTTP/2 connection (RFC 9113), written by hand to be quick and to be able to misbehave."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cache
from struct import Struct

from tests.pushsink.behaviour import DRIP_S, Behaviour, behaviour_of
from tests.pushsink.header_reader import HeaderReader, text
from tests.pushsink.ledger import Book

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 0x1, 0x1, 0x4, 0x8, 0x20
INTERNAL_ERROR, REFUSED_STREAM = 2, 7
_HEADER = Struct(">HBBBL")
_QUICK_201 = b"\x08\x03201"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the sink announces. `window` is for each stream; `table` the size of the header table."""

    streams: int = 1000
    window: int = 1 << 20
    table: int = 4096
    delay_s: float = 0.0


@dataclass(slots=True)
class _Stream:
    fields: list[tuple[bytes, bytes]]
    body: bytearray = field(default_factory=bytearray)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame, its 9-byte header included."""
    return _HEADER.pack(len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream) + payload


def literal(name: str, value: str, first: int = 0x00) -> bytes:
    """A literal header field with a new name, not Huffman-coded (RFC 7541 section 6.2)."""
    return bytes([first, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


@cache
def _block(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    """The same answer is written thousands of times: it must not cost the sender's neighbours the server's time."""
    return b"\x08\x03%d" % status + b"".join(literal(*pair) for pair in headers)


class Http2Connection:
    """Reads what a transport gave (`feed`) and writes answers to it."""

    def __init__(self, transport: asyncio.Transport, book: Book, limits: Limits) -> None:
        self._transport, self._book, self._limits = transport, book, limits
        self._reader = HeaderReader()
        self._buffer = bytearray(b"")
        self._streams: dict[int, _Stream] = {}
        self._block: tuple[int, int, bytearray] | None = None
        self._answering: set[int] = set()
        self._last_stream = 0
        self._leaving = self._is_mute = False
        self._window_left = 65535
        self._peer_window = {0: 65535}
        self._peer_initial = 65535
        self._blocked: dict[int, bytes] = {}
        self._out = bytearray()
        self._dynamic_tags = 0
        self._peer_table = 4096
        self._acknowledged = False
        self._table = limits.table
        settings = ((1, limits.table), (3, limits.streams), (4, limits.window))
        self._out += frame(
            SETTINGS, 0, 0, b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in settings)
        )
        self._grant(0, (1 << 30) if limits.window >= 1 << 20 else 1000)
        self._flush()

    def feed(self, data: bytes) -> None:
        """Take bytes in; every whole frame is handled at once."""
        self._buffer += data
        buffer, at = bytes(self._buffer), 0
        while len(buffer) - at >= 9:
            high, low, kind, flags, stream = _HEADER.unpack_from(buffer, at)
            end = at + 9 + (high << 8 | low)
            if len(buffer) < end:
                break
            self._frame(kind, flags, stream & 0x7FFFFFFF, buffer[at + 9 : end])
            at = end
        del self._buffer[:at]
        self._flush()

    def _flush(self) -> None:
        if self._out and not self._is_mute and not self._transport.is_closing():
            self._transport.write(bytes(self._out))
        self._out.clear()

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if len(payload) > 16384:
            self._book.ledger.problem("a frame longer than 16,384 bytes")
        if kind == DATA:
            self._data(stream, flags, payload)
        elif kind == HEADERS:
            if flags & (PADDED | PRIORITY_FLAG):
                payload = payload[5:] if flags & PRIORITY_FLAG else payload
            self._block = (stream, flags, bytearray(payload))
            if flags & END_HEADERS:
                self._headers()
        elif kind == CONTINUATION and self._block is not None:
            self._block[2].extend(payload)
            if flags & END_HEADERS:
                self._headers()
        elif kind == SETTINGS:
            self._settings(flags, payload)
        elif kind == PING and not flags & ACK:
            self._out += frame(PING, ACK, 0, payload)
        elif kind == WINDOW_UPDATE:
            self._window_update(stream, int.from_bytes(payload, "big"))
        elif kind == RST_STREAM:
            self._streams.pop(stream, None)
            self._blocked.pop(stream, None)
            self._answering.discard(stream)

    def _settings(self, flags: int, payload: bytes) -> None:
        if flags & ACK:
            self._acknowledged = True
            self._reader.allow(self._table)
            return
        for at in range(0, len(payload), 6):
            if payload[at : at + 2] == b"\x00\x04":
                self._peer_initial = int.from_bytes(payload[at + 2 : at + 6], "big")
            elif payload[at : at + 2] == b"\x00\x01":
                self._peer_table = int.from_bytes(payload[at + 2 : at + 6], "big")
        self._out += frame(SETTINGS, ACK, 0)

    def _headers(self) -> None:
        assert self._block is not None
        stream, flags, block = self._block
        self._block = None
        try:
            fields = self._reader.read(bytes(block))
        except (ValueError, IndexError) as problem:
            self._book.ledger.problem(f"a header block cannot be read: {problem}")
            self._transport.abort()
            return
        if self._leaving:
            return
        if len(self._streams) + len(self._answering) >= self._limits.streams:
            if self._acknowledged:
                self._book.ledger.problem("more streams than allowed")
            self._out += frame(RST_STREAM, 0, stream, REFUSED_STREAM.to_bytes(4, "big"))
            return
        self._last_stream = stream
        self._streams[stream] = _Stream(fields)
        if flags & END_STREAM:
            self._complete(stream)

    def _data(self, stream: int, flags: int, payload: bytes) -> None:
        self._window_left -= len(payload)
        if self._window_left < 0:
            self._book.ledger.problem("more data than the connection's window")
        opened = self._streams.get(stream)
        if opened is not None:
            opened.body += payload
            if len(opened.body) > self._limits.window and self._limits.window >= 1 << 16:
                self._book.ledger.problem("more data than the stream's window")
            elif not flags & END_STREAM and payload:
                self._grant(stream, len(payload))
        if self._limits.window < 1 << 20:
            self._grant(0, len(payload))
        elif self._window_left < 1 << 29:
            self._grant(0, 1 << 29)
        if flags & END_STREAM and opened is not None:
            self._complete(stream)

    def _grant(self, stream: int, size: int) -> None:
        if size:
            self._out += frame(WINDOW_UPDATE, 0, stream, size.to_bytes(4, "big"))
        if stream == 0:
            self._window_left += size

    def _complete(self, stream: int) -> None:
        done = self._streams.pop(stream)
        ledger = self._book.ledger
        path = text(next(value for name, value in done.fields if name == b":path"))
        ledger.saw(path, done.body)
        if ledger.wants_check():
            headers = {name.decode(): text(value) for name, value in done.fields}
            ledger.check(path, headers, bytes(done.body))
        behaviour = behaviour_of(path)
        if behaviour.once and ledger.asked[path]:
            behaviour = Behaviour()
        if behaviour.special == "limited":
            behaviour = Behaviour() if ledger.has_room() else Behaviour(429, ())
        ledger.asked[path] += behaviour.special != "" or behaviour.once
        delay_s = behaviour.delay_s or self._limits.delay_s
        if delay_s:
            self._answering.add(stream)
            asyncio.get_running_loop().call_later(delay_s, self._answer_later, stream, path, behaviour)
        else:
            self._answer(stream, path, behaviour)

    def _answer_later(self, stream: int, path: str, behaviour: Behaviour) -> None:
        if stream in self._answering:
            self._answering.discard(stream)
            self._answer(stream, path, behaviour)
            self._flush()

    def _answer(self, stream: int, path: str, behaviour: Behaviour) -> None:
        special = behaviour.special
        if special == "never":
            self._answering.add(stream)
        elif special == "drip":
            self._answering.add(stream)
            self._drip(stream)
        elif special == "half-head":
            self._out += frame(HEADERS, END_STREAM, stream, b"\x08\x03410")
            self._flush()
            self._is_mute = True
        elif special == "close":
            self._transport.abort()
        elif special == "garbage":
            self._out += b"\xff" * 64
        elif special in {"reset", "refuse"}:
            code = INTERNAL_ERROR if special == "reset" else REFUSED_STREAM
            self._out += frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))
        elif special == "goaway-before":
            self._leave(stream - 2)
        else:
            if 200 <= behaviour.status < 300:
                self._book.ledger.accept(path)
            self._write_answer(stream, behaviour)
            if special == "goaway":
                self._leave(stream)

    def _drip(self, stream: int) -> None:
        if stream in self._answering and not self._transport.is_closing():
            self._out += frame(HEADERS, END_HEADERS, stream, b"\x08\x03103")
            self._flush()
            asyncio.get_running_loop().call_later(DRIP_S, self._drip, stream)

    def _leave(self, last_stream: int) -> None:
        self._leaving = True
        self._streams.clear()
        self._out += frame(GOAWAY, 0, 0, max(0, last_stream).to_bytes(4, "big") + bytes(4))
        asyncio.get_running_loop().call_later(0.2, self._transport.close)

    def _write_answer(self, stream: int, behaviour: Behaviour) -> None:
        block = _block(behaviour.status, behaviour.headers)
        special = behaviour.special
        end = 0 if behaviour.body else END_STREAM
        if special == "early":
            self._out += frame(HEADERS, END_HEADERS, stream, b"\x08\x03103" + literal("link", "</x>; rel=preload"))
        if special == "shrink":
            values = b"\x00\x01" + bytes(4) + b"\x00\x04" + (1000).to_bytes(4, "big")
            self._out += frame(SETTINGS, 0, 0, values)
            self._table = 0
        if special == "ignores-table" or (special == "dynamic" and self._peer_table):
            block = self._dynamic_block(str(behaviour.status))
        elif special == "dynamic":
            block = b"\x20" + block
        if special == "padded":
            self._out += frame(
                HEADERS, END_HEADERS | end | PADDED | PRIORITY_FLAG, stream, b"\x07" + bytes(5) + block + bytes(7)
            )
        elif special in {"continuation", "huge"}:
            step = 12 if special == "continuation" else 16384
            self._out += frame(HEADERS, end, stream, block[:1])
            self._out += b"".join(
                frame(CONTINUATION, 0, stream, block[at : at + step]) for at in range(1, len(block), step)
            )
            self._out += frame(CONTINUATION, END_HEADERS, stream)
        else:
            self._out += frame(HEADERS, END_HEADERS | end, stream, block)
        if behaviour.body:
            self._blocked[stream] = behaviour.body
            self._peer_window.setdefault(stream, self._peer_initial)
            if special == "endless":
                self._pour(stream)
                return
            self._send_body(stream, open_ended=special == "trailers")
            if special == "trailers" and stream not in self._blocked:
                self._out += frame(HEADERS, END_HEADERS | END_STREAM, stream, literal("x-checked", "yes"))

    def _pour(self, stream: int) -> None:
        """A text without an end, as fast as the windows let it through."""
        if stream in self._blocked and not self._transport.is_closing():
            self._blocked[stream] = b"come again " * 2000
            self._send_body(stream, open_ended=True)
            self._blocked[stream] = b""
            self._flush()
            asyncio.get_running_loop().call_later(DRIP_S, self._pour, stream)

    def _dynamic_block(self, code: str) -> bytes:
        """Fields with incremental indexing, more than the table holds in the long run; the status comes from it."""
        self._dynamic_tags += 1
        status = literal(":status", code, first=0x40)
        return status + literal("x-tag", f"{self._dynamic_tags:0100d}", first=0x40) + b"\xbe"

    def _send_body(self, stream: int, *, open_ended: bool = False) -> None:
        left = self._blocked[stream]
        while left:
            room = min(self._peer_window[0], self._peer_window[stream], 16384, len(left))
            if room <= 0:
                break
            piece, left = left[:room], left[room:]
            self._peer_window[0] -= room
            self._peer_window[stream] -= room
            self._out += frame(DATA, 0 if left or open_ended else END_STREAM, stream, piece)
        self._blocked[stream] = left
        if not left:
            del self._blocked[stream]

    def _window_update(self, stream: int, size: int) -> None:
        self._peer_window[stream] = self._peer_window.get(stream, self._peer_initial) + size
        for waiting in list(self._blocked):
            self._send_body(waiting)
