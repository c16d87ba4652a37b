"""Looks names up in threads of its own, so that a slow name server holds up neither the database nor other feeds."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from notifier.feeds.connections import AddrInfo

_THREADS = 32


class ThreadResolver:
    """getaddrinfo of the operating system, `_THREADS` look-ups at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")

    async def resolve(self, host: str, port: int) -> Sequence[AddrInfo]:
        """All TCP addresses of `host`. Raises OSError if there is none."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)

    async def close(self) -> None:
        """Let the threads end; one that waits for a dead name server is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> Sequence[AddrInfo]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
