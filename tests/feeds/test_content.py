"""Bodies: every coding is undone within the limit, and bombs cost no more than the limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.content import BodyRefused, decode

LIMIT = 1024 * 1024
TEXT = b"<rss>news of the day</rss>" * 100


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstandard.ZstdCompressor().compress),
]
every_coding = pytest.mark.parametrize(("name", "compress"), CODINGS)


@every_coding
def test_each_coding_is_undone(name: str, compress: Callable[[bytes], bytes]) -> None:
    assert decode(compress(TEXT), name.upper(), LIMIT) == TEXT


@every_coding
def test_a_body_of_exactly_the_limit_is_read_and_one_more_byte_is_not(
    name: str, compress: Callable[[bytes], bytes]
) -> None:
    assert decode(compress(b"x" * 5000), name, 5000) == b"x" * 5000
    assert decode(compress(b"x" * 5001), name, 5000) == BodyRefused("is larger than 0.00477 MiB")


@every_coding
def test_a_bomb_costs_no_more_memory_than_a_few_limits(name: str, compress: Callable[[bytes], bytes]) -> None:
    bomb = compress(bytes(200 * LIMIT))
    tracemalloc.start()
    refused = decode(bomb, name, LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(refused, BodyRefused)
    assert peak < 20 * LIMIT


def test_several_gzip_members_are_one_body_and_rubbish_after_them_is_left() -> None:
    assert decode(gzip.compress(b"<a>") + gzip.compress(b"</a>") + b"rubbish", "gzip", LIMIT) == b"<a></a>"


def test_many_tiny_gzip_members_are_bounded_too() -> None:
    assert isinstance(decode(gzip.compress(bytes(1000)) * 2000, "gzip", LIMIT), BodyRefused)


def test_a_plain_body_that_claims_to_be_compressed_is_taken_as_it_is() -> None:
    assert decode(TEXT, "gzip", LIMIT) == TEXT
    assert decode(b' {"items": []}', "br", LIMIT) == b' {"items": []}'


def test_a_body_that_is_neither_compressed_nor_plain_is_refused() -> None:
    assert decode(b"\x00\x01\x02\x03", "gzip", LIMIT) == BodyRefused("says that it is compressed as gzip and is not")


@pytest.mark.parametrize("coding", [None, "", "identity", "none"])
def test_no_coding_leaves_the_body_alone(coding: str | None) -> None:
    assert decode(TEXT, coding, LIMIT) == TEXT


@pytest.mark.parametrize("coding", ["compress", "gzip, gzip", "aes128gcm"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    assert isinstance(decode(TEXT, coding, LIMIT), BodyRefused)


@given(st.binary(max_size=300), st.sampled_from([name for name, _ in CODINGS]))
def test_no_bytes_whatever_make_it_raise_or_exceed_the_limit(body: bytes, coding: str) -> None:
    plain = decode(body, coding, 1000)
    assert isinstance(plain, BodyRefused) or len(plain) <= 1000
