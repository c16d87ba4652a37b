"""Bodies: every coding is undone within the limit, and bombs cost no more than the limit."""

from __future__ import annotations

import gzip
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from notifier.outbound.content import MAX_MEMBERS, BodyRefused, decode

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


def test_empty_members_without_end_are_refused_after_a_thousand_of_them() -> None:
    """Ten megabytes of them took 57 seconds, by the square of their number."""
    refused = decode(gzip.compress(b"") * 500_000, "gzip", LIMIT)
    assert refused == BodyRefused("is made of more than 1,000 gzip members: it is no usual feed")


def test_as_many_members_as_any_packer_makes_are_read() -> None:
    blocks = [bytes([n % 250]) * n for n in range(MAX_MEMBERS)]
    assert decode(b"".join(map(gzip.compress, blocks)), "gzip", LIMIT) == b"".join(blocks)


@pytest.mark.parametrize("size", [1, 7, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100_000])
def test_members_may_end_anywhere(size: int) -> None:
    noise = random.Random(size).randbytes(size)
    members = gzip.compress(noise) + gzip.compress(b"") + gzip.compress(noise[::-1])
    assert decode(members, "gzip", LIMIT) == noise + noise[::-1]
    cut = decode(members[:-20], "gzip", LIMIT)
    assert isinstance(cut, bytes)
    assert (noise + noise[::-1]).startswith(cut)


def test_what_becomes_hundreds_of_times_as_large_is_no_feed() -> None:
    refused = decode(gzip.compress(b"<item/>" * 500_000), "gzip", 10 * LIMIT)
    assert refused == BodyRefused("becomes more than 250 times as large as it was sent: it is no usual feed")


# Codings that can say nothing at length: each unit is a few bytes that become none.
NOTHING = {
    "gzip": gzip.compress(b""),
    "deflate": b"\x00\x00\x00\xff\xff",  # an empty stored block (RFC 1951 section 3.2.4)
    "br": b"\x06",  # empty metadata (RFC 7932 section 9.2)
    "zstd": b"\x50\x2a\x4d\x18\x00\x00\x00\x00",  # a skippable frame (RFC 8878 section 3.1.2)
}


@pytest.mark.parametrize("name", NOTHING)
def test_work_grows_with_what_came_and_no_faster(name: str) -> None:
    start = {"deflate": b"\x78\x9c", "br": b"\x0c"}.get(name, b"")

    def cost_s(size: int) -> float:
        body = start + NOTHING[name] * (size // len(NOTHING[name]))
        began = time.thread_time()
        decode(body, name, LIMIT)
        return time.thread_time() - began

    cost_s(LIMIT)
    assert min(cost_s(4 * LIMIT) for _ in range(3)) < 0.02 + 4 * 3 * min(cost_s(LIMIT) for _ in range(3))


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
