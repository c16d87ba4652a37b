"""libcurl's transfers on the running event loop, side by side, on connections that are kept.

libcurl names the sockets that it waits for; they are watched by a selector of our own, whose descriptor the loop
watches: a turn of the loop takes what is ready, for `BUDGET_S` and one piece more, and the loop goes on with others.
What libcurl waits for and what is ready are the same bits for both (POLL_IN, EVENT_READ and CSELECT_IN are 1).
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
from collections import deque
from contextlib import suppress
from time import perf_counter

import pycurl

from notifier.outbound.handle import Handle

BUDGET_S = 0.005
# How often it is looked whether a server that makes many turns necessary brings anything.
_LOOK_EVERY = 256

Ended = tuple[int, str]
"""libcurl's code, 0 for success, and its words."""


class Multi:
    """The transfers of one event loop. `kept` connections stay open unused, `most` are open in all."""

    def __init__(self, kept: int, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)
        self._multi.setopt(pycurl.M_MAXCONNECTS, kept)
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, most)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._selector = selectors.DefaultSelector()
        self._loop.add_reader(self._selector, self._on_ready)
        self._timer: asyncio.Handle | None = None
        self._late: deque[tuple[int, int]] = deque()
        """What was ready and had no time left: the first of the next turn."""
        self._turns: dict[int, int] = {}
        """How often each socket that a transfer waits for was ready."""
        self._idle: dict[int, int] = {}
        """Sockets that no transfer waits for, with their inodes: kept, or closed meanwhile, which nobody tells us."""
        self._dead, other = socket.socketpair()
        other.close()
        self._under_way: dict[pycurl.Curl, tuple[Handle, asyncio.Future[Ended]]] = {}

    @property
    def under_way(self) -> int:
        """How many transfers are under way."""
        return len(self._under_way)

    async def perform(self, handle: Handle) -> Ended:
        """Do what the handle was made ready for. Whoever stops waiting ends the connection."""
        ended: asyncio.Future[Ended] = self._loop.create_future()
        self._under_way[handle.curl] = handle, ended
        self._multi.add_handle(handle.curl)
        try:
            return await ended
        finally:
            if self._under_way.pop(handle.curl, None) is not None:
                self._multi.remove_handle(handle.curl)
                handle.leave()

    def close(self) -> None:
        """End all of it, kept connections too."""
        for curl in list(self._under_way):
            self._end(curl, (pycurl.E_ABORTED_BY_CALLBACK, "closed"))
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._selector)
        self._multi.close()
        self._selector.close()
        self._dead.close()

    def _on_socket(self, event: int, fd: int, _multi: object, _data: object) -> None:
        if event == pycurl.POLL_REMOVE:
            if self._turns.pop(fd, None) is not None:
                self._idle[fd] = os.fstat(fd).st_ino
            return
        if fd not in self._turns:
            self._turns[fd] = 0
            inode = self._idle.pop(fd, None)
            if inode != os.fstat(fd).st_ino:  # a new one, perhaps by the number of one that was closed
                if inode is not None:
                    self._selector.unregister(fd)
                self._selector.register(fd, event)
                return
        self._selector.modify(fd, event)

    def _on_timer(self, timeout_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if timeout_ms == 0:
            self._timer = self._loop.call_soon(self._on_time)
        elif timeout_ms > 0:
            self._timer = self._loop.call_later(timeout_ms / 1000, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._collect()

    def _on_ready(self) -> None:
        ends_at = perf_counter() + BUDGET_S
        if not self._late:
            self._late.extend((key.fd, mask) for key, mask in self._selector.select(0))
        while self._late:
            self._act(*self._late.popleft())
            if perf_counter() > ends_at:
                break
        self._collect()

    def _act(self, fd: int, mask: int) -> None:
        if fd in self._idle:
            self._end_idle(fd, mask)
            return
        self._multi.socket_action(fd, mask)
        turns = self._turns.get(fd)
        if turns is not None:
            self._turns[fd] = turns = turns + 1
            if turns % _LOOK_EVERY == 0:
                self._look(fd, turns)

    def _end_idle(self, fd: int, mask: int) -> None:
        """A server closed a kept connection, or speaks though nobody asks.

        What it says must not be taken for the next answer, and libcurl looks at most once a second: it finds a socket
        there that has ended.
        """
        inode = self._idle.pop(fd)
        self._selector.unregister(fd)
        with suppress(OSError):  # it is closed already
            if mask & selectors.EVENT_READ and os.fstat(fd).st_ino == inode:
                os.dup2(self._dead.fileno(), fd, inheritable=False)

    def _look(self, fd: int, turns: int) -> None:
        """End the transfer of a socket that is ready again and again and brings nothing."""
        for curl, (handle, _) in self._under_way.items():
            if curl.getinfo(pycurl.ACTIVESOCKET) == fd:
                if not handle.transfer.is_worth(turns):
                    self._end(curl, (pycurl.E_ABORTED_BY_CALLBACK, "crumbs"))
                return

    def _collect(self) -> None:
        more = True
        while more:
            left, done, failed = self._multi.info_read(1000)
            for curl in done:
                self._end(curl, (0, ""))
            for curl, code, message in failed:
                self._end(curl, (code, message))
            more = left > 0

    def _end(self, curl: pycurl.Curl, how: Ended) -> None:
        self._multi.remove_handle(curl)
        _, ended = self._under_way.pop(curl)
        if not ended.done():
            ended.set_result(how)
