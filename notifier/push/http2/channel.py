"""A TLS connection to a push service, opened within a time limit and past the address guard."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from time import monotonic
from urllib.parse import urlsplit

from notifier.addresses import AddressGuard
from notifier.push.transport import NetworkError

CONNECT_S = 10.0
READ_BYTES = 1 << 18


class CannotOpen(Exception):
    """There is no connection; `error` says why."""

    def __init__(self, error: NetworkError) -> None:
        self.error: NetworkError = error
        super().__init__(error)


class Channel:
    """A socket with TLS in memory beside it: one system call moves many records. Not blocking once it is open."""

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None = None
    ) -> None:
        self._sock = sock
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname=host, session=session)
        self._unsent = b""

    @property
    def is_blocked(self) -> bool:
        """True while the network has not taken everything that was written."""
        return bool(self._unsent)

    @property
    def speaks_http2(self) -> bool:
        """What was agreed on in the handshake (ALPN)."""
        return self._tls.selected_alpn_protocol() == "h2"

    @property
    def session(self) -> ssl.SSLSession | None:
        """What the next connection to the same origin may resume (RFC 8446, section 2.2): half the work."""
        return self._tls.session

    def fileno(self) -> int:
        """For a selector."""
        return self._sock.fileno()

    def shake_hands(self, ends_at: float) -> None:
        """Raises OSError: ssl.SSLError, TimeoutError ..."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                left_s = ends_at - monotonic()
                if left_s <= 0:
                    raise TimeoutError from None  # it comes in drops
                self._sock.settimeout(left_s)
                self._sock.sendall(self._goes.read())
                self._take_in()
        self._sock.sendall(self._goes.read())
        self._sock.setblocking(False)

    def write(self, data: bytes) -> None:
        """Send, or keep what the network does not take at once for `flush`. Raises OSError."""
        if data:
            self._tls.write(data)
        self.flush()

    def flush(self) -> None:
        """Send what is waiting. Raises OSError."""
        waiting = self._unsent + self._goes.read()
        with suppress(BlockingIOError):  # the network takes no more for now
            while waiting:
                waiting = waiting[self._sock.send(waiting) :]
        self._unsent = waiting

    def read(self) -> bytes:
        """Everything that has come; empty if that is nothing yet. Raises OSError, EOFError at the end."""
        pieces = []
        try:
            self._take_in()
            while piece := self._tls.read(READ_BYTES):
                pieces.append(piece)
        except (BlockingIOError, ssl.SSLWantReadError):
            return b"".join(pieces)
        except (EOFError, OSError):
            if not pieces:
                raise
            return b"".join(pieces)  # the end will come again
        if not pieces:
            raise EOFError
        return b"".join(pieces)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _take_in(self) -> None:
        data = self._sock.recv(READ_BYTES)
        if not data:
            self._came.write_eof()
            raise EOFError
        self._came.write(data)


def open_channel(
    origin: str, guard: AddressGuard, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> Channel:
    """Connect and shake hands within `CONNECT_S`, trying each address that the name has. Raises CannotOpen."""
    ends_at = monotonic() + CONNECT_S
    parts = urlsplit(origin)
    host = parts.hostname or ""
    sock = _connect(host, parts.port or 443, guard.for_host(host), ends_at)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        channel = Channel(sock, context, host, session)
        channel.shake_hands(ends_at)
    except TimeoutError as problem:
        sock.close()
        raise CannotOpen("timeout") from problem
    except (OSError, EOFError) as problem:
        sock.close()
        raise CannotOpen("tls" if isinstance(problem, ssl.SSLError) else "closed") from problem
    return channel


def _connect(host: str, port: int, guard: AddressGuard, ends_at: float) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise CannotOpen("dns") from problem
    error: NetworkError = "address-refused"
    for family, kind, protocol, _, address in found:
        if guard.refusal(str(address[0]), port) is not None:
            continue
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(max(0.001, (ends_at - monotonic()) / 2))
        try:
            sock.connect(address)
        except OSError as problem:
            sock.close()
            error = "timeout" if isinstance(problem, TimeoutError) else "connect"
        else:
            return sock
    raise CannotOpen(error)
