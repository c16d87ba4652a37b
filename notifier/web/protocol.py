"""uvicorn's HTTP/1.1 with the bounds that it lacks: time-outs on heads, bodies and readers, and room for everybody.

Enters: bytes. Leaves: the same requests as before; `connections.Gate` decides who has taken too long. An answer that is
ready before the request's body has come says so (`Connection: close`), is followed by the end of our side, and what
still comes is thrown away for a moment, so that the client can read it (RFC 9112 section 9.6).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

import h11
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from notifier.web.clients import client_name
from notifier.web.connections import Gate, Phase

# A body has to bring so much in each `PortSettings.body_s`.
BODY_STEP = 64 * 1024
# What is thrown away behind an answer that came early; then the sender is left standing, and may read it.
MOST_DISCARDED = 1024 * 1024
CLOSE = (b"connection", b"close")
FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

# A line for each request that is no HTTP would let anybody fill the log: the gate counts them.
QUIET = logging.getLogger("uvicorn.error.port")
QUIET.setLevel(logging.ERROR)

Trusts = Callable[[str], bool]


def guarded(gate: Gate, trusts: Trusts) -> type[asyncio.Protocol]:
    """The protocol over `gate`, as `uvicorn.Config(http=...)` takes it; `trusts` knows the proxies' addresses."""

    class Guarded(GuardedProtocol):
        def __init__(self, *args: Any, **names: Any) -> None:
            super().__init__(*args, gate=gate, trusts=trusts, **names)

    return Guarded


def trusted_by(proxies: list[str]) -> Trusts:
    """Whether uvicorn believes what this peer says of others."""
    trusted = ProxyHeadersMiddleware(cast("Any", None), proxies).trusted_hosts
    return lambda peer: peer in trusted


class GuardedProtocol(H11Protocol):
    """One connection."""

    def __init__(self, *args: Any, gate: Gate, trusts: Trusts, **names: Any) -> None:
        super().__init__(*args, **names)
        self._gate, self._trusts = gate, trusts
        self.logger = QUIET
        self._step_bytes = self._discarded = 0
        self._raw: asyncio.Transport
        self.lingering = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or turn it away."""
        self._raw = transport
        super().connection_made(cast("asyncio.Transport", _LingeringTransport(transport, self)))
        peer = self.client[0] if self.client else ""
        if not self._gate.enter(self, None if self._trusts(peer) else client_name(peer)):
            transport.write(FULL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        super().connection_lost(exc)
        self._gate.leave(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, or what nobody waits for any more."""
        if self.lingering:
            self._discarded += len(data)
            if self._discarded > MOST_DISCARDED:
                self.flow.pause_reading()
            return
        if not self._raw.is_closing():
            super().data_received(data)
            self._settle(len(data))

    def on_response_complete(self) -> None:
        """The answer has been handed over."""
        super().on_response_complete()
        self._settle()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self._gate.move(self, Phase.STALLED)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._settle()

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP/1.1."""
        self._gate.count("invalid")
        super().send_400_response(msg)

    def end(self) -> None:
        """End it at once."""
        self._raw.abort()

    def too_slow(self, phase: Phase) -> None:
        """The time for this phase is over."""
        if phase is Phase.BODY and self.flow.read_paused:
            self._gate.move(self, Phase.ANSWER)  # the body waits for us
        elif phase is Phase.STALLED:
            self._raw.abort()
        else:
            begun = phase is Phase.BODY or bool(self.conn.trailing_data[0])
            if begun and (self.cycle is None or self.cycle.response_complete or not self.cycle.response_started):
                self._raw.write(SLOW)
            self._raw.close()

    def linger(self) -> None:
        """Say that nothing more comes from here, and let the client take its time to notice."""
        if self.lingering:
            return
        self.lingering = True
        self._gate.move(self, Phase.LINGERING)
        if self._raw.can_write_eof() and not self._raw.is_closing():
            self._raw.write_eof()
        self.flow.resume_reading()

    @property
    def body_is_missing(self) -> bool:
        """Whether a request's head has come, and its body not yet in full."""
        return self.conn.their_state is h11.SEND_BODY

    def _settle(self, received: int = 0) -> None:
        """Tell the gate what the connection is doing now."""
        before, now = self._gate.phase(self), self._phase_now(received)
        if self.cycle is not None and not self.cycle.response_started:
            early = [CLOSE] if now is Phase.BODY else []
            self.cycle.default_headers = [*self.server_state.default_headers, *early]
        self._step_bytes = self._step_bytes + received if before is now is Phase.BODY else 0
        if before is not now or self._step_bytes >= BODY_STEP:
            self._step_bytes = 0
            self._gate.move(self, now)

    def _phase_now(self, received: int) -> Phase:
        if self.lingering:
            return Phase.LINGERING
        if self._raw.is_closing():
            return Phase.CLOSING
        if self.flow.write_paused:
            return Phase.STALLED
        if self.body_is_missing:
            return Phase.BODY
        if self.conn.their_state is not h11.IDLE:
            return Phase.ANSWER
        begun = received or self.conn.trailing_data[0] or self.cycle is None
        return Phase.HEAD if begun else Phase.IDLE

    def _should_upgrade(self) -> bool:
        """Never, and without two lines in the log for each that asks."""
        return False


class _LingeringTransport:
    """A transport that is not closed under a client which is still sending: that would take our answer from it."""

    def __init__(self, transport: asyncio.Transport, protocol: GuardedProtocol) -> None:
        self._transport, self._protocol = transport, protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing more is to be written."""
        return self._protocol.lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close, or linger where a body is still on its way."""
        if self._protocol.body_is_missing and self._protocol.cycle is not None:
            self._protocol.linger()
        else:
            self._transport.close()
