"""As much of Protocol Buffers' wire format as Chromium's push connection needs."""

from __future__ import annotations

from collections.abc import Iterator


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def integer(field: int, value: int) -> bytes:
    """A varint field."""
    return varint(field << 3) + varint(value)


def fixed64(field: int, value: int) -> bytes:
    """A field of eight bytes, little-endian."""
    return varint(field << 3 | 1) + value.to_bytes(8, "little")


def text(field: int, value: str | bytes) -> bytes:
    """A string, bytes or message field."""
    raw = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def read_strings(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The string, bytes and message fields of a message; numbers are passed over."""
    at = 0
    while at < len(message):
        key, at = read_varint(message, at)
        match key & 7:
            case 0:
                _, at = read_varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = read_varint(message, at)
                yield key >> 3, message[at : at + length]
                at += length
            case 5:
                at += 4
            case kind:
                raise ValueError(f"no wire type {kind}")


def read_varint(raw: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    number = shift = 0
    while True:
        byte = raw[at]
        number |= (byte & 127) << shift
        shift += 7
        at += 1
        if byte < 128:
            return number, at
