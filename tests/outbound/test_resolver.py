"""Names are looked up in threads of the resolver's own."""

from __future__ import annotations

import asyncio
import threading

import pytest

from notifier.outbound.names import AddrInfo
from notifier.outbound.resolver import ThreadResolver


def test_a_name_has_its_addresses_and_an_unknown_one_an_error() -> None:
    async def main() -> set[str]:
        resolver = ThreadResolver()
        try:
            found = await resolver.resolve("localhost", 80)
            with pytest.raises(OSError, match=r"."):
                await resolver.resolve("no-such-name.invalid", 80)
            assert any(thread.name.startswith("resolve") for thread in threading.enumerate())
        finally:
            await resolver.close()
        return {one[4][0] for one in found}

    assert asyncio.run(main()) & {"127.0.0.1", "::1"}


def test_names_whose_servers_are_silent_cost_each_other() -> None:
    """Thirty-two of them kept every other feed from its address."""
    silent = threading.Event()

    def look_up(host: str, port: int) -> list[AddrInfo]:
        if host.startswith("silent"):
            silent.wait(20)
        return [(host, port)]

    async def main() -> None:
        resolver = ThreadResolver(look_up, quick_s=0.05)
        waiting = [asyncio.create_task(resolver.resolve(f"silent{n}.example", 80)) for n in range(150)]
        await asyncio.sleep(0)
        for n in range(3):
            assert await asyncio.wait_for(resolver.resolve(f"paper{n}.example", 80), 5) == [(f"paper{n}.example", 80)]
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        again = [asyncio.create_task(resolver.resolve(f"silent{n}.example", 80)) for n in range(150)]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(resolver.resolve("paper.example", 80), 0.04 * 100)
        silent.set()
        await asyncio.wait_for(asyncio.gather(*again), 10)
        await resolver.close()

    asyncio.run(main())


def test_a_slow_name_that_became_quick_is_as_any_other() -> None:
    slow = [True]

    def look_up(host: str, port: int) -> list[AddrInfo]:
        if slow[0]:
            threading.Event().wait(0.2)
        return [(host, port)]

    async def main() -> None:
        resolver = ThreadResolver(look_up, quick_s=0.05)
        await resolver.resolve("paper.example", 80)
        slow[0] = False
        for _ in range(2):
            assert await resolver.resolve("paper.example", 80) == [("paper.example", 80)]
        await resolver.close()

    asyncio.run(main())
