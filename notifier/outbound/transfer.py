"""What comes back for one request, piece by piece as libcurl reads it, within bounds. Pure.

Enters: lines of a head, pieces of a body. Leaves: a `Response`, or the exception that ended it. libcurl knows where a
message ends (RFC 9112); how much work one may make is bounded here: bytes, header lines, interim answers, and crumbs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from notifier.outbound.exchange import BadResponse, Response, TooMuch

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADER_LINES = 500
MAX_INTERIM = 10
# A body may come in pieces of any size at first; then they must bring something on average.
CRUMBS = 4_096
LEAST_MEAN_PIECE_BYTES = 64
# A body that nobody wants is waited for if it is short: the connection can be used again then.
SHORT_BODY_BYTES = 16 * 1024

STOP = 0
"""What a callback returns to end the transfer: libcurl expects the length that it gave."""
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] +([1-5]\d\d)(?: .*)?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WITH_BODY = frozenset({200, 203})
_WITHOUT_BODY = frozenset({204, 304})
# Of these a message may have several, which are one list (RFC 9110 section 5.3); of the others the first one counts.
_LISTS = frozenset({"cache-control", "connection", "content-encoding", "content-length", "link", "transfer-encoding"})


class Transfer:
    """One request's answer. `max_body_bytes` None: no body is wanted."""

    def __init__(self, max_body_bytes: int | None) -> None:
        self._max_body_bytes = max_body_bytes
        self._head: list[bytes] = []
        self._body = bytearray()
        self._head_bytes = self._interim = self._pieces = 0
        self.head: Response | None = None
        """Status and headers, once all of them have come."""
        self.failure: Exception | None = None
        """Why we ended it."""

    @property
    def wants_body(self) -> bool:
        """Whether the answer is not whole without its body; before the head nobody knows."""
        return self.head is None or (self._max_body_bytes is not None and self.head.status in _WITH_BODY)

    def response(self) -> Response:
        """The answer as far as it came. Raises BadResponse where there is none."""
        if self.head is None:
            raise BadResponse("the answer is none")
        body = bytes(self._body) if self.wants_body else None
        return Response(self.head.status, self.head.headers, body)

    def take_head(self, line: bytes) -> int | None:
        """A line of the head, of an interim one before it, or of a trailer (HEADERFUNCTION)."""
        self._head_bytes += len(line)
        if self._head_bytes > MAX_HEAD_BYTES:
            where = "headers are" if self.head is None else "trailer is"
            return self._refuse(BadResponse(f"the {where} longer than {MAX_HEAD_BYTES // 1024} KiB"))
        if self.head is not None or line.strip():
            self._head.append(line)
            if len(self._head) > MAX_HEADER_LINES:
                return self._refuse(BadResponse(f"it sends more than {MAX_HEADER_LINES} lines of headers"))
            return None
        return self._end_head()

    def take_body(self, piece: bytes) -> int | None:
        """A piece of the body (WRITEFUNCTION)."""
        self._pieces += 1
        if not self.wants_body:
            return None  # short, see `_end_head`
        self._body += piece
        if len(self._body) > (self._max_body_bytes or 0):
            return self._refuse(TooMuch())
        return None if self.is_worth(self._pieces) else STOP

    def is_worth(self, pieces: int) -> bool:
        """Whether so many pieces, or turns of the loop, are no more than what they brought is worth."""
        if pieces <= CRUMBS + (self._head_bytes + len(self._body)) // LEAST_MEAN_PIECE_BYTES:
            return True
        self._refuse(BadResponse("it sends its answer in crumbs"))
        return False

    def _end_head(self) -> int | None:
        first, *lines = self._head or [b""]
        self._head = []
        found = _STATUS_LINE.fullmatch(first.rstrip())
        if found is None:
            return self._refuse(BadResponse("the answer begins with something else"))
        status = int(found[1])
        if status == 101:
            return self._refuse(BadResponse("it wants to speak another protocol"))
        if status < 200:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                return self._refuse(BadResponse(f"it sends more than {MAX_INTERIM} interim answers (1xx)"))
            return None
        self.head = Response(status, _headers(lines))
        self._head_bytes = 0
        return self._expect_body(self.head)

    def _expect_body(self, head: Response) -> int | None:
        length = _length(head.headers)
        if not self.wants_body:
            is_short = head.status in _WITHOUT_BODY or (length is not None and length <= SHORT_BODY_BYTES)
            return None if is_short else STOP
        if length is not None and length > (self._max_body_bytes or 0):
            return self._refuse(TooMuch())
        return None

    def _refuse(self, failure: Exception) -> int:
        self.failure = self.failure or failure
        return STOP


def _headers(lines: list[bytes]) -> dict[str, str]:
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
    return headers


def _text(raw: bytes) -> str:
    """A header's text: UTF-8 if it is that, else Latin-1; a control character is a space (RFC 9110 section 5.5)."""
    raw = raw.strip()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def _length(headers: Mapping[str, str]) -> int | None:
    """How many bytes the body has, where the head says so; libcurl has refused what is no number."""
    text = headers.get("content-length", "").partition(",")[0].strip()
    is_known = text.isascii() and text.isdigit() and "transfer-encoding" not in headers
    return int(text[:18]) if is_known else None
