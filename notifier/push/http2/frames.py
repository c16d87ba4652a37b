"""Frames as bytes (RFC 9113 sections 4 and 6): numbers, and how to read and write them."""

from __future__ import annotations

from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY_FRAME, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9

END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITY = 0x4, 0x8, 0x20

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 3, 4, 5

NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR = 0, 1, 3, 5, 6
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 7, 8, 9, 11

FRAME_HEADER = Struct(">HBBBI")
"""Length (high 16 bits, low 8), type, flags, stream."""

_SETTING = Struct(">HI")

LONGEST_FRAME = 16_384
DEFAULT_WINDOW = 65_535
LARGEST_WINDOW = (1 << 31) - 1

_LENGTHS = {RST_STREAM: (4, 4), PING: (8, 8), GOAWAY: (8, LONGEST_FRAME), WINDOW_UPDATE: (4, 4)}
_ON_CONNECTION = frozenset({SETTINGS, PING, GOAWAY})
_ON_STREAM = frozenset({DATA, HEADERS, PRIORITY_FRAME, RST_STREAM, CONTINUATION})
_ALLOWED = {
    ENABLE_PUSH: (0, 0, PROTOCOL_ERROR),
    INITIAL_WINDOW_SIZE: (0, LARGEST_WINDOW, FLOW_CONTROL_ERROR),
    MAX_FRAME_SIZE: (LONGEST_FRAME, (1 << 24) - 1, PROTOCOL_ERROR),
}


class ProtocolError(Exception):
    """The service broke the rules of HTTP/2: the connection cannot be used any more. `code`: RFC 9113 section 7."""

    def __init__(self, code: int = PROTOCOL_ERROR) -> None:
        self.code = code
        super().__init__(code)


class StreamError(Exception):
    """One answer broke the rules (RFC 9113 section 8.1.1): there is none, and the connection goes on."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One whole frame."""
    return FRAME_HEADER.pack(len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream) + payload


def settings(*values: tuple[int, int]) -> bytes:
    """A SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in values))


def check(kind: int, stream: int, length: int) -> None:
    """Raises ProtocolError where a frame of this kind may not have this stream or length (RFC 9113 section 6)."""
    least, most = _LENGTHS.get(kind, (0, LONGEST_FRAME))
    if not least <= length <= most:
        raise ProtocolError(FRAME_SIZE_ERROR)
    if (stream and kind in _ON_CONNECTION) or (not stream and kind in _ON_STREAM):
        raise ProtocolError


def settings_in(payload: bytes) -> list[tuple[int, int]]:
    """The (key, value) pairs of a server's SETTINGS frame (RFC 9113 section 6.5). Raises ProtocolError."""
    if len(payload) % 6:
        raise ProtocolError(FRAME_SIZE_ERROR)
    found = list(_SETTING.iter_unpack(payload))
    for key, value in found:
        least, most, code = _ALLOWED.get(key, (0, value, NO_ERROR))
        if not least <= value <= most:
            raise ProtocolError(code)
    return found


def number(payload: bytes) -> int:
    """The 31-bit number that a frame of four bytes or more begins with."""
    return int.from_bytes(payload[:4], "big") & 0x7FFF_FFFF


def unpadded(flags: int, payload: bytes) -> bytes:
    """The fragment or data of a frame that may carry padding and priority (RFC 9113 sections 6.1, 6.2)."""
    start, end = 0, len(payload)
    if flags & PADDED:
        start, end = 1, end - (payload[0] if payload else 0)
    if flags & PRIORITY:
        start += 5
    if start > end:
        raise ProtocolError
    return payload[start:end]
