"""Names are looked up in threads of the resolver's own."""

from __future__ import annotations

import asyncio
import threading

import pytest

from notifier.feeds.resolver import ThreadResolver


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
