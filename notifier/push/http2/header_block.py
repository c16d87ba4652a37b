"""Header blocks both ways (HPACK, RFC 7541), as little of it as one kind of request needs.

Ours: a set of headers enters the service's dynamic table with the first message of an alert; every further message
names them by a byte each and spells out only its path and length. Theirs: we announce a table of no bytes, so that
nothing has to be remembered, and an answer that says "accepted" is recognised by its first bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from hpack import Decoder, HPACKError, OversizedHeaderListError

from notifier.push.http2.frames import COMPRESSION_ERROR, ProtocolError, StreamError
from notifier.push.request import PushHeaders

TABLE_BYTES = 4096
"""What we use of the service's table at most: its default size (RFC 9113 section 6.5.2)."""

_METHOD_POST, _SCHEME_HTTPS = b"\x83", b"\x87"
_AUTHORITY, _PATH, _CONTENT_LENGTH = 1, 4, 28
_FIRST_DYNAMIC = 62

_LONGEST_LIST = 1 << 16
_STATUS = re.compile(rb"[1-5][0-9]{2}")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE = re.compile(rb"(?![ \t])[^\0\r\n]*(?<![ \t])")
_OF_CONNECTIONS = frozenset({b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"})


class HeaderWriter:
    """Writes the blocks of one connection, in the order in which they are sent."""

    def __init__(self, authority: str) -> None:
        self._authority = authority.encode()
        self._table_bytes = TABLE_BYTES
        self._updates = b""
        self._in_table: PushHeaders | None = None
        self._before_path = self._after_path = b""

    def resize_table(self, size: int) -> None:
        """The service allows a table of `size` bytes from now on: forget what is in it, and say so (section 4.2)."""
        size = min(size, TABLE_BYTES)
        if size != self._table_bytes:
            self._updates += _integer(size, 5, 0x20)
            self._table_bytes, self._in_table = size, None

    def block(self, headers: PushHeaders, path: str, body_bytes: int) -> bytes:
        """The header block of one POST."""
        changing = b"\x04" + _string(path.encode("ascii"))
        length = _length(body_bytes)
        if headers is self._in_table:
            return self._before_path + changing + self._after_path + length
        updates, self._updates = self._updates, b""
        fields = [(name.encode(), value.encode()) for name, value in headers.lines()]
        fits = sum(len(name) + len(value) + 32 for name, value in [(b":authority", self._authority), *fields])
        if fits > self._table_bytes:
            before, after = self._literals(fields, kind=0x00)
        else:
            before, after = self._literals(fields, kind=0x40)
            self._in_table = headers
            self._name_by_index(len(fields))
        return updates + before + changing + after + length

    def _literals(self, fields: list[tuple[bytes, bytes]], kind: int) -> tuple[bytes, bytes]:
        """What stands before and after the path, spelled out; `kind` 0x40 adds it to the table (section 6.2.1)."""
        before = _METHOD_POST + _SCHEME_HTTPS + bytes([kind | _AUTHORITY]) + _string(self._authority)
        return before, b"".join(bytes([kind]) + _string(name) + _string(value) for name, value in fields)

    def _name_by_index(self, fields: int) -> None:
        """The same by index: the last field that was added is the first of the table."""
        authority = _FIRST_DYNAMIC + fields
        self._before_path = _METHOD_POST + _SCHEME_HTTPS + bytes([0x80 | authority])
        self._after_path = bytes(0x80 | index for index in range(authority - 1, _FIRST_DYNAMIC - 1, -1))


class HeaderReader:
    """Reads the blocks of one connection, in the order in which they came."""

    def __init__(self) -> None:
        self._decoder = Decoder(max_header_list_size=_LONGEST_LIST)
        self.is_stateless = False
        """Blocks do not depend on each other: one may be passed over."""

    def table_is_gone(self) -> None:
        """The service has acknowledged a table of no bytes: what names an entry of it is an error from now on."""
        self.is_stateless = True
        self._decoder.header_table_size = self._decoder.max_allowed_table_size = 0

    def status(self, block: bytes) -> tuple[int, str | None]:
        """The status, and Retry-After; 0 where there is none, as in trailers.

        A block that begins with an acceptance is believed without reading on: that ends no subscription. Raises
        ProtocolError where the block cannot be decoded, StreamError where it says what an answer must not.
        """
        if self.is_stateless:
            accepted = _ACCEPTED.get(block[:1]) or _ACCEPTED.get(block[:5]) or _ACCEPTED.get(block[:4])
            if accepted is not None:
                return accepted, None
        try:
            fields = [(bytes(name), bytes(value)) for name, value in self._decoder.decode(block, raw=True)]
        except OversizedHeaderListError as problem:
            raise StreamError if self.is_stateless else ProtocolError(COMPRESSION_ERROR) from problem
        except (HPACKError, ValueError, IndexError) as problem:
            raise ProtocolError(COMPRESSION_ERROR) from problem
        return _read(fields)


def _read(fields: Iterable[tuple[bytes, bytes]]) -> tuple[int, str | None]:
    """What an answer's fields say, in their order. Raises StreamError (RFC 9113 sections 8.2 and 8.3)."""
    status, retry_after, regular = 0, None, False
    for name, value in fields:
        if name.startswith(b":"):
            if name != b":status" or status or regular or not _STATUS.fullmatch(value):
                raise StreamError
            status = int(value)
            continue
        regular = True
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name in _OF_CONNECTIONS:
            raise StreamError
        if name == b"retry-after" and retry_after is None:
            retry_after = value.decode("latin-1")
    return status, retry_after


def _accepted() -> dict[bytes, int]:
    """The first bytes of a block that says 200, 201, 202 or 204, in every form that needs no table."""
    found = {b"\x88": 200, b"\x89": 204}
    spelled = {200: b"\x82\x10\x01", 201: b"\x82\x10\x03", 202: b"\x82\x10\x05"}
    for status in (200, 201, 202, 204):
        for kind in (0x00, 0x10, 0x40):
            for index in range(8, 15):
                start = bytes([kind | index])
                found[start + b"\x03%d" % status] = status
                if status in spelled:
                    found[start + spelled[status]] = status
    return found


def _integer(value: int, bits: int, flags: int) -> bytes:
    """Section 5.1."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([flags | value])
    coded = bytearray([flags | limit])
    value -= limit
    while value >= 0x80:
        coded.append(0x80 | value & 0x7F)
        value >>= 7
    coded.append(value)
    return bytes(coded)


_LENGTHS = [_integer(length, 7, 0x00) for length in range(4096)]


@lru_cache(maxsize=64)
def _length(body_bytes: int) -> bytes:
    """The line that says how long the body is: the same for all of an alert."""
    return b"\x0f\x0d" + _string(str(body_bytes).encode())


def _string(text: bytes) -> bytes:
    """Section 5.2, not Huffman-coded: shorter by a fifth is not worth the time."""
    return (_LENGTHS[len(text)] if len(text) < len(_LENGTHS) else _integer(len(text), 7, 0x00)) + text


_ACCEPTED = _accepted()
