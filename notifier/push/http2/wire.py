"""The wire made for just this: POST only, headers encoded once, many frames in one TLS write.

PushRequests enter, Answers leave (`send.py`). A service that has no HTTP/2, or breaks its rules, is left to
the fall-back wire.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from time import monotonic

import certifi
import structlog

from notifier.addresses import AddressGuard
from notifier.push.http2.channel import CannotOpen, Channel, open_channel
from notifier.push.http2.connection import Connection
from notifier.push.http2.frames import ProtocolError
from notifier.push.request import PushRequest
from notifier.push.send import NO_LIMITS, STREAMS, Answer, NetworkError, Wire

IDLE_S = 120.0
"""A connection that was idle for longer may be dead without a word: it is opened anew."""

MOST_CONNECTIONS = 32
MOST_REFUSALS = 5
"""Times that one request is refused, or connections in a row that bring nothing, before it is an error."""

_OPENING_AT_ONCE = 4
_TICK_S = 1.0

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Link:
    """A connection and the socket under it; `used_at` is when it last brought something."""

    origin: str
    channel: Channel
    connection: Connection
    used_at: float
    brought: bool = False


@dataclass(slots=True)
class _Lane:
    """What goes to one push service in one batch: those that wait, by index, and how many may be under way."""

    origin: str
    streams: int
    waiting: deque[int] = field(default_factory=deque)
    refusals: dict[int, int] = field(default_factory=dict)
    opening: list[Future[Channel]] = field(default_factory=list)
    fruitless: int = 0
    left_over: Future[list[Answer]] | None = None
    left_over_indices: list[int] = field(default_factory=list)


class Http2Wire:
    """A Wire (see `send.py`).

    `guard` is asked for every address; `ca_file` replaces the public certificate authorities; `fallback` is another
    Wire, of this one alone, and closed with it. Limits: `channel.CONNECT_S` to connect, the deadline for all.
    """

    def __init__(self, guard: AddressGuard, fallback: Wire, ca_file: Path | None = None) -> None:
        self._guard, self._fallback = guard, fallback
        self._context = ssl.create_default_context(cafile=str(ca_file or certifi.where()))
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.set_alpn_protocols(["h2", "http/1.1"])
        self._links: dict[str, list[_Link]] = {}
        self._without_http2: set[str] = set()
        self._openers = ThreadPoolExecutor(_OPENING_AT_ONCE, "push-open")
        self._other_wire = ThreadPoolExecutor(1, "push-fallback")
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[Answer]:
        """See Wire.send."""
        ends_at = monotonic() + deadline_s
        answers: list[Answer | None] = [None] * len(batch)
        lanes = _lanes(batch, streams)
        self._pump(0.0)  # goodbyes that came since the last batch
        self._drop_idle()
        while (left_s := ends_at - monotonic()) > 0:
            for lane in lanes.values():
                self._advance(lane, batch, answers, ends_at)
            if not any(self._is_busy(lane) for lane in lanes.values()):
                break
            self._pump(min(left_s, _TICK_S))
        for lane in lanes.values():
            self._stop(lane, answers)
        late = Answer(error="timeout", elapsed_s=deadline_s)
        return [answer or late for answer in answers]

    def close(self) -> None:
        """See Wire.close."""
        for link in [link for links in self._links.values() for link in links]:
            self._drop(link)
        self._openers.shutdown(cancel_futures=True)
        self._other_wire.shutdown(cancel_futures=True)
        self._fallback.close()
        self._selector.close()
        self._woken.close()
        self._wake.close()

    def _advance(self, lane: _Lane, batch: Sequence[PushRequest], answers: list[Answer | None], ends_at: float) -> None:
        """Take in what came for this lane, then send what may be sent."""
        for link in list(self._links.get(lane.origin, ())):
            self._collect(lane, link, answers)
        self._settle_opened(lane, answers)
        if lane.fruitless >= MOST_REFUSALS:
            self._fail(lane, answers, "closed")
        if lane.origin in self._without_http2 or lane.origin.startswith("http:"):
            self._leave_to_fallback(lane, batch, answers, ends_at)
        elif lane.waiting:
            self._fill(lane, batch)
            self._open_more(lane)

    def _collect(self, lane: _Lane, link: _Link, answers: list[Answer | None]) -> None:
        connection = link.connection
        for index, answer in connection.answers:
            answers[index] = answer
        if connection.answers:
            link.brought, lane.fruitless = True, 0
        lane.waiting.extendleft(reversed(connection.unprocessed))
        for index in connection.refused:
            lane.refusals[index] = lane.refusals.get(index, 0) + 1
            if lane.refusals[index] < MOST_REFUSALS:
                lane.waiting.append(index)
            else:
                answers[index] = Answer(error="reset")
        connection.answers.clear()
        connection.unprocessed.clear()
        connection.refused.clear()
        if connection.is_leaving and not connection.open_streams:
            self._drop(link)
            lane.fruitless += not link.brought

    def _settle_opened(self, lane: _Lane, answers: list[Answer | None]) -> None:
        for opened in [opened for opened in lane.opening if opened.done()]:
            lane.opening.remove(opened)
            try:
                channel = opened.result()
            except CannotOpen as problem:
                if not lane.opening and not self._links.get(lane.origin):
                    self._fail(lane, answers, problem.error)
                continue
            if not channel.speaks_http2:
                self._without_http2.add(lane.origin)
                channel.close()
                continue
            link = _Link(lane.origin, channel, Connection(lane.origin), monotonic())
            self._links.setdefault(lane.origin, []).append(link)
            self._selector.register(channel, selectors.EVENT_READ, link)
            self._flush(link)

    def _fill(self, lane: _Lane, batch: Sequence[PushRequest]) -> None:
        links = list(self._links.get(lane.origin, ()))
        budget = lane.streams - sum(link.connection.open_streams for link in links)
        for link in links:
            link.connection.expire(monotonic())
            size = min(budget, link.connection.room, len(lane.waiting))
            if size > 0 and not link.channel.is_blocked:
                indices = [lane.waiting.popleft() for _ in range(size)]
                link.connection.submit([(index, batch[index]) for index in indices], monotonic())
                budget -= size
            self._flush(link)

    def _open_more(self, lane: _Lane) -> None:
        """As many connections as the streams need, a few at a time."""
        links = self._links.get(lane.origin, [])
        each = max(1, min((link.connection.max_streams for link in links), default=STREAMS))
        wanted = min(MOST_CONNECTIONS, ceil(min(lane.streams, len(lane.waiting) + each * len(links)) / each))
        while len(links) + len(lane.opening) < wanted and len(lane.opening) < _OPENING_AT_ONCE:
            opened = self._openers.submit(open_channel, lane.origin, self._guard, self._context)
            opened.add_done_callback(self._on_done)
            lane.opening.append(opened)

    def _leave_to_fallback(
        self, lane: _Lane, batch: Sequence[PushRequest], answers: list[Answer | None], ends_at: float
    ) -> None:
        if lane.left_over is not None and lane.left_over.done():
            _take_left_over(lane, answers)
        if lane.left_over is None and lane.waiting:
            lane.left_over_indices = list(lane.waiting)
            lane.waiting.clear()
            requests = [batch[index] for index in lane.left_over_indices]
            limits = {lane.origin: lane.streams}
            lane.left_over = self._other_wire.submit(self._fallback.send, requests, ends_at - monotonic(), limits)
            lane.left_over.add_done_callback(self._on_done)

    def _on_done(self, _: Future[Channel] | Future[list[Answer]]) -> None:
        self._wake.send(b"\0")

    def _is_busy(self, lane: _Lane) -> bool:
        under_way = any(link.connection.open_streams for link in self._links.get(lane.origin, ()))
        return bool(lane.waiting or under_way or lane.left_over)

    def _pump(self, limit_s: float) -> None:
        """Wait for something to happen, at most `limit_s`, and read it."""
        for key, mask in self._selector.select(limit_s):
            if key.data is None:
                self._woken.recv(4096)
                continue
            if mask & selectors.EVENT_READ:
                self._read(key.data)
            if mask & selectors.EVENT_WRITE:
                self._flush(key.data)

    def _read(self, link: _Link) -> None:
        now_s = link.used_at = monotonic()
        try:
            link.connection.feed(link.channel.read(), now_s)
        except ProtocolError as problem:
            log.warning("push.http2-broken", origin=link.origin, code=problem.code)
            self._without_http2.add(link.origin)
            self._end(link, "protocol")
        except (OSError, EOFError):
            self._end(link, "closed")
        else:
            self._flush(link)

    def _flush(self, link: _Link) -> None:
        """Write what the connection has to say, and listen for room where the network does not take it all."""
        outgoing = link.connection.outgoing
        if not outgoing and not link.channel.is_blocked:
            return
        try:
            link.channel.write(b"".join(outgoing))
        except OSError:
            self._end(link, "closed")
            return
        outgoing.clear()
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.channel.is_blocked else 0)
        if self._selector.get_key(link.channel).events != events:
            self._selector.modify(link.channel, events, link)

    def _end(self, link: _Link, error: NetworkError) -> None:
        """The connection is over. Its lane collects what it still has to say, then drops it."""
        link.connection.is_leaving = True
        link.connection.give_up(error, monotonic())
        link.connection.outgoing.clear()
        if link.channel.fileno() >= 0:
            self._selector.unregister(link.channel)
            link.channel.close()

    def _drop(self, link: _Link) -> None:
        if link.channel.fileno() >= 0:
            self._selector.unregister(link.channel)
            link.channel.close()
        self._links[link.origin].remove(link)

    def _drop_idle(self) -> None:
        """Before a batch: forget connections that ended, or were idle for too long."""
        oldest = monotonic() - IDLE_S
        for link in [link for links in self._links.values() for link in links]:
            if link.connection.is_leaving or link.used_at < oldest:
                self._drop(link)

    def _stop(self, lane: _Lane, answers: list[Answer | None]) -> None:
        """The watchdog: whatever is still under way is over now."""
        if lane.left_over is not None:
            _take_left_over(lane, answers)  # it has the same deadline
        for opened in lane.opening:
            opened.cancel()
            opened.add_done_callback(_close_unused)
        for link in list(self._links.get(lane.origin, ())):
            silent = link.connection.open_streams > 0 and not link.brought
            link.connection.give_up("timeout", monotonic())
            self._flush(link)
            self._collect(lane, link, answers)
            link.brought = False
            if silent and link in self._links[lane.origin]:
                self._drop(link)

    def _fail(self, lane: _Lane, answers: list[Answer | None], error: NetworkError) -> None:
        for index in lane.waiting:
            answers[index] = Answer(error=error)
        lane.waiting.clear()
        lane.fruitless = 0


def _lanes(batch: Sequence[PushRequest], streams: Mapping[str, int]) -> dict[str, _Lane]:
    lanes: dict[str, _Lane] = {}
    for index, request in enumerate(batch):
        origin = request.origin
        lane = lanes.get(origin)
        if lane is None:
            lane = lanes[origin] = _Lane(origin, streams.get(origin, STREAMS))
        lane.waiting.append(index)
    return lanes


def _take_left_over(lane: _Lane, answers: list[Answer | None]) -> None:
    if lane.left_over is not None:
        for index, answer in zip(lane.left_over_indices, lane.left_over.result(), strict=True):
            answers[index] = answer
        lane.left_over = None


def _close_unused(opened: Future[Channel]) -> None:
    """A connection that came too late for its batch."""
    if not opened.cancelled() and opened.exception() is None:
        opened.result().close()
