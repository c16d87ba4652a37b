"""The transport by libcurl: HTTP/2 with many streams over few kept connections, HTTP/1.1 where a service has no HTTP/2.

PushRequests enter, PushResponses leave (`transport.py`). Nothing of a request, its endpoint least of all, is in a log
or an error.
"""

from __future__ import annotations

import re
import selectors
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import certifi
import pycurl

from notifier.addresses import AddressGuard
from notifier.push.request import PushHeaders, PushRequest
from notifier.push.transport import (
    LONGEST_S,
    MOST_OPEN,
    NO_LIMITS,
    STREAMS,
    NetworkError,
    Patience,
    PushResponse,
    patience_for,
)
from notifier.subscribers.endpoint import origin_of

CONNECT_S = 10.0
ANSWER_S = 30.0
_TICK_S = 1.0
_STATUS_LINE = re.compile(rb"HTTP/(?:1\.[01]|2) ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")  # RFC 9112 section 4
_READ_BODY = 1 << 14
"""How much of an answer's text we let come; it is not kept."""

_E_HTTP2_STREAM = 92  # pycurl has no name for it
_TEXT_CUT_OFF = frozenset({pycurl.E_WRITE_ERROR, pycurl.E_OPERATION_TIMEDOUT})
_ERRORS: dict[int, NetworkError] = {
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_CONNECT: "connect",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls",
    pycurl.E_SEND_ERROR: "closed",
    pycurl.E_RECV_ERROR: "closed",
    pycurl.E_GOT_NOTHING: "closed",
    _E_HTTP2_STREAM: "reset",
}


@dataclass(slots=True)
class _OriginBatch:
    """What goes to one push service in one batch: those that wait, by index, how many may fly, how many do.

    `progress_at` (monotonic) is when it last brought something. `strangers` of those that were asked tell nothing of
    the service (PushRequest.tells): they go last, and are hardly waited for.
    """

    origin: str
    streams: int
    guard: AddressGuard
    progress_at: float
    waiting: deque[int] = field(default_factory=deque)
    asked: int = 0
    flying: int = 0
    strangers: int = 0
    strangers_flying: int = 0

    def deserves_until(self, patience: Patience, first_done_s: float | None) -> float:
        """Until when (monotonic) the batch waits for it; `first_done_s`: how long the first that is done has taken."""
        known, flying, unsent = self.asked - self.strangers, self.flying - self.strangers_flying, len(self.waiting)
        if known:
            unsent = max(0, unsent - self.strangers)
        else:
            known, flying = self.asked, self.flying
        return self.progress_at + patience_for(
            patience,
            self.origin,
            asked=known,
            answered=known - unsent - flying,
            unsent=unsent,
            first_done_s=first_done_s,
        )


@dataclass(slots=True)
class _Transfer:
    """One request under way; `handle` is libcurl's. With a `ticket` it was left open by its batch. `status` is that of
    a head of which the end has come: libcurl's own is known before, and it reads more than three digits.
    """

    index: int
    lane: _OriginBatch
    started_at: float
    handle: pycurl.Curl
    is_stranger: bool = False
    refused: bool = False
    ticket: int = 0
    status: int | None = None
    _coming: int = 0
    _text_bytes: int = 0

    def read_head(self, line: bytes) -> None:
        """A line of the head, of an interim one before it, or of trailers."""
        if self.status is not None:
            return
        if line.startswith(b"HTTP/"):
            found = _STATUS_LINE.fullmatch(line)
            self._coming = int(found[1]) if found else 0
        elif not line.strip() and self._coming >= 200:
            self.status = self._coming

    def read_text(self, text: bytes) -> int:
        """Returns how much of it is taken: less than all ends the transfer."""
        self._text_bytes += len(text)
        return len(text) if self._text_bytes <= _READ_BODY else 0


class CurlTransport:
    """A PushTransport and a LanedTransport (see `transport.py`).

    `guard` is asked for every address that libcurl is about to connect to. `ca_file` replaces the public certificate
    authorities, for a push service of one's own. Limits: `CONNECT_S` to connect, `ANSWER_S` for each request, and the
    deadline for all. What a service did not process, libcurl itself sends again, up to five times.
    """

    def __init__(self, guard: AddressGuard, ca_file: Path | None = None, max_connections: int = 8) -> None:
        self._guard = guard
        self._ca_file = str(ca_file or certifi.where())
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, max_connections)
        self._multi.setopt(pycurl.M_MAXCONNECTS, 4 * max_connections)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._selector = selectors.DefaultSelector()
        self._timer_at: float | None = None
        self._opened: list[socket.socket] = []
        self._idle: list[pycurl.Curl] = []
        self._flying: dict[pycurl.Curl, _Transfer] = {}
        self._tickets = count(1)
        self._late: list[tuple[int, PushResponse]] = []

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[PushResponse]:
        """See PushTransport.send."""
        return self._run(batch, deadline_s, streams, None)

    def begin(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int], patience: Patience
    ) -> list[PushResponse]:
        """See LanedTransport.begin."""
        return self._run(batch, deadline_s, streams, patience)

    def late(self, wait_s: float = 0.0) -> list[tuple[int, PushResponse]]:
        """See LanedTransport.late."""
        ends_at = monotonic() + wait_s
        while self._flying:
            self._pump(0.0 if self._late else max(0.0, min(ends_at - monotonic(), _TICK_S)))
            self._collect([])
            if self._late or monotonic() >= ends_at:
                break
        told, self._late = self._late, []
        return told

    def _run(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int], patience: Patience | None
    ) -> list[PushResponse]:
        started_at = monotonic()
        ends_at = started_at + deadline_s
        unsent = (
            PushResponse(error="timeout", elapsed_s=deadline_s)
            if patience is None
            else PushResponse(error="deferred", wait_s=0.0)
        )
        answers = [unsent] * len(batch)
        lanes = _lanes(batch, streams, self._guard)
        first_done_s: float | None = None
        try:
            while (left_s := ends_at - monotonic()) > 0:
                for lane in lanes:
                    self._fill(lane, batch, left_s)
                busy = [lane for lane in lanes if lane.flying]
                if busy and patience is not None:
                    if first_done_s is None and len(busy) < len(lanes):
                        first_done_s = monotonic() - started_at
                    deserved = max(lane.deserves_until(patience, first_done_s) for lane in busy)
                    left_s = min(left_s, min(deserved, started_at + LONGEST_S) - monotonic())
                if not busy or left_s <= 0:
                    break
                self._pump(min(left_s, _TICK_S))
                self._collect(answers)
        finally:
            self._leave(answers, stay_open=patience is not None)
        return answers

    def _leave(self, answers: list[PushResponse], *, stay_open: bool) -> None:
        """Whatever libcurl still waits for is over now (the watchdog), or goes on without its batch."""
        for transfer in [transfer for transfer in self._flying.values() if not transfer.ticket]:
            if stay_open:
                transfer.ticket = next(self._tickets)
                answers[transfer.index] = PushResponse(error="open", ticket=transfer.ticket)
            else:
                answers[transfer.index] = PushResponse(error="timeout", elapsed_s=monotonic() - transfer.started_at)
                self._take_off(transfer)
        for transfer in list(self._flying.values())[: max(0, len(self._flying) - MOST_OPEN)]:
            self._late.append((transfer.ticket, PushResponse(error="timeout")))
            self._take_off(transfer)

    def close(self) -> None:
        """See PushTransport.close."""
        for handle in self._idle:
            handle.close()
        self._idle.clear()
        self._multi.close()
        self._selector.close()

    def _fill(self, lane: _OriginBatch, batch: Sequence[PushRequest], left_s: float) -> None:
        while lane.waiting and lane.flying < lane.streams:
            index = lane.waiting.popleft()
            request = batch[index]
            handle = self._idle.pop() if self._idle else self._new_handle()
            handle.setopt(pycurl.URL, request.endpoint)
            handle.setopt(pycurl.HTTPHEADER, _header_lines(request.headers))
            handle.setopt(pycurl.POSTFIELDS, request.body)
            handle.setopt(pycurl.TIMEOUT_MS, max(1, int(1000 * min(left_s, ANSWER_S))))
            transfer = self._flying[handle] = _Transfer(index, lane, monotonic(), handle, is_stranger=not request.tells)
            handle.setopt(pycurl.HEADERFUNCTION, transfer.read_head)
            handle.setopt(pycurl.WRITEFUNCTION, transfer.read_text)
            lane.flying += 1
            lane.strangers_flying += not request.tells
            self._multi.add_handle(handle)

    def _new_handle(self) -> pycurl.Curl:
        handle = pycurl.Curl()
        handle.setopt(pycurl.POST, 1)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        handle.setopt(pycurl.PIPEWAIT, 1)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(1000 * CONNECT_S))
        handle.setopt(pycurl.CAINFO, self._ca_file)
        handle.setopt(pycurl.SSL_VERIFYPEER, 1)
        handle.setopt(pycurl.SSL_VERIFYHOST, 2)
        handle.setopt(pycurl.FOLLOWLOCATION, 0)
        # A proxy of the environment would connect to addresses that the guard never sees.
        handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.TCP_NODELAY, 1)
        handle.setopt(pycurl.USERAGENT, "notifier")
        handle.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket(handle))
        return handle

    def _open_socket(self, handle: pycurl.Curl) -> Callable[..., socket.socket | int]:
        def open_socket(purpose: int, address: tuple[int, int, int, tuple[str, int]]) -> socket.socket | int:
            family, kind, protocol, (host, port, *_) = address
            if self._flying[handle].lane.guard.refusal(host, port):
                self._flying[handle].refused = True
                return int(pycurl.SOCKET_BAD)
            self._opened.append(socket.socket(family, kind, protocol))
            return self._opened[-1]

        return open_socket

    def _pump(self, limit_s: float) -> None:
        """Wait for a socket or a timer of libcurl's, at most `limit_s`, and let it work."""
        timer_s = limit_s if self._timer_at is None else max(0.0, self._timer_at - monotonic())
        for key, mask in self._selector.select(min(limit_s, timer_s)):
            ready = (pycurl.CSELECT_IN if mask & selectors.EVENT_READ else 0) | (
                pycurl.CSELECT_OUT if mask & selectors.EVENT_WRITE else 0
            )
            self._multi.socket_action(key.fd, ready)
        if self._timer_at is not None and self._timer_at <= monotonic():
            self._timer_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        while self._opened:
            # pycurl has made a duplicate of each for libcurl.
            self._opened.pop().close()

    def _on_socket(self, event: int, fd: int, multi: object, data: object) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)
        if event != pycurl.POLL_REMOVE:
            mask = (selectors.EVENT_READ if event & pycurl.POLL_IN else 0) | (
                selectors.EVENT_WRITE if event & pycurl.POLL_OUT else 0
            )
            self._selector.register(fd, mask)

    def _on_timer(self, timeout_ms: int) -> None:
        self._timer_at = None if timeout_ms < 0 else monotonic() + timeout_ms / 1000

    def _collect(self, answers: list[PushResponse]) -> None:
        more = True
        while more:
            left, done, failed = self._multi.info_read(1000)
            ended = [(handle, 0) for handle in done] + [(handle, code) for handle, code, _ in failed]
            for handle, code in ended:
                transfer = self._take_off(self._flying[handle])
                answer = _failure(transfer, code) if code else _answer(transfer)
                if transfer.ticket:
                    self._late.append((transfer.ticket, answer))
                else:
                    answers[transfer.index] = answer
                    transfer.lane.progress_at = monotonic()
            more = left > 0

    def _take_off(self, transfer: _Transfer) -> _Transfer:
        self._multi.remove_handle(transfer.handle)
        del self._flying[transfer.handle]
        transfer.lane.flying -= 1
        transfer.lane.strangers_flying -= transfer.is_stranger
        self._idle.append(transfer.handle)
        return transfer


def _lanes(batch: Sequence[PushRequest], streams: Mapping[str, int], guard: AddressGuard) -> list[_OriginBatch]:
    lanes: dict[str, _OriginBatch] = {}
    for index, request in sorted(enumerate(batch), key=lambda numbered: not numbered[1].tells):
        origin = origin_of(request.endpoint)
        lane = lanes.get(origin)
        if lane is None:
            host = urlsplit(origin).hostname or ""
            lane = _OriginBatch(origin, streams.get(origin, STREAMS), guard.for_host(host), monotonic())
            lanes[origin] = lane
        lane.waiting.append(index)
        lane.asked += 1
        lane.strangers += not request.tells
    return list(lanes.values())


@lru_cache(maxsize=16)
def _header_lines(headers: PushHeaders) -> list[str]:
    # "Expect:" keeps libcurl from asking for a 100 (Continue) first.
    return [*(f"{name}: {value}" for name, value in headers.lines()), "expect:", "accept:"]


def _answer(transfer: _Transfer) -> PushResponse:
    if transfer.status is None:
        return PushResponse(error="protocol", elapsed_s=monotonic() - transfer.started_at)
    # libcurl has read both forms of the header already.
    retry_after = str(transfer.handle.getinfo(pycurl.RETRY_AFTER) or "") if transfer.status >= 400 else ""
    return PushResponse(
        status=transfer.status, retry_after=retry_after or None, elapsed_s=monotonic() - transfer.started_at
    )


def _failure(transfer: _Transfer, code: int) -> PushResponse:
    if code in _TEXT_CUT_OFF and transfer.status is not None:
        return _answer(transfer)  # the rest is nothing to us
    error: NetworkError = "address-refused" if transfer.refused else _ERRORS.get(code, "protocol")
    return PushResponse(error=error, elapsed_s=monotonic() - transfer.started_at)
