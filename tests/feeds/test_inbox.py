"""Pushes that wait: few of each feed, bounded in bytes over all, and given back when they are done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds.inbox import Inbox, InboxSettings, Push

SMALL = InboxSettings(feeds=4, reading=2, most_bytes=1_000, large_bytes=100)


class Poller:
    """Takes a push when the test lets it."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.taken: list[Push] = []
        self.at_once: dict[int, int] = {}

    async def take(self, push: Push) -> None:
        self.at_once[push.feed_id] = self.at_once.get(push.feed_id, 0) + 1
        assert self.at_once[push.feed_id] == 1, "one push of a feed at the parser"
        await self.gate.wait()
        self.taken.append(push)
        self.at_once[push.feed_id] -= 1


def run(body: Callable[[Inbox, Poller], Awaitable[None]], limits: InboxSettings = SMALL) -> None:
    async def main() -> None:
        poller = Poller()
        await body(Inbox(poller.take, limits), poller)

    asyncio.run(main())


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 400), st.booleans()), max_size=60))
def test_whatever_hubs_push_is_bounded_and_all_of_it_given_back(pushes: list[tuple[int, int, bool]]) -> None:
    async def check(inbox: Inbox, poller: Poller) -> None:
        with ExitStack() as coming:
            for feed_id, size, stays in pushes:
                if inbox.refusal(feed_id, size) is None:
                    with ExitStack() as one:
                        (coming if stays else one).enter_context(inbox.reading(feed_id, size))
                inbox.put(Push(feed_id, bytes(size), None))
                await asyncio.sleep(0)
                assert 0 <= inbox.bytes <= SMALL.most_bytes
                assert len(poller.at_once) <= SMALL.feeds
        poller.gate.set()
        assert await inbox.finish(5) == []
        assert inbox.bytes == 0

    run(check)


def test_large_pushes_leave_room_for_small_ones() -> None:
    async def check(inbox: Inbox, poller: Poller) -> None:
        assert inbox.put(Push(1, bytes(400), None))
        assert not inbox.put(Push(2, bytes(400), None))
        assert inbox.refusal(2, 400) == 503
        assert inbox.put(Push(2, bytes(100), None))
        poller.gate.set()
        await inbox.finish(5)

    run(check)


def test_a_newer_push_that_does_not_fit_leaves_the_one_that_waits() -> None:
    async def check(inbox: Inbox, poller: Poller) -> None:
        for body in (b"1", b"2"):
            assert inbox.put(Push(1, body, None))
            await asyncio.sleep(0)
        assert not inbox.put(Push(1, bytes(600), None))
        poller.gate.set()
        await inbox.finish(5)
        assert [push.body for push in poller.taken] == [b"1", b"2"]

    run(check)


def test_what_is_not_stored_in_time_is_named_in_the_end() -> None:
    async def check(inbox: Inbox, poller: Poller) -> None:
        inbox.put(Push(1, b"1", None))
        inbox.put(Push(2, b"2", None))
        left = await inbox.finish(0.01)
        assert sorted(push.feed_id for push in left) == [1, 2]
        assert poller.taken == []

    run(check)
