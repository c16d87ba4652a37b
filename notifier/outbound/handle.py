"""One libcurl handle with the options that hold for everything that the service asks of others.

Enters: a `Request` and its `Route`. Leaves: a handle that is ready to perform, then a `Response` or an exception of
`exchange`. `client` performs handles on the event loop, `blocking` one in a thread; push/curl_transport.py has batches.
"""

from __future__ import annotations

import pycurl

from notifier.outbound.exchange import BadResponse, CannotConnect, NameUnknown, Request, Response, TlsFailed
from notifier.outbound.route import Route
from notifier.outbound.sockets import GuardedSockets
from notifier.outbound.target import Target, target_of
from notifier.outbound.transfer import Transfer

CONNECT_S = 10.0
_IDLE_S = 15  # a connection that was unused for longer is not used again
_SUPPRESS_CONNECT_HEADERS, _E_PROXY, _E_TOO_LARGE = 265, 97, 100  # pycurl has no names for them
KINDS: dict[int, type[Exception]] = {
    pycurl.E_SSL_CONNECT_ERROR: TlsFailed,
    pycurl.E_PEER_FAILED_VERIFICATION: TlsFailed,
    pycurl.E_SSL_CACERT_BADFILE: TlsFailed,
    pycurl.E_SSL_CIPHER: TlsFailed,
    pycurl.E_SSL_ISSUER_ERROR: TlsFailed,
    pycurl.E_COULDNT_RESOLVE_HOST: NameUnknown,
    pycurl.E_GOT_NOTHING: ConnectionResetError,
    pycurl.E_RECV_ERROR: ConnectionResetError,
    pycurl.E_SEND_ERROR: ConnectionResetError,
    pycurl.E_COULDNT_CONNECT: CannotConnect,
    pycurl.E_COULDNT_RESOLVE_PROXY: CannotConnect,
    _E_PROXY: CannotConnect,
    pycurl.E_OPERATION_TIMEDOUT: TimeoutError,
}
"""What libcurl's codes mean; the others are a BadResponse."""
_BAD = {
    pycurl.E_PARTIAL_FILE: "it ended in the middle of an answer",
    pycurl.E_UNSUPPORTED_PROTOCOL: "the answer begins with something else",
    _E_TOO_LARGE: "a header is endless",
}


def new_handle(route: Route, sockets: GuardedSockets, connect_s: float = CONNECT_S) -> pycurl.Curl:
    """A handle for any number of exchanges by `route`; see `lead` for what changes with each."""
    handle = pycurl.Curl()
    handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    handle.setopt(pycurl.FOLLOWLOCATION, 0)  # each hop is a request of its own
    handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(1000 * connect_s))
    handle.setopt(pycurl.PROXY, "")  # what the environment says leads to addresses that the guard never sees
    handle.setopt(pycurl.CAINFO, route.authorities)
    handle.setopt(pycurl.SSL_VERIFYPEER, 1)
    handle.setopt(pycurl.SSL_VERIFYHOST, 2)
    handle.setopt(_SUPPRESS_CONNECT_HEADERS, 1)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.TCP_NODELAY, 1)
    handle.setopt(pycurl.USERAGENT, "notifier")
    handle.setopt(pycurl.OPENSOCKETFUNCTION, sockets)
    return handle


def lead(handle: pycurl.Curl, sockets: GuardedSockets, route: Route, host: str) -> None:
    """The way to `host`: through the proxy, or past the guard; ask `route.refusal` first."""
    proxy = route.proxy_for(host)
    if route.proxy:
        handle.setopt(pycurl.PROXY, proxy)
    sockets.begin(None if proxy else route.guard.for_host(host))


class Handle:
    """A handle for one exchange after the other."""

    def __init__(self, route: Route, connect_s: float = CONNECT_S) -> None:
        self._route, self._connect_s = route, connect_s
        self._sockets = GuardedSockets()
        self._within_s = 0.0
        self._is_post = False
        self.transfer = Transfer(None)
        self.curl = new_handle(route, self._sockets, connect_s)
        self.curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        self.curl.setopt(pycurl.MAXAGE_CONN, _IDLE_S)
        self.curl.setopt(pycurl.HEADERFUNCTION, self._take_head)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._take_body)

    def begin(self, request: Request, within_s: float, addresses: str | None = None) -> None:
        """Make ready for `request`; `addresses` is libcurl's RESOLVE entry for its host.

        Raises ValueError for a URL or header that cannot be sent, CannotConnect where the way is refused.
        """
        target = target_of(request.url)
        refusal = self._route.refusal(target)
        if refusal is not None:
            raise CannotConnect(refusal)
        lead(self.curl, self._sockets, self._route, target.host)
        curl, transfer = self.curl, Transfer(request.max_body_bytes)
        curl.setopt(pycurl.URL, target.url)
        curl.setopt(pycurl.HTTPHEADER, _lines(request, target))
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(1000 * within_s)))
        if addresses is not None:
            curl.setopt(pycurl.RESOLVE, [addresses])
        if request.form is not None:
            curl.setopt(pycurl.POSTFIELDS, request.form)
        elif self._is_post:
            curl.setopt(pycurl.HTTPGET, 1)
        self._is_post, self._within_s, self.transfer = request.form is not None, within_s, transfer

    def end(self, code: int, message: str) -> Response:
        """The answer, by what libcurl says of the exchange. Raises the exceptions of `exchange`, and other OSErrors."""
        self._sockets.settle()
        transfer = self.transfer
        if transfer.failure is not None:
            raise transfer.failure
        if code and transfer.wants_body:
            raise self._failure(code, message)
        return transfer.response()

    def leave(self) -> None:
        """Nobody waits for the exchange any more."""
        self._sockets.settle()

    def close(self) -> None:
        """End it for good."""
        self._sockets.settle()
        self.curl.close()

    def _take_head(self, line: bytes) -> int | None:
        return self.transfer.take_head(line)

    def _take_body(self, piece: bytes) -> int | None:
        return self.transfer.take_body(piece)

    def _failure(self, code: int, message: str) -> Exception:
        if self._sockets.error is not None:
            return self._sockets.error
        kind = KINDS.get(code)
        if kind is CannotConnect:
            return CannotConnect(self._sockets.refused or message)
        if kind is TimeoutError:
            is_over = self.curl.getinfo(pycurl.TOTAL_TIME) + 0.1 > self._within_s
            return TimeoutError() if is_over else CannotConnect(f"no answer within {self._connect_s:g} s")
        if code == pycurl.E_RECV_ERROR and not self.curl.getinfo(pycurl.OS_ERRNO) and self.transfer.head is not None:
            return BadResponse(message)  # a chunk that is none
        return kind(message) if kind is not None else BadResponse(_BAD.get(code, message or f"libcurl {code}"))


def _lines(request: Request, target: Target) -> list[bytes]:
    """The header lines. Raises ValueError for a header that would be two, so that no value can add one of its own."""
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in request.headers.items()]
    if target.authorization and "Authorization" not in request.headers:
        lines.append(f"Authorization: {target.authorization}")
    if request.form is not None:
        lines.append("Expect:")  # libcurl would ask for a 100 (Continue) first
    head = "\n".join(lines)
    if head.count("\n") != max(len(lines) - 1, 0) or "\r" in head or "\0" in head:
        raise ValueError("a header has more than one line: look at the variable that headers_env names")
    return head.encode("utf-8", "surrogateescape").split(b"\n") if head else []
