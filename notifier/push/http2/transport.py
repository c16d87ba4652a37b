"""The transport made for just this: POST only, headers encoded once, many frames in one TLS write.

PushRequests enter, PushResponses leave (`push/transport.py`). Each origin has its lane (`lane.py`): its own
connections, its own room, its own patience. A service that has no HTTP/2, or breaks its rules, is left to the fall-back
transport.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import monotonic

import certifi
import structlog

from notifier.addresses import AddressGuard
from notifier.push.bounded_dict import BoundedDict
from notifier.push.http2.channel import CannotOpen, Channel, open_channel
from notifier.push.http2.connection import Http2Connection
from notifier.push.http2.fallback import FallbackTransport
from notifier.push.http2.frames import ProtocolError
from notifier.push.http2.lane import Link, ServiceLane
from notifier.push.outcome import THROTTLED
from notifier.push.request import PushRequest
from notifier.push.transport import (
    LONGEST_S,
    MOST_OPEN,
    NO_LIMITS,
    STREAMS,
    TAIL_SHARE,
    NetworkError,
    Patience,
    PushResponse,
    PushTransport,
)

IDLE_S = 120.0
"""A connection that was idle for longer may be dead without a word: it is opened anew."""

MOST_CONNECTIONS = 32
MOST_REFUSALS = 5
"""Times that one request is refused, or connections in a row that bring nothing, before it is an error."""

MOST_DOUBTFUL = 2
MOST_CONNECTING = 8
"""Who wait for a first connection when the others go on; it is not worth more to find out."""

_OPENING_AT_ONCE, _MEETING_AT_ONCE = 4, 8
_TICK_S = 1.0
_SWEEP_S = 0.05
"""How long a lane may go without a look, while nothing comes for it."""
_ALONE_TIMES = 5.0

log = structlog.get_logger()


class Http2Transport:
    """A PushTransport and a LanedTransport (see `push/transport.py`).

    `guard` is asked for every address; `ca_file` replaces the public certificate authorities; `fallback` is another
    PushTransport, of this one alone, and closed with it. Limits: `channel.CONNECT_S` to connect, the deadline for all.
    """

    def __init__(self, guard: AddressGuard, fallback: PushTransport, ca_file: Path | None = None) -> None:
        self._guard, self._fallback = guard, FallbackTransport(fallback, self._on_done)
        self._context = ssl.create_default_context(cafile=str(ca_file or certifi.where()))
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.set_alpn_protocols(["h2", "http/1.1"])
        self._lanes: dict[str, ServiceLane] = {}
        self._met: BoundedDict[bool] = BoundedDict()
        # Whoever was never reached may take its time to refuse: it must not keep the others from new connections.
        self._openers = ThreadPoolExecutor(_OPENING_AT_ONCE, "push-open")
        self._meeters = ThreadPoolExecutor(_MEETING_AT_ONCE, "push-meet")
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        # The batch under way: its tickets are `_first` and those after it.
        self._first = self._next = 1
        self._batch: Sequence[PushRequest] = ()
        self._answers: list[PushResponse | None] = []
        self._patience: Patience | None = None
        self._late: list[tuple[int, PushResponse]] = []
        # Origins for which something came; and when all lanes are looked at next.
        self._heard_of: set[str] = set()
        self._all_at = 0.0

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
        self._forget_batch()
        self._all_at = 0.0
        while lanes := [lane for lane in self._lanes.values() if lane.open]:
            self._pump(0.0 if self._late else max(0.0, min(ends_at - monotonic(), _TICK_S)))
            for lane in self._touched(lanes):
                self._advance(lane, ends_at)
                self._expire(lane)
            self._ask_fallback()
            if self._late or monotonic() >= ends_at:
                break
        told, self._late = self._late, []
        return told

    def close(self) -> None:
        """See PushTransport.close."""
        for lane in self._lanes.values():
            for link in list(lane.links):
                self._drop(lane, link)
            for opened in lane.opening:
                opened.add_done_callback(_close_unused)
        self._openers.shutdown(cancel_futures=True)
        self._meeters.shutdown(cancel_futures=True)
        self._fallback.close()
        self._selector.close()
        self._woken.close()
        self._wake.close()

    def _run(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int], patience: Patience | None
    ) -> list[PushResponse]:
        started_at = monotonic()
        ends_at = started_at + deadline_s
        self._forget_batch()
        self._pump(0.0)  # goodbyes that came since the last batch
        self._drop_idle()
        lanes = self._take_on(batch, streams, patience, started_at)
        others = [lane for lane in self._lanes.values() if lane.open]
        everyone = list({lane.origin: lane for lane in (*lanes, *others)}.values())
        self._all_at = 0.0
        first_done_s: float | None = None
        few_since: float | None = None
        while (now_s := monotonic()) < ends_at:
            for lane in self._touched(everyone):
                self._advance(lane, ends_at)
            busy = [lane for lane in lanes if lane.pending]
            if not busy:
                break
            if first_done_s is None and len(busy) < len(lanes):
                first_done_s = monotonic() - started_at
            until = ends_at
            if patience is not None:
                longest_s = LONGEST_S * (1.0 if first_done_s is not None else _ALONE_TIMES)
                strangers = {lane.origin: self._strangers(lane) for lane in busy}
                deserved = max(lane.deserves_until(patience, first_done_s, strangers[lane.origin]) for lane in busy)
                until = min(ends_at, started_at + longest_s, deserved)
                left = _left(lanes, len(batch), sum(strangers.values()))
                if left is not None:
                    few_since = few_since or now_s
                    until = min(until, few_since + max(lane.tail_s for lane in busy) if left else now_s)
                if until <= now_s:
                    break
            self._pump(max(0.0, min(until - monotonic(), _TICK_S)))
        for lane in lanes:
            lane.was_waited_for(in_vain=lane.pending > 0)
            if lane.pending:
                self._stop(lane) if patience is None else self._leave(lane, ends_at)
        for lane in others:
            self._expire(lane)
        self._ask_fallback()
        timed_out = PushResponse(error="timeout", elapsed_s=deadline_s)
        return [answer or timed_out for answer in self._answers]

    def _forget_batch(self) -> None:
        self._first, self._batch, self._answers = self._next, (), []

    def _take_on(
        self, batch: Sequence[PushRequest], streams: Mapping[str, int], patience: Patience | None, now_s: float
    ) -> list[ServiceLane]:
        """Hand out tickets; returns the lanes that have some."""
        self._batch, self._answers, self._patience = batch, [None] * len(batch), patience
        self._first, self._next = self._next, self._next + len(batch)
        found: dict[str, ServiceLane] = {}
        for ticket, request in enumerate(batch, self._first):
            origin = request.origin
            lane = found.get(origin)
            if lane is None:
                lane = found[origin] = self._lanes.setdefault(origin, ServiceLane(origin))
                lane.begin(streams.get(origin, STREAMS), now_s)
            lane.tickets.append(ticket)
        for lane in found.values():
            strange = [ticket for ticket in lane.tickets if not batch[ticket - self._first].tells]
            lane.strangers = frozenset(strange)
            # Whoever told nothing of the service so far goes last, and is left behind first.
            known = [ticket for ticket in lane.tickets if ticket not in lane.strangers] if strange else lane.tickets
            lane.waiting.extend(known)
            lane.waiting.extend(strange)
            lane.pending = len(lane.tickets)
        return list(found.values())

    def _touched(self, lanes: Sequence[ServiceLane]) -> Sequence[ServiceLane]:
        """Those of `lanes` for which something came since the last call; now and then all, for what time brings."""
        touched, self._heard_of = self._heard_of, set()
        if (now_s := monotonic()) >= self._all_at:
            self._all_at = now_s + _SWEEP_S
            return lanes
        return [lane for lane in lanes if lane.origin in touched]

    def _strangers(self, lane: ServiceLane) -> int:
        """How many strangers of the batch under way have no answer."""
        return sum(self._answers[ticket - self._first] is None for ticket in lane.strangers)

    def _advance(self, lane: ServiceLane, ends_at: float) -> None:
        """Take in what came for this lane, then send what may be sent."""
        for link in list(lane.links):
            self._collect(lane, link)
        self._settle_opened(lane)
        if lane.fruitless >= MOST_REFUSALS:
            self._fail(lane, "closed")
        if lane.is_stopped and self._patience is not None and lane.pending:
            self._hold(lane, keep=0)
        if self._fallback.serves(lane.origin):
            self._leave_to_fallback(lane, ends_at)
        elif lane.waiting or lane.spare:
            self._fill(lane)
            self._open_more(lane)

    def _leave_to_fallback(self, lane: ServiceLane, ends_at: float) -> None:
        if lane.left_over is not None and lane.left_over.done():
            self._take_left_over(lane)
        if lane.left_over is None and lane.waiting:
            tickets = list(lane.waiting)
            lane.waiting.clear()
            requests = [self._request(lane, ticket) for ticket in tickets]
            self._fallback.send(lane, tickets, requests, max(0.0, ends_at - monotonic()), self._patience)

    def _take_left_over(self, lane: ServiceLane) -> None:
        for ticket, answer in self._fallback.collect(lane):
            self._answer(lane, ticket, answer)

    def _ask_fallback(self) -> None:
        for lane, ticket, answer in self._fallback.late():
            self._answer(lane, ticket, answer)

    def _answer(self, lane: ServiceLane, ticket: int, answer: PushResponse) -> None:
        """Whether of this batch or an earlier one."""
        if ticket in lane.open:
            del lane.open[ticket]
            lane.kept.pop(ticket, None)
            self._late.append((ticket, answer))
        elif ticket >= self._first and self._answers[ticket - self._first] is None:
            self._answers[ticket - self._first] = answer
            lane.pending -= 1

    def _collect(self, lane: ServiceLane, link: Link) -> None:
        connection = link.connection
        if connection.answers:
            answers, first, before = self._answers, self._first, lane.open
            for ticket, answer in connection.answers:
                if ticket < first or ticket in before:
                    self._answer(lane, ticket, answer)
                else:  # nearly all
                    answers[ticket - first] = answer
                    lane.pending -= 1
                if answer.status in THROTTLED:
                    lane.run_of_429 += 1
                elif lane.run_of_429:
                    lane.run_of_429 -= 1
            link.brought = link.has_brought = lane.has_answered = True
            link.is_doubtful, lane.fruitless, lane.broken = False, 0, 0
            lane.progress_at = monotonic()
            connection.answers.clear()
        if connection.unprocessed:
            self._unprocessed(lane, link)
        for ticket in connection.refused:
            lane.refusals[ticket] = lane.refusals.get(ticket, 0) + 1
            if lane.refusals[ticket] < MOST_REFUSALS:
                self._again(lane, ticket, first=False)
            else:
                self._answer(lane, ticket, PushResponse(error="reset"))
        connection.refused.clear()
        connection.expire(monotonic())
        if connection.is_stalled:
            self._unblock(lane, link)
        if connection.is_leaving and not connection.open_streams:
            self._drop(lane, link)

    def _unblock(self, lane: ServiceLane, link: Link) -> None:
        """An answer does not end: that one has failed, and who waits behind it goes again elsewhere."""
        guilty = link.connection.in_the_way
        if guilty is None:
            self._end(link, "timeout")
            return
        for ticket in link.connection.abandon():
            if ticket == guilty:
                self._answer(lane, ticket, PushResponse(error="timeout"))
            else:
                self._again(lane, ticket, first=True)
        self._end(link, "timeout")

    def _unprocessed(self, lane: ServiceLane, link: Link) -> None:
        """A goodbye: those who were not looked at go again, behind nobody where it brought something before."""
        tickets = list(link.connection.unprocessed)
        link.connection.unprocessed.clear()
        lane.ended += 1
        is_innocent = link.has_brought and not lane.suspects
        for ticket in reversed(tickets):
            if is_innocent or ticket < self._first:
                self._again(lane, ticket, first=True)
        if not is_innocent:
            of_batch = [ticket for ticket in tickets if ticket >= self._first]
            self._suspect(lane, link, of_batch, "closed", alone_is_guilty=False)

    def _suspect(
        self, lane: ServiceLane, link: Link, tickets: Collection[int], error: NetworkError, *, alone_is_guilty: bool
    ) -> None:
        """Their connection died: all but the guilty go again (suspects.py)."""
        of_batch = [ticket for ticket in tickets if ticket >= self._first]
        if len(of_batch) > 1 and not link.brought:
            lane.fruitless += 1
        again, guilty = lane.suspects.died(of_batch, alone_is_guilty=alone_is_guilty and len(tickets) == 1)
        for ticket in again:
            self._again(lane, ticket, first=False)
        for ticket in [*guilty, *(ticket for ticket in tickets if ticket < self._first)]:
            self._answer(lane, ticket, PushResponse(error=error))

    def _again(self, lane: ServiceLane, ticket: int, *, first: bool) -> None:
        """What was provably not processed is sent again; if its batch is over, by whoever hears of it."""
        if ticket in lane.open:
            self._answer(lane, ticket, PushResponse(error="deferred", wait_s=0.0))
        elif ticket >= self._first:
            (lane.waiting.appendleft if first else lane.waiting.append)(ticket)

    def _settle_opened(self, lane: ServiceLane) -> None:
        for opened in [opened for opened in lane.opening if opened.done()]:
            lane.opening.remove(opened)
            try:
                channel = opened.result()
            except CannotOpen as problem:
                lane.spare = 0
                if not lane.opening and not lane.usable:
                    self._fail(lane, problem.error)
                continue
            lane.progress_at = monotonic()
            self._met[lane.origin] = True
            if not channel.speaks_http2:
                self._fallback.take_over(lane.origin)
                channel.close()
                continue
            link = Link(lane.origin, channel, Http2Connection(lane.origin), monotonic())
            lane.links.append(link)
            self._selector.register(channel, selectors.EVENT_READ, link)
            self._flush(link)

    def _fill(self, lane: ServiceLane) -> None:
        budget = lane.streams - lane.flying
        usable = lane.usable
        share = lane.share(len(usable))
        for link in usable:
            size = min(budget, link.connection.room, len(lane.waiting), share)
            if size > 0 and not link.channel.is_blocked:
                tickets = lane.take(size, link.connection.open_streams)
                link.connection.submit([(ticket, self._request(lane, ticket)) for ticket in tickets], monotonic())
                budget -= len(tickets)
            self._flush(link)

    def _request(self, lane: ServiceLane, ticket: int) -> PushRequest:
        return self._batch[ticket - self._first] if ticket >= self._first else lane.kept.pop(ticket)

    def _open_more(self, lane: ServiceLane) -> None:
        """As many connections as the streams need, a few at a time."""
        wanted, usable = min(MOST_CONNECTIONS, lane.wanted()), len(lane.usable)
        met = lane.origin in self._met
        openers, at_once = (self._openers, _OPENING_AT_ONCE) if met else (self._meeters, 1)
        while usable + len(lane.opening) < wanted and len(lane.opening) < at_once:
            opened = openers.submit(open_channel, lane.origin, self._guard, self._context, lane.session)
            opened.add_done_callback(self._on_done)
            lane.opening.append(opened)

    def _on_done(self, _: object) -> None:
        with suppress(OSError):  # the transport was closed meanwhile
            self._wake.send(b"\0")

    def _pump(self, limit_s: float) -> None:
        """Wait for something to happen, at most `limit_s`, and read it."""
        for key, mask in self._selector.select(limit_s):
            if key.data is None:
                self._woken.recv(4096)
                self._all_at = 0.0  # of whichever lane it was
                continue
            self._heard_of.add(key.data.origin)
            if mask & selectors.EVENT_READ:
                self._read(key.data)
            if mask & selectors.EVENT_WRITE:
                self._flush(key.data)

    def _read(self, link: Link) -> None:
        now_s = link.used_at = monotonic()
        try:
            link.connection.feed(link.channel.read(), now_s)
        except ProtocolError as problem:
            log.warning("push.http2-broken", origin=link.origin, code=problem.code)
            self._note_broken(self._lanes[link.origin], link)
            self._end(link, "protocol")
        except (OSError, EOFError):
            self._end(link, "closed")
        else:
            self._flush(link)

    def _flush(self, link: Link) -> None:
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

    def _note_broken(self, lane: ServiceLane, link: Link) -> None:
        """A service that breaks the rules from the start, or again and again, is left to the other transport for a
        while.
        """
        if link.connection.answers:
            lane.has_answered, lane.broken = True, 0
        lane.broken += 1
        if not lane.has_answered or lane.broken >= MOST_REFUSALS:
            self._fallback.take_over(lane.origin)
            lane.broken = 0

    def _end(self, link: Link, error: NetworkError) -> None:
        """The connection is over: who was on it goes again, but for the guilty one. Its lane then drops it."""
        lane = self._lanes[link.origin]
        was_kept = link.has_brought or bool(link.connection.answers)
        tickets = link.connection.abandon()
        link.connection.outgoing.clear()
        if link.channel.fileno() >= 0:
            self._selector.unregister(link.channel)
            link.channel.close()
        if tickets:
            lane.ended += 1
            self._suspect(lane, link, tickets, error, alone_is_guilty=not was_kept)

    def _drop(self, lane: ServiceLane, link: Link) -> None:
        if link.has_brought:
            lane.session = link.channel.session
        if link.channel.fileno() >= 0:
            self._selector.unregister(link.channel)
            link.channel.close()
        if link in lane.links:
            lane.links.remove(link)

    def _drop_idle(self) -> None:
        """Before a batch: forget connections that ended, or were idle for too long, and lanes without any."""
        oldest = monotonic() - IDLE_S
        for lane in list(self._lanes.values()):
            for link in list(lane.links):
                if (link.connection.is_leaving and not link.connection.open_streams) or link.used_at < oldest:
                    link.connection.give_up("closed", monotonic())
                    self._collect(lane, link)
                    self._drop(lane, link)
            if not (lane.links or lane.opening or lane.is_active or lane.left_over):
                del self._lanes[lane.origin]

    def _stop(self, lane: ServiceLane) -> None:
        """The watchdog: whatever of this batch is still under way is over now."""
        if lane.left_over is not None:
            self._take_left_over(lane)  # it has the same deadline
        for opened in lane.opening:
            opened.cancel()
            opened.add_done_callback(_close_unused)
        lane.opening.clear()
        for link in list(lane.links):
            silent = link.connection.open_streams > 0 and not link.brought
            link.connection.give_up("timeout", monotonic())
            self._flush(link)
            self._collect(lane, link)
            if silent:
                self._drop(lane, link)
        lane.waiting.clear()

    def _leave(self, lane: ServiceLane, ends_at: float) -> None:
        """The others go on: what is under way stays so, with its ticket; what is not was not sent."""
        connecting = bool(lane.opening) and not lane.usable
        self._hold(lane, keep=MOST_CONNECTING if connecting else 0)
        for ticket in lane.tickets:
            place = ticket - self._first
            if self._answers[place] is None:
                self._answers[place] = PushResponse(error="open", ticket=ticket)
                lane.open[ticket] = ends_at
        lane.kept |= {ticket: self._batch[ticket - self._first] for ticket in lane.waiting if ticket >= self._first}
        lane.pending = 0
        for link in lane.links:
            link.is_doubtful = link.is_doubtful or (link.connection.open_streams > 0 and not link.brought)
        for link in [link for link in lane.links if link.is_doubtful][:-MOST_DOUBTFUL]:
            link.connection.give_up("timeout", monotonic())
            link.connection.is_leaving = True
            self._collect(lane, link)
        self._give_up(lane, list(lane.open)[: max(0, len(lane.open) - MOST_OPEN)])

    def _hold(self, lane: ServiceLane, keep: int) -> None:
        """Of those that wait for a connection or room, nobody but the first `keep` is sent by this batch."""
        unsent = [ticket for ticket in lane.waiting if ticket >= self._first][keep:]
        given_up = frozenset(unsent)
        lane.waiting = deque(ticket for ticket in lane.waiting if ticket not in given_up)
        for ticket in unsent:
            self._answer(lane, ticket, PushResponse(error="deferred", wait_s=0.0))

    def _expire(self, lane: ServiceLane) -> None:
        now_s = monotonic()
        self._give_up(lane, [ticket for ticket, ends_at in lane.open.items() if ends_at <= now_s])
        for link in [link for link in lane.links if link.is_doubtful and not link.connection.open_streams]:
            self._drop(lane, link)

    def _give_up(self, lane: ServiceLane, tickets: Collection[int]) -> None:
        if not tickets:
            return
        for ticket in tickets:
            self._late.append((ticket, PushResponse(error="timeout")))
        lane.cancel(frozenset(tickets))
        for link in list(lane.links):
            self._flush(link)

    def _fail(self, lane: ServiceLane, error: NetworkError) -> None:
        for ticket in list(lane.waiting):
            self._answer(lane, ticket, PushResponse(error=error))
        lane.waiting.clear()
        lane.fruitless = 0


def _left(lanes: Sequence[ServiceLane], asked: int, strangers: int) -> int | None:
    """How many of a batch have no answer, whichever origins they are at; None where they are many, or not sent yet.

    So many `strangers` have none either; where there is anybody else, they do not count.
    """
    busy = [lane for lane in lanes if lane.pending]
    known = asked - sum(len(lane.strangers) for lane in lanes)
    pending = sum(lane.pending for lane in busy) - (strangers if known else 0)
    few = pending <= TAIL_SHARE * (known or asked) and all(_may_be_left(lane) for lane in busy)
    return pending if few else None


def _may_be_left(lane: ServiceLane) -> bool:
    """Whether all who have no answer are under way, or will be with the next connection."""
    connects = bool(lane.opening) and not lane.usable and len(lane.waiting) <= MOST_CONNECTING
    return connects or not lane.waiting


def _close_unused(opened: Future[Channel]) -> None:
    """A connection that came too late for its batch."""
    if not opened.cancelled() and opened.exception() is None:
        opened.result().close()
