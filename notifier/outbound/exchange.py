"""What is asked of others' servers and what comes of it, as values; and what can go wrong, as exceptions.

Exception
├── BadResponse          what came is not HTTP, ended in the middle, or makes more work than it brings
├── TooMuch              the body is larger than was allowed
├── RedirectRefused      a redirect leads where it must not be followed
└── OSError
    ├── NameUnknown      no address is known for a name
    ├── CannotConnect    nobody lets us in: the server, the proxy, or the address guard
    └── TlsFailed        the certificate or the handshake is bad
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One request. A form is sent by POST, everything else is a GET.

    The body of a 200 or 203 is read up to `max_body_bytes`; with None no body is wanted at all.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    form: bytes | None = field(default=None, repr=False)
    max_body_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. Header names are in lower case; `body` is as it was sent, None where it was not wanted."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None = None


class BadResponse(Exception):
    """The text completes "... does not speak proper HTTP: ..."."""


class TooMuch(Exception):
    """The body is larger than was allowed."""


class RedirectRefused(Exception):
    """`url` redirects where it must not be followed; the text completes "HOST ..."."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(reason)
        self.url = url


class NameUnknown(OSError):
    """No address is known for a name."""


class CannotConnect(OSError):
    """None of the addresses of a host lets us in, or all are refused by the guard; the text says why."""


class TlsFailed(OSError):
    """The text says what is wrong with the certificate or the handshake."""
