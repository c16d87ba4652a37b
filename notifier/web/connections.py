"""The open connections of the web port: how many there may be, and how long each may take over each part.

Enters: what a connection is doing now (waiting for a request's head, its body, our answer ...). Leaves: those that
took too long are ended; at the bound, the oldest that only waits makes room for the next. So whoever opens connections
and says nothing costs nobody else a page, and the descriptors that feeds and pushes need are never taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Protocol

import structlog

from notifier.troubles import Code, Trouble, Troubles

log = structlog.get_logger(__name__)

# Ended ones are told once in this time, with a count.
TOLD_EVERY_S = 60.0
# The bound counts as reached until so many of its places have been free for a minute.
FREE_AGAIN = 0.8


class Phase(StrEnum):
    """What a connection is doing."""

    HEAD = "head"
    BODY = "body"
    ANSWER = "answer"
    STALLED = "stalled"
    IDLE = "idle"
    CLOSING = "closing"
    LINGERING = "lingering"


YIELDING = (Phase.IDLE, Phase.HEAD, Phase.BODY, Phase.STALLED, Phase.CLOSING, Phase.LINGERING)
"""Those that wait for the other side, and so make room when there is none."""


@dataclass(frozen=True, slots=True)
class PortSettings:
    """`most` connections in all and `most_each` of one client; a time-out for each thing that a client may be slow at.

    `head_s` is for a whole head, however it drips (RFC 9110 section 15.5.9); `body_s` for each `BODY_STEP` bytes of a
    body; `stall_s` for reading our answer so far that we can go on; `idle_s` between two requests; `linger_s` for
    taking notice of an answer that came before the body's end (RFC 9112 section 9.6).
    """

    most: int = 2_000
    most_each: int = 200
    head_s: float = 10.0
    body_s: float = 15.0
    stall_s: float = 30.0
    idle_s: float = 5.0
    linger_s: float = 2.0

    def limit_s(self, phase: Phase) -> float | None:
        """How long a connection may stay in a phase; None where it is our turn."""
        return {
            Phase.HEAD: self.head_s,
            Phase.BODY: self.body_s,
            Phase.STALLED: self.stall_s,
            Phase.IDLE: self.idle_s + 1.0,  # the server's own timer comes first, and says goodbye
            Phase.CLOSING: self.stall_s,
            Phase.LINGERING: self.linger_s,
        }.get(phase)


class ClientConnection(Protocol):
    """An open connection, as the gate sees it."""

    def end(self) -> None:
        """End it at once."""

    def too_slow(self, phase: Phase) -> None:
        """End it, with a word where one is due; or go on where it is us whom it waits for."""


class Gate:
    """Who is connected, and what each is doing. Used by the event loop's thread only."""

    def __init__(self, settings: PortSettings, troubles: Troubles, now: Callable[[], float] = monotonic) -> None:
        self.settings = settings
        self._troubles, self._now = troubles, now
        # Each phase has one time-out: the first entered is the first to be over, and the first to make room.
        self._phases: dict[Phase, dict[ClientConnection, float]] = {phase: {} for phase in Phase}
        self._in: dict[ClientConnection, Phase] = {}
        self._client: dict[ClientConnection, str] = {}
        self._each: dict[str, dict[ClientConnection, None]] = {}
        self._ended: Counter[str] = Counter()
        self._told_at = self._full_at = now()

    def __len__(self) -> int:
        return len(self._in)

    def enter(self, connection: ClientConnection, client: str | None) -> bool:
        """Let a connection in, ending one that only waits where there is no room; False where all are being answered.

        `client` None is a proxy, whose connections are many clients'.
        """
        own = self._each.get(client, {}) if client is not None else {}
        if len(own) >= self.settings.most_each and not self._make_room(list(own), "one-client"):
            return False
        if len(self) >= self.settings.most and not self._make_room(self._oldest(), "full"):
            return False
        if client is not None:
            self._client[connection] = client
            self._each.setdefault(client, {})[connection] = None
        self._put(connection, Phase.HEAD)
        return True

    def move(self, connection: ClientConnection, phase: Phase) -> None:
        """A connection has come to another phase, or begins the same one anew."""
        if connection in self._in:
            del self._phases[self._in[connection]][connection]
            self._put(connection, phase)

    def phase(self, connection: ClientConnection) -> Phase | None:
        """What a connection is doing; None for one that is not here."""
        return self._in.get(connection)

    def leave(self, connection: ClientConnection) -> None:
        """A connection is over."""
        phase = self._in.pop(connection, None)
        if phase is None:
            return
        del self._phases[phase][connection]
        client = self._client.pop(connection, None)
        if client is not None:
            del self._each[client][connection]
            if not self._each[client]:
                del self._each[client]

    def count(self, why: str) -> None:
        """Count a connection that was ended for another reason, to be told with the others."""
        self._ended[why] += 1

    def sweep(self) -> None:
        """End what took too long, and tell of it. To be called about once a second."""
        now = self._now()
        for phase, members in self._phases.items():
            limit_s = self.settings.limit_s(phase)
            while limit_s is not None and members:
                connection, since = next(iter(members.items()))
                if now - since < limit_s:
                    break
                self._late(connection, phase)
        self._tell(now)

    def end_all(self, *, but_answers: bool = False) -> None:
        """End every connection; with `but_answers` only those that wait for a request, or for nothing any more."""
        for connection, phase in list(self._in.items()):
            if not but_answers or phase in {Phase.HEAD, Phase.IDLE, Phase.LINGERING}:
                connection.end()

    def _late(self, connection: ClientConnection, phase: Phase) -> None:
        if phase is not Phase.IDLE:
            self._ended[phase.value] += 1
        if phase in {Phase.CLOSING, Phase.LINGERING}:
            self.leave(connection)
            connection.end()
        else:
            self.move(connection, Phase.CLOSING)
            connection.too_slow(phase)

    def _put(self, connection: ClientConnection, phase: Phase) -> None:
        self._phases[phase][connection] = self._now()
        self._in[connection] = phase

    def _oldest(self) -> list[ClientConnection]:
        """The first of each phase that may make room, the longest in it first."""
        firsts = [next(iter(self._phases[phase].items())) for phase in YIELDING if self._phases[phase]]
        return [connection for connection, _ in sorted(firsts, key=lambda first: first[1])]

    def _make_room(self, among: list[ClientConnection], why: str) -> bool:
        """End the first of these that only waits."""
        if why == "full":
            self._full()
        chosen = next((one for one in among if self._in[one] in YIELDING), None)
        if chosen is None:
            return False
        self._ended[why] += 1
        self.leave(chosen)
        chosen.end()
        return True

    def _full(self) -> None:
        self._full_at = self._now()
        if self._ended["full"] == 0:
            what = f"All {self.settings.most} places for connections are taken: the oldest that only wait are ended"
            do = "If it lasts, limit clients at the proxy before it, or raise NOTIFIER_CONNECTIONS and `ulimit -n`"
            self._troubles.report(Trouble(Code.CONNECTIONS_FULL, what, do))

    def _tell(self, now: float) -> None:
        if len(self) < FREE_AGAIN * self.settings.most and now - self._full_at > TOLD_EVERY_S:
            self._troubles.clear(Code.CONNECTIONS_FULL)
        if self._ended and now - self._told_at >= TOLD_EVERY_S:
            log.warning("web.connections-ended", open=len(self), **dict(self._ended))
            self._ended.clear()
            self._told_at = now
