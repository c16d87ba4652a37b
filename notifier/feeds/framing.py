"""Where the body of an HTTP/1.1 message ends (RFC 9112 sections 6 and 7), and how much work it may make on the way.

Enters: what came so far. Leaves: the body once it is whole, or why it never will be. Pure; `http1` reads the head.
"""

from __future__ import annotations

import re

MAX_HEAD_BYTES = 64 * 1024
MAX_CHUNK_LINE_BYTES = 4 * 1024
SPARE_CHUNKS = 4_096
LEAST_MEAN_CHUNK_BYTES = 64
_HEX = re.compile(rb"[0-9A-Fa-f]{1,15}")


class BadResponse(Exception):
    """What came is not HTTP, or ended in the middle; the text completes "... does not speak proper HTTP: ..."."""


class TooMuch(Exception):
    """The body is larger than was allowed."""


class Whole:
    """A body of `size` bytes, or of all that comes until the connection ends (None)."""

    def __init__(self, size: int | None) -> None:
        self.size = size

    def take(self, received: bytearray, limit: int) -> bytes | None:
        """The body once all of it is there; what it has of `received` is gone from there. Raises TooMuch."""
        if self.size is None:
            if len(received) > limit:
                raise TooMuch
            return None
        if len(received) < self.size:
            return None
        body = bytes(received[: self.size])
        del received[: self.size]
        return body


class Chunked:
    """A body in chunks (RFC 9112 section 7.1); what the trailer says is not used."""

    size = None

    def __init__(self) -> None:
        self._body = bytearray()
        self._left = 0
        """Bytes of the present chunk still to come, with the line end after it."""
        self._lines = self._line_bytes = 0
        self._in_trailer = False

    def take(self, received: bytearray, limit: int) -> bytes | None:
        """The body once its last chunk and the trailer are there. Raises BadResponse and TooMuch."""
        at = 0
        try:
            while True:
                if self._left > 2:
                    some = received[at : at + self._left - 2]
                    self._body += some
                    at += len(some)
                    self._left -= len(some)
                    if len(self._body) > limit:
                        raise TooMuch
                    if self._left > 2:
                        return None
                line_end = received.find(b"\n", at)
                if line_end < 0:
                    if len(received) - at > MAX_CHUNK_LINE_BYTES:
                        raise BadResponse("the line before a chunk is endless")
                    return None
                line = bytes(received[at:line_end]).rstrip(b"\r")
                at = line_end + 1
                self._count(line)
                if self._line(line):
                    return bytes(self._body)
        finally:
            del received[:at]

    def _count(self, line: bytes) -> None:
        """Each chunk costs as much work as some hundred bytes: extensions and tiny chunks must stay the exception."""
        self._lines, self._line_bytes = self._lines + 1, self._line_bytes + len(line)
        if self._lines > 2 * (SPARE_CHUNKS + len(self._body) // LEAST_MEAN_CHUNK_BYTES):
            raise BadResponse("its chunks are crumbs")
        if self._line_bytes > MAX_HEAD_BYTES + len(self._body):
            raise BadResponse(
                "the trailer is endless" if self._in_trailer else "there is more between chunks than in them"
            )

    def _line(self, line: bytes) -> bool:
        """One line between chunks; True for the one that ends the body."""
        if self._in_trailer:
            return not line
        if self._left:  # the end of the chunk before
            if line:
                raise BadResponse("a chunk is longer than it says")
            self._left = 0
            return False
        size = line.partition(b";")[0].strip()
        if not _HEX.fullmatch(size):
            raise BadResponse("a chunk does not say how long it is")
        self._left = int(size, 16) + 2
        self._in_trailer = self._left == 2
        return False
