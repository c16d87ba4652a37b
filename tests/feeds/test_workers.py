"""The worker processes: they answer as the reader does, and no document reaches further than the process it is in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import psutil
import pytest

from notifier.feeds.feed import ParsedFeed, Unreadable
from notifier.feeds.read import read
from notifier.feeds.workers import CROWDED, Reader, ReaderSettings, cores
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
        assert "longer than 3 s" in hung.reason
        assert await still_reads(reader)

    run(check, ReaderSettings(time_limit_s=3.0))


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


def many(count: int) -> list[str]:
    return [f"https://deep{n}.example/feed" for n in range(count)]


async def ask_of(reader: Reader, url: str, body: bytes) -> ParsedFeed | Unreadable:
    return await reader.read(body, content_type="text/xml", url=url)


def test_deep_documents_hold_up_their_own_feeds_only() -> None:
    """With one process for all, three of them kept feeds of ten seconds waiting for half a minute."""

    async def check(reader: Reader) -> None:
        deep = [asyncio.create_task(ask_of(reader, url, NESTED)) for url in many(5)]
        for _ in range(10):
            assert await still_reads(reader)
        assert not any(task.done() for task in deep)
        for task in deep:
            task.cancel()
        await asyncio.gather(*deep, return_exceptions=True)

    run(check, ReaderSettings(workers=2, aside=1, quick_s=0.2, time_limit_s=60.0))


def test_a_feed_has_one_document_at_a_time_with_the_parsers() -> None:
    async def check(reader: Reader) -> None:
        mine = [asyncio.create_task(ask_of(reader, "https://deep.example/", NESTED)) for _ in range(8)]
        await asyncio.sleep(0.1)
        assert await still_reads(reader)
        assert len(psutil.Process().children()) <= 3
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    run(check, ReaderSettings(workers=2, aside=1, quick_s=30.0, time_limit_s=60.0))


def test_a_document_that_came_to_no_end_is_not_tried_again_and_the_next_one_is() -> None:
    async def check(reader: Reader) -> None:
        first = await ask(reader, NESTED)
        assert isinstance(first, Unreadable)
        began = psutil.Process().children()
        assert await ask(reader, NESTED) == first
        assert psutil.Process().children() == began
        assert await still_reads(reader)

    run(check, ReaderSettings(quick_s=0.5, time_limit_s=2.0))


def test_who_finds_no_place_aside_is_told_and_tried_again_later() -> None:
    async def check(reader: Reader) -> None:
        found = await asyncio.gather(*(ask_of(reader, url, NESTED) for url in many(3)))
        assert sum(one == CROWDED for one in found) >= 1
        assert all(isinstance(one, Unreadable) for one in found)
        assert await still_reads(reader)

    run(check, ReaderSettings(workers=3, aside=1, quick_s=0.2, time_limit_s=2.0, patience_s=0.1))


def test_there_are_two_processes_at_least_and_no_more_than_processors_otherwise() -> None:
    assert ReaderSettings().workers == max(2, cores())


def test_a_process_that_read_a_large_document_gives_its_memory_back() -> None:
    async def check(reader: Reader) -> None:
        assert await still_reads(reader)
        (worker,) = psutil.Process().children()
        before = worker.memory_info().rss
        large = document("rss", *(Entry(f"Story {n}", guid=f"g{n}", text="x" * 9_000) for n in range(900)))
        assert isinstance(await ask(reader, large), ParsedFeed)
        assert await still_reads(reader)
        assert worker.memory_info().rss < before + (60 << 20)

    run(check, ReaderSettings(quick_s=30.0, time_limit_s=60.0))
