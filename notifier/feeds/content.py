"""Undoes a body's compression with a limit on what it becomes: a bomb costs one bounded attempt.

Enters: a body as it was sent and its Content-Encoding. Leaves: the plain bytes, or `BodyRefused` with the reason.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli  # type: ignore[import-untyped]
import zstandard

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
_MIB = 1024 * 1024
_ZSTD_WINDOW_BYTES = 8 * _MIB  # what RFC 9659 allows content codings to ask for


@dataclass(frozen=True, slots=True)
class BodyRefused:
    """The body is not read any further; `reason` completes "the body ...", in words."""

    reason: str


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
    return plain if len(plain) <= max_bytes else too_large(max_bytes)


def too_large(max_bytes: int) -> BodyRefused:
    """The refusal of a body of more than `max_bytes`."""
    return BodyRefused(f"is larger than {max_bytes / _MIB:.3g} MiB")


def _gunzip(received: bytes, stop_at: int) -> bytes:
    """gzip (RFC 1952), any number of members; zlib where the server says gzip and means that."""
    plain = bytearray()
    rest = received
    while rest and len(plain) < stop_at:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            plain += member.decompress(rest, stop_at - len(plain))
        except zlib.error:
            if plain:  # trailing rubbish after a whole member
                break
            raise
        rest = member.unused_data
    return bytes(plain)


def _inflate(received: bytes, stop_at: int) -> bytes:
    """deflate: the zlib format by the letter of RFC 9110, the raw one by habit of old servers."""
    try:
        return zlib.decompressobj().decompress(received, stop_at)
    except zlib.error:
        return zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(received, stop_at)


def _unbrotli(received: bytes, stop_at: int) -> bytes:
    decompressor = brotli.Decompressor()
    plain: bytes = decompressor.process(received, output_buffer_limit=stop_at)
    return plain


def _unzstd(received: bytes, stop_at: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    with decompressor.stream_reader(io.BytesIO(received), read_across_frames=True) as reader:
        return reader.read(stop_at)


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
