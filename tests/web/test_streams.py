"""Event streams: how many there may be, and when they end."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from notifier.errors import TooOften
from notifier.web.streams import Streams


def test_an_operator_has_a_bounded_number_of_streams() -> None:
    streams = Streams(most=3, most_each=2)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(streams.place(1))
        with pytest.raises(TooOften):
            streams.check(1)
        streams.check(2)
        stack.enter_context(streams.place(2))
        with pytest.raises(TooOften):
            streams.check(3)
    streams.check(1)


def test_all_end_with_the_service_and_none_begins() -> None:
    streams = Streams()

    async def run() -> None:
        waiting = [asyncio.create_task(streams.wait(3600)) for _ in range(3)]
        await asyncio.sleep(0)
        streams.end()
        await asyncio.wait_for(asyncio.gather(*waiting), 5)
        await asyncio.wait_for(streams.wait(3600), 5)

    asyncio.run(run())
    assert streams.is_over
    with pytest.raises(TooOften):
        streams.check(1)
