"""Reads HPACK blocks (RFC 7541) no further than it is asked to: a sink that checks a sample has to be quick."""

from __future__ import annotations

from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

STATIC = tuple((bytes(name), bytes(value)) for name, value in HeaderTable.STATIC_TABLE)


class HeaderReader:
    """The dynamic table of one connection. Strings stay as they came until `text` decodes them."""

    def __init__(self) -> None:
        self._entries: list[tuple[bytes, bytes]] = []
        self._size = 0
        self._limit = self._allowed = 4096
        self._expects_update = False

    def allow(self, table_size: int) -> None:
        """The client has acknowledged this size: its next block has to say so (RFC 7541 section 4.2)."""
        self._allowed = table_size
        self._expects_update = table_size < self._limit

    def read(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """Fields as (name, value); a value that starts with a zero byte is still Huffman-coded."""
        fields: list[tuple[bytes, bytes]] = []
        at, end = 0, len(block)
        if self._expects_update and block[0] & 0xE0 != 0x20:
            raise ValueError("no table size update")
        self._expects_update = False
        while at < end:
            first = block[at]
            if first & 0x80:
                index, at = _integer(block, at, 7)
                fields.append(self._entry(index))
            elif first & 0xE0 == 0x20:
                size, at = _integer(block, at, 5)
                if fields or size > self._allowed:
                    raise ValueError("a table size update that is not allowed")
                self._limit = size
                self._evict(0)
            else:
                adds = first & 0x40
                index, at = _integer(block, at, 6 if adds else 4)
                if index:
                    name = self._entry(index)[0]
                else:
                    raw, at = _string(block, at)
                    name = text(raw).encode()
                value, at = _string(block, at)
                fields.append((name, value))
                if adds:
                    self._add(name, value)
        return fields

    def _entry(self, index: int) -> tuple[bytes, bytes]:
        return STATIC[index - 1] if index <= 61 else self._entries[-(index - 61)]

    def _add(self, name: bytes, value: bytes) -> None:
        size = _entry_size(name, value)
        self._evict(size)
        if size <= self._limit:
            self._entries.append((name, value))
            self._size += size

    def _evict(self, room: int) -> None:
        while self._entries and self._size + room > self._limit:
            self._size -= _entry_size(*self._entries.pop(0))


def text(value: bytes) -> str:
    """A field's name or value as text."""
    return (decode_huffman(value[1:]) if value[:1] == b"\0" else value).decode("latin-1")


def _entry_size(name: bytes, value: bytes) -> int:
    return 32 + len(name) + len(text(value) if value[:1] == b"\0" else value)


def _integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    limit = (1 << bits) - 1
    value = block[at] & limit
    at += 1
    if value < limit:
        return value, at
    shift = 0
    while True:
        octet = block[at]
        at += 1
        value += (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            return value, at


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    huffman = block[at] & 0x80
    length, at = _integer(block, at, 7)
    raw = block[at : at + length]
    return (b"\0" + raw if huffman else raw), at + length
