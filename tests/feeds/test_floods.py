"""Servers that make as much work as they can: each is refused soon, and the loop goes on serving everybody else.

What is counted is steps and bytes, not seconds; where the loop's lag is measured, the bound is generous.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from notifier.feeds.fetch import FetchRequest
from notifier.feeds.fetch_result import Fetched, FetchFailed
from notifier.feeds.http1 import MAX_INTERIM, BadResponse, Response, ResponseReader
from notifier.feeds.turns import Turns
from tests.feeds.flood import flooding
from tests.feeds.web import always, fetcher, response, site

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


def taken(first: bytes, then: bytes, piece_bytes: int) -> int:
    """How many bytes of a flood are taken until it is refused."""
    reader, at = ResponseReader(True, LIMIT), 0
    flood = first + then * (8 * LIMIT // len(then))
    try:
        while at < len(flood):
            reader.feed(flood[at : at + piece_bytes])
            at += piece_bytes
    except BadResponse:
        return at
    raise AssertionError("it is not refused")


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
@pytest.mark.parametrize("piece_bytes", [1_000, 256 * 1024])
def test_a_flood_is_refused_after_some_kilobytes(flood: tuple[bytes, bytes], piece_bytes: int) -> None:
    assert taken(*flood, piece_bytes) <= 256 * 1024


@pytest.mark.parametrize(
    "flood",
    [*FLOODS.values(), (OK, b"X: y\r\n"), (OK + b"\r\n", b"x"), (OK + b"Content-Length: 10000000\r\n\r\n", b"x")],
)
def test_what_comes_byte_by_byte_is_refused_after_some_thousand(flood: tuple[bytes, bytes]) -> None:
    assert taken(*flood, 1) <= 8 * 1024


def test_a_head_that_comes_in_small_pieces_is_read() -> None:
    head = OK + b"X: " + b"y" * 60_000
    reader = ResponseReader(True, LIMIT)
    pieces = [head[at : at + 70] for at in range(0, len(head), 70)]
    assert [reader.feed(piece) for piece in pieces] == [None] * len(pieces)
    assert reader.feed(b"\r\nContent-Length: 0\r\n\r\n") is not None


def test_a_few_interim_answers_and_small_chunks_are_usual() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n" * MAX_INTERIM
    lines = b"".join(b"%x\r\n%b\r\n" % (len(line), line) for line in [b"<item>" * 12] * 20_000)
    answer = ResponseReader(True, LIMIT).feed(interim + IN_CHUNKS + lines + b"0\r\n\r\n")
    assert isinstance(answer, Response)
    assert answer.body == b"<item>" * 12 * 20_000


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


class Worker:
    """A connection that takes its time for each turn."""

    def __init__(self, turns: list[str], name: str, clock: Callable[[], None]) -> None:
        self.turns, self.name, self.clock = turns, name, clock

    def take_turn(self) -> None:
        self.turns.append(self.name)
        self.clock()


def test_who_waits_has_a_turn_in_order_and_the_loop_comes_between() -> None:
    async def main() -> list[str]:
        done: list[str] = []
        turns = Turns(budget_s=0.0005)
        for name in "abcd":
            turns.queue(Worker(done, name, lambda: time.sleep(0.001)))
        assert not turns.is_free
        for _ in range(12):
            await asyncio.sleep(0)
            done.append("loop")
        assert turns.is_free
        return done

    done = asyncio.run(main())
    assert [name for name in done if name != "loop"] == list("abcd")
    assert "loop" in done[done.index("a") : done.index("b")]
