"""The worker processes: they answer as the reader does, and no document reaches further than the process it is in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import psutil
import pytest

from notifier.feeds.feed import ParsedFeed, Unreadable
from notifier.feeds.read import read
from notifier.feeds.workers import Reader, ReaderSettings
from tests.feeds.made import URL, Entry, as_rss, document, rss

NEWS = rss(*(as_rss(Entry.number(n)) for n in range(30)))
# Much work for the parser: an unclosed element for each four bytes.
NESTED = b"<rss><channel>" + b"<a>" * 3_000_000
# Much memory: a small document whose one entity, a megabyte long, is used a million times.
BOMB = (
    b'<!DOCTYPE k>\n<!ENTITY a "'
    + b"x" * (1 << 20)
    + b'">\n<rss><item><title>'
    + b"&a;" * (1 << 20)
    + b"</title></item></rss>"
)


def run(body: Callable[[Reader], Awaitable[None]], settings: ReaderSettings | None = None) -> None:
    async def main() -> None:
        async with Reader(settings or ReaderSettings()) as reader:
            await body(reader)

    asyncio.run(main())


async def ask(reader: Reader, body: bytes, known: tuple[bytes, ...] = ()) -> ParsedFeed | Unreadable:
    return await reader.read(body, content_type="text/xml", url=URL, known=known)


async def still_reads(reader: Reader) -> bool:
    return await ask(reader, NEWS) == read(NEWS, content_type="text/xml", url=URL)


@pytest.mark.parametrize("dialect", ["rss", "cdata", "atom", "rdf"])
def test_a_worker_answers_as_the_reader_itself_does(dialect: str) -> None:
    body = document(dialect, *(Entry.number(n) for n in range(5)))

    async def check(reader: Reader) -> None:
        first = await ask(reader, body)
        assert first == read(body, content_type="text/xml", url=URL)
        assert isinstance(first, ParsedFeed)
        known = first.digests[:4]
        assert await ask(reader, body, known) == read(body, content_type="text/xml", url=URL, known=frozenset(known))
        assert await ask(reader, b"") == Unreadable("The answer is empty.")

    run(check)


def test_more_reads_than_workers_wait_their_turn() -> None:
    async def check(reader: Reader) -> None:
        found = await asyncio.gather(*(ask(reader, document("rss", Entry.number(n))) for n in range(20)))
        assert [feed.items[0].title for feed in found if isinstance(feed, ParsedFeed)] == [
            f"Story {n}" for n in range(20)
        ]

    run(check, ReaderSettings(workers=2))


def test_a_document_that_takes_too_long_costs_its_own_read_only() -> None:
    async def check(reader: Reader) -> None:
        hung = await ask(reader, NESTED)
        assert isinstance(hung, Unreadable)
        assert "longer than 1 s" in hung.reason
        assert await still_reads(reader)

    run(check, ReaderSettings(time_limit_s=1.0))


def test_a_document_that_takes_too_much_memory_costs_its_own_read_only() -> None:
    async def check(reader: Reader) -> None:
        greedy = await ask(reader, BOMB)
        assert isinstance(greedy, Unreadable)
        assert "more than 128 MiB of memory" in greedy.reason
        assert await still_reads(reader)

    run(check, ReaderSettings(memory_limit_bytes=128 << 20))


def test_a_worker_that_dies_costs_one_read_and_is_replaced() -> None:
    async def check(reader: Reader) -> None:
        assert await still_reads(reader)
        (worker,) = (child for child in psutil.Process().children() if "notifier.feeds.worker" in child.cmdline())
        task = asyncio.create_task(ask(reader, NESTED))
        await asyncio.sleep(0.1)
        worker.kill()
        assert await task == Unreadable(
            "The parser died of it (exit status -9): it is broken, or made to do harm. Look at it by hand."
        )
        assert await still_reads(reader)

    run(check)


def test_a_cancelled_read_leaves_a_working_reader() -> None:
    async def check(reader: Reader) -> None:
        task = asyncio.create_task(ask(reader, NESTED))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await still_reads(reader)

    run(check)


def test_closing_the_reader_ends_a_read_that_is_under_way() -> None:
    async def main() -> None:
        async with Reader(ReaderSettings()) as reader:
            task = asyncio.create_task(ask(reader, NESTED))
            await asyncio.sleep(0.3)
        assert isinstance(await task, Unreadable)

    asyncio.run(main())
