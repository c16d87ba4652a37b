"""Servers that make as much work as they can: each is refused soon, and the loop goes on serving everybody else.

Where seconds are measured, the bound is generous.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from notifier.feeds.fetch import FetchRequest
from notifier.feeds.fetch_result import Fetched, FetchFailed
from notifier.outbound.addresses import AddressGuard
from notifier.outbound.client import Client
from notifier.outbound.exchange import BadResponse, Request, Response
from notifier.outbound.route import Route
from notifier.outbound.transfer import CRUMBS, MAX_INTERIM, Transfer
from tests.outbound.flood import flooding
from tests.outbound.web import always, fetcher, response, site

LIMIT = 10 << 20
OK = b"HTTP/1.1 200 OK\r\n"
IN_CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "chunks of one byte": (IN_CHUNKS, b"1\r\nx\r\n"),
    "chunks with long extensions": (IN_CHUNKS, b"8;" + b"e" * 3_000 + b"\r\n12345678\r\n"),
    "a trailer without end": (IN_CHUNKS + b"0\r\n", b"X\r\n"),
    "interim answers for ever": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "header lines for ever": (OK, b":\r\n"),
    "folded header lines": (OK + b"X: y\r\n", b" z\r\n"),
    "links for ever": (OK, b"Link: <a>\r\n"),
}


def asked(first: bytes, then: bytes, *, piece_bytes: int = 1 << 16) -> BadResponse:
    """What the client says of a flood. It must say so long before the deadline."""

    async def main() -> BadResponse:
        client = Client(Route(AddressGuard.allowing(["127.0.0.1"])))
        try:
            with flooding(first, then, piece_bytes=piece_bytes) as url, pytest.raises(BadResponse) as refused:
                await client.ask(Request(url, {}, max_body_bytes=LIMIT), 30.0)
            return refused.value
        finally:
            await client.close()

    return asyncio.run(main())


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
@pytest.mark.parametrize("piece_bytes", [1_000, 256 * 1024])
def test_a_flood_is_refused(flood: tuple[bytes, bytes], piece_bytes: int) -> None:
    began = time.monotonic()
    asked(*flood, piece_bytes=piece_bytes)
    assert time.monotonic() - began < 10


BY_BYTES = [*FLOODS.values(), (OK, b"X: y\r\n"), (OK, b"x"), (OK + b"Content-Length: 10000000\r\n\r\n", b"x")]


@pytest.mark.parametrize("flood", BY_BYTES)
def test_what_comes_byte_by_byte_is_refused(flood: tuple[bytes, bytes]) -> None:
    asked(*flood, piece_bytes=1)


def test_pieces_without_end_are_no_better_than_bytes_without_end() -> None:
    transfer = Transfer(LIMIT)
    assert transfer.is_worth(CRUMBS)
    assert not transfer.is_worth(CRUMBS + 1)
    assert isinstance(transfer.failure, BadResponse)


def read(whole: bytes) -> Response:
    async def main() -> Response:
        async with site(always(whole)) as running:
            client = Client(Route(AddressGuard.allowing(["127.0.0.1"])))
            try:
                return await client.ask(Request(running.url(), {}, max_body_bytes=LIMIT), 20.0)
            finally:
                await client.close()

    return asyncio.run(main())


def test_a_long_head_is_read() -> None:
    assert read(OK + b"X: " + b"y" * 60_000 + b"\r\nContent-Length: 0\r\n\r\n").headers["x"] == "y" * 60_000


def test_a_few_interim_answers_and_small_chunks_are_usual() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n" * MAX_INTERIM
    lines = b"".join(b"%x\r\n%b\r\n" % (len(line), line) for line in [b"<item>" * 12] * 20_000)
    assert read(interim + IN_CHUNKS + lines + b"0\r\n\r\n").body == b"<item>" * 12 * 20_000


async def lag_of(running: asyncio.Future[Any]) -> float:
    """The longest that a tick of the loop came too late while `running` went on; seconds."""
    longest = 0.0
    while not running.done():
        began = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - began - 0.01)
    return longest


@pytest.mark.parametrize("kind", ["chunks of one byte", "interim answers for ever", "folded header lines"])
def test_many_floods_at_once_leave_the_loop_to_others(kind: str) -> None:
    async def main() -> None:
        async with (
            site(always(response(body=b"<rss/>"))) as honest,
            fetcher(max_body_bytes=LIMIT, deadline_s=8.0, per_host=50) as asking,
        ):
            with flooding(*FLOODS[kind]) as url:
                floods = asyncio.gather(*(asking.fetch(FetchRequest(url)) for _ in range(20)))
                lag = await lag_of(asyncio.ensure_future(asyncio.wait({floods}, timeout=2)))
                answer = await asyncio.wait_for(asking.fetch(FetchRequest(honest.url())), 5)
                assert isinstance(answer, Fetched)
                floods.cancel()
                await asyncio.gather(floods, return_exceptions=True)
            assert lag < 2.0

    asyncio.run(main())


def test_the_words_for_a_flood_tell_what_it_is() -> None:
    async def main() -> None:
        async with fetcher(max_body_bytes=LIMIT) as asking:
            with flooding(*FLOODS["interim answers for ever"]) as url:
                failed = await asking.fetch(FetchRequest(url))
        assert isinstance(failed, FetchFailed)
        assert failed.reason.endswith("does not speak proper HTTP: it sends more than 10 interim answers (1xx)")

    asyncio.run(main())
