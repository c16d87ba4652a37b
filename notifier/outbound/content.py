"""Undoes a body's compression with a limit on what it becomes: a bomb costs one bounded attempt.

Enters: a body as it was sent and its Content-Encoding. Leaves: the plain bytes, or `BodyRefused` with the reason. The
work is in proportion to what came and to the limit, whatever the bytes are; it still may be a good part of a second,
so a `Decoder` leaves all but small bodies to a thread.
"""

from __future__ import annotations

import asyncio
import io
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]
import zstandard

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
_MIB = 1024 * 1024
_ZSTD_WINDOW_BYTES = 8 * _MIB  # what RFC 9659 allows content codings to ask for
# zlib hands back all that is behind a member as a copy, so it gets no more at a time than may be copied for each one.
_PIECE_BYTES = 16 * 1024
# A megabyte cut into the smallest blocks that any packer writes has fewer.
MAX_MEMBERS = 1_000
# News shrinks to a tenth or so. Below `_MIB` the ratio costs nothing.
MAX_RATIO = 250
# Undone on the loop: this becomes 4 MiB at most, in a few milliseconds.
_AT_ONCE_BYTES = 4 * 1024
_THREADS = 2


@dataclass(frozen=True, slots=True)
class BodyRefused:
    """The body is not read any further; `reason` completes "the body ...", in words."""

    reason: str


class Decoder:
    """Undoes compression beside the event loop; `close` at the end."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="decode")

    async def plain(self, received: bytes, coding: str | None, max_bytes: int) -> bytes | BodyRefused:
        """`decode`, in a thread unless it is quick. Who stops waiting leaves a thread that ends by its own limits."""
        if coding is None or len(received) <= _AT_ONCE_BYTES:
            return decode(received, coding, max_bytes)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, decode, received, coding, max_bytes)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def decode(received: bytes, coding: str | None, max_bytes: int) -> bytes | BodyRefused:
    """Undo one content coding (RFC 9110 section 8.4); a body that is plain in spite of the header is taken as it is."""
    name = (coding or "identity").strip().lower()
    if name in ("", "identity", "none") or not received:
        return received
    decoder = _DECODERS.get(name)
    if decoder is None:
        return BodyRefused(f"is compressed as {name[:40]!r}, which was not asked for")
    try:
        plain = decoder(received, max_bytes + 1)
    except (zlib.error, brotli.error, zstandard.ZstdError, MemoryError):
        if received.lstrip()[:1] in (b"<", b"{"):  # a proxy that forgot to drop the header
            return received
        return BodyRefused(f"says that it is compressed as {name} and is not")
    return plain if isinstance(plain, BodyRefused) else _within(plain, len(received), max_bytes)


def _within(plain: bytes, received_bytes: int, max_bytes: int) -> bytes | BodyRefused:
    if len(plain) > max_bytes:
        return too_large(max_bytes)
    if len(plain) > max(MAX_RATIO * received_bytes, _MIB):
        return BodyRefused(f"becomes more than {MAX_RATIO} times as large as it was sent: it is no usual feed")
    return plain


def too_large(max_bytes: int) -> BodyRefused:
    """The refusal of a body of more than `max_bytes`."""
    return BodyRefused(f"is larger than {max_bytes / _MIB:.3g} MiB")


def _gunzip(received: bytes, stop_at: int) -> bytes | BodyRefused:
    """gzip (RFC 1952) of up to `MAX_MEMBERS` members; zlib where the server says gzip and means that."""
    plain, view = bytearray(), memoryview(received)
    member, members, at, whole = _member(), 0, 0, 0
    while at < len(view) and len(plain) < stop_at:
        piece = view[at : at + _PIECE_BYTES]
        try:
            plain += member.decompress(piece, stop_at - len(plain))
        except zlib.error:
            if not members:
                raise
            del plain[whole:]  # trailing rubbish after a whole member
            break
        at += len(piece) - len(member.unused_data) - len(member.unconsumed_tail)
        if member.eof:
            member, members, whole = _member(), members + 1, len(plain)
            if members == MAX_MEMBERS and at < len(view):
                return BodyRefused(f"is made of more than {MAX_MEMBERS:,} gzip members: it is no usual feed")
    return bytes(plain)


def _member() -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)


def _inflate(received: bytes, stop_at: int) -> bytes:
    """deflate: the zlib format by the letter of RFC 9110, the raw one by habit of old servers."""
    try:
        return zlib.decompressobj().decompress(received, stop_at)
    except zlib.error:
        return zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(received, stop_at)


def _unbrotli(received: bytes, stop_at: int) -> bytes:
    """brotli (RFC 7932), piece by piece: it holds on to the interpreter for as long as one call takes."""
    decompressor, plain, at = brotli.Decompressor(), bytearray(), 0
    while len(plain) < stop_at:
        piece = b""
        if decompressor.can_accept_more_data():
            piece, at = received[at : at + _PIECE_BYTES], at + _PIECE_BYTES
            if not piece:
                break
        plain += decompressor.process(piece, output_buffer_limit=stop_at - len(plain))
        if decompressor.is_finished():
            break
    return bytes(plain)


def _unzstd(received: bytes, stop_at: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    with decompressor.stream_reader(io.BytesIO(received), read_across_frames=True) as reader:
        return reader.read(stop_at)


_DECODERS: dict[str, Callable[[bytes, int], bytes | BodyRefused]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
