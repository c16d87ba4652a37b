"""HTTP/1.1 on paper (RFC 9112): the bytes of a request, and a reader of responses that sees them in any pieces. Pure.

Enters: URL and headers, then whatever bytes a server sends. Leaves: the request's bytes, a `Response` or `BadResponse`.
Forgiving where servers are careless (bare line feeds, a reason that is missing), strict about where a message ends, and
about how much work a byte makes: what is sent in crumbs is refused. Next: `connections`, which does the talking.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from yarl import URL

from notifier.feeds.framing import MAX_HEAD_BYTES, BadResponse, Chunked, TooMuch, Whole

__all__ = ["BadResponse", "Response", "ResponseReader", "Target", "TooMuch", "basic", "request_bytes", "target_of"]

MAX_HEADER_LINES = 500
MAX_INTERIM = 10
# An answer may come in pieces of any size at first; then they must bring something on average.
CRUMBS = 4_096
LEAST_MEAN_PIECE_BYTES = 64
_URLS_REMEMBERED = 16_384

_BEGINS = b"HTTP/1."
_ELSE = "the answer begins with something else"
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) +([1-5]\d\d)(?: .*)?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Of these a message may have several, which are one list (RFC 9110 section 5.3); of the others the first one counts.
_LISTS = frozenset({"cache-control", "connection", "content-encoding", "content-length", "link", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL points to: the origin to connect to, and the lines of a request that follow from it."""

    scheme: str
    host: str
    port: int
    path: str
    host_header: str
    authorization: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. Header names are in lower case; `body` is as it was sent, None where it was not wanted."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None = None


@lru_cache(maxsize=_URLS_REMEMBERED)
def target_of(url: str) -> Target:
    """The target of an http(s) URL: its name in IDNA form, its path percent-encoded. Raises ValueError for others."""
    parts = URL(url)
    host, port = parts.raw_host, parts.port
    if parts.scheme not in ("http", "https") or not host or not port:
        raise ValueError(f"{url[:200]} is not a web address")
    shown = f"[{host}]" if ":" in host else host
    return Target(
        scheme=parts.scheme,
        host=host,
        port=port,
        path=parts.raw_path_qs or "/",
        host_header=shown if parts.is_default_port() else f"{shown}:{port}",
        authorization=basic(parts.user, parts.password) if parts.user else None,
    )


def basic(user: str, password: str | None) -> str:
    """The Authorization header of RFC 7617."""
    both = f"{user}:{password or ''}"
    return f"Basic {b64encode(both.encode()).decode()}"


def request_bytes(method: str, target: Target, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request. Raises ValueError for a header that would be two, so that no value can add one of its own."""
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.host_header}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if target.authorization and "Authorization" not in headers:
        lines.append(f"Authorization: {target.authorization}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a header has more than one line: look at the variable that headers_env names")
    return f"{head}\r\n\r\n".encode("utf-8", "surrogateescape") + body


class ResponseReader:
    """Reads the answer to one request. The body is read if `wants_body` and the status is 200 or 203.

    `feed` bytes as they come, and `end` once nothing more will. The body of other answers is not waited for.
    """

    def __init__(self, wants_body: bool, max_body_bytes: int) -> None:
        self._wants_body = wants_body
        self._max_body_bytes = max_body_bytes
        self._received = bytearray()
        self._head: Response | None = None
        self._body: Whole | Chunked = Whole(None)
        self._persistent = False
        self._pieces = self._bytes = self._interim = self._searched = 0
        self.begun = False
        """Whether anything came at all."""
        self.reusable = False
        """After the response: whether the connection may serve another request."""

    def feed(self, data: bytes) -> Response | None:
        """More bytes; the response as soon as it is complete. Raises BadResponse and TooMuch."""
        self.begun = True
        self._pieces, self._bytes = self._pieces + 1, self._bytes + len(data)
        if self._pieces > CRUMBS + self._bytes // LEAST_MEAN_PIECE_BYTES:
            raise BadResponse("it sends its answer in crumbs")
        self._received += data
        head = self._head or self._read_head()
        return head and self._read_body(head)

    def end(self) -> Response:
        """The connection was closed: the response if that is how it ends. Raises BadResponse."""
        if self._head is not None and isinstance(self._body, Whole) and self._body.size is None:
            return Response(self._head.status, self._head.headers, bytes(self._received))
        raise BadResponse("it ended in the middle of an answer")

    def _read_head(self) -> Response | None:
        while True:
            size = _head_size(self._received, self._searched)
            if size == 0:
                self._searched = max(len(self._received) - 2, 0)  # an end may be half there
                if not self._received.startswith(_BEGINS[: len(self._received)]):
                    raise BadResponse(_ELSE)  # it may wait for us to speak its own protocol
                if len(self._received) > MAX_HEAD_BYTES:
                    raise BadResponse(f"the headers are longer than {MAX_HEAD_BYTES // 1024} KiB")
                return None
            head = bytes(self._received[:size])
            del self._received[:size]
            self._searched = 0
            version, status, headers = _parse_head(head)
            if status >= 200:
                break
            if status == 101:
                raise BadResponse("it wants to speak another protocol")
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise BadResponse(f"it sends more than {MAX_INTERIM} interim answers (1xx)")
        self._head = Response(status, headers)
        self._persistent = _is_persistent(version, headers)
        self._body = _framing(status, headers)
        return self._head

    def _read_body(self, head: Response) -> Response | None:
        if not self._wants_body or head.status not in (200, 203):
            self.reusable = self._persistent and self._body.size == len(self._received)
            return head
        if (self._body.size or 0) > self._max_body_bytes:
            raise TooMuch
        body = self._body.take(self._received, self._max_body_bytes)
        if body is None:
            return None
        self.reusable = self._persistent and not self._received
        return Response(head.status, head.headers, body)


def _head_size(received: bytearray, start: int) -> int:
    """How long the head with its empty line is, 0 while that has not come; it does not end before `start`."""
    proper = received.find(b"\n\r\n", start, MAX_HEAD_BYTES)
    bare = received.find(b"\n\n", start, proper if proper >= 0 else MAX_HEAD_BYTES)
    if bare >= 0:
        return bare + 2
    return proper + 3 if proper >= 0 else 0


def _parse_head(head: bytes) -> tuple[bytes, int, dict[str, str]]:
    first, *lines = head.split(b"\n")
    match = _STATUS_LINE.fullmatch(first.rstrip(b"\r"))
    if match is None:
        raise BadResponse(_ELSE)
    if len(lines) > MAX_HEADER_LINES:
        raise BadResponse(f"it sends more than {MAX_HEADER_LINES} lines of headers")
    headers: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[:1] in (b" ", b"\t") and name:  # the value goes on (obs-fold)
            headers[name] = f"{headers[name]} {_text(line)}"
            continue
        raw_name, colon, value = line.partition(b":")
        if not colon:
            continue
        name = _text(raw_name).lower()
        if name not in headers:
            headers[name] = _text(value)
        elif name in _LISTS:
            headers[name] = f"{headers[name]}, {_text(value)}"
    return match[1], int(match[2]), headers


def _text(raw: bytes) -> str:
    """A header's text: UTF-8 if it is that, else Latin-1; a control character is a space (RFC 9110 section 5.5)."""
    raw = raw.strip()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def _is_persistent(version: bytes, headers: Mapping[str, str]) -> bool:
    connection = headers.get("connection")
    if connection is None:
        return version == b"1"
    options = [option.strip() for option in connection.lower().split(",")]
    return "close" not in options and (version == b"1" or "keep-alive" in options)


def _framing(status: int, headers: Mapping[str, str]) -> Whole | Chunked:
    """How the body ends (RFC 9112 section 6.3)."""
    if status in (204, 304):
        return Whole(0)
    coding = headers.get("transfer-encoding", "").lower().strip(" ,")
    if coding and coding != "identity":
        if coding != "chunked":
            raise BadResponse(f"it sends as {coding[:40]!r}, which was not asked for")
        return Chunked()
    lengths = {part.strip() for part in headers["content-length"].split(",")} if "content-length" in headers else set()
    if not lengths:
        return Whole(None)
    length = lengths.pop()
    if lengths or not (length.isascii() and length.isdigit()):
        raise BadResponse("it does not say how long the body is")
    return Whole(int(length[:18]))
