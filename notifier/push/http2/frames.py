"""Frames on the wire (RFC 9113 sections 4 and 6): numbers, and how to read and write them."""

from __future__ import annotations

from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9

END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITY = 0x4, 0x8, 0x20

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 1, 2, 3, 4

NO_ERROR, REFUSED_STREAM, CANCEL = 0, 7, 8

FRAME_HEADER = Struct(">HBBBI")
"""Length (high 16 bits, low 8), type, flags, stream."""

_SETTING = Struct(">HI")

LONGEST_FRAME = 16_384
DEFAULT_WINDOW = 65_535


class ProtocolError(Exception):
    """The service broke the rules of HTTP/2: the connection cannot be used any more."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One whole frame."""
    return FRAME_HEADER.pack(len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream) + payload


def settings(*values: tuple[int, int]) -> bytes:
    """A SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in values))


def settings_in(payload: bytes) -> list[tuple[int, int]]:
    """The (key, value) pairs of a SETTINGS frame. Raises ProtocolError."""
    if len(payload) % 6:
        raise ProtocolError
    steps = range(0, len(payload), 6)
    return [
        (int.from_bytes(payload[at : at + 2], "big"), int.from_bytes(payload[at + 2 : at + 6], "big")) for at in steps
    ]


def number(payload: bytes) -> int:
    """The 31-bit number that a frame of four bytes or more begins with. Raises ProtocolError."""
    if len(payload) < 4:
        raise ProtocolError
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
