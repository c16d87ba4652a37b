"""Turns what went wrong into a `FetchFailed` that an operator can act on: what happened, and what to do.

Enters: a status or an exception of the HTTP client. Leaves: `FetchFailed`. Pure.
"""

from __future__ import annotations

import errno
import ssl
from datetime import datetime

from notifier.addresses import NOT_PUBLIC
from notifier.feeds.connections import CannotConnect, NameUnknown
from notifier.feeds.fetch_result import FailureKind, FetchFailed
from notifier.retry_after import retry_after_s

OURS_ADVICE = "This process has too many files and connections open: raise its limit (ulimit -n)"
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_ADVICE = {
    400: "Check the feed's address",
    401: "It wants a password: put it into the variable that headers_env names",
    402: "It wants to be paid for",
    403: "It does not let us in: ask the publisher, or set a contact URL so that they can see who asks",
    404: "Look for the feed's new address on the publisher's site",
    429: "We ask too often for its taste; polls slow down by themselves",
    451: "It is withheld for legal reasons",
}


def from_status(status: int, retry_after: str | None, now: datetime) -> FetchFailed:
    """An answer that is neither a feed nor a redirect. 429 and 503 may say when to come back (RFC 9110 10.2.3)."""
    advice = _ADVICE.get(status)
    if advice is None:
        advice = "It is the publisher's trouble; we keep trying" if status >= 500 else "Open the address in a browser"
    return FetchFailed(f"HTTP {status}. {advice}", FailureKind.SERVER, retry_after_s(retry_after, now))


def from_exception(error: Exception, host: str, deadline_s: float) -> FetchFailed:
    """An exchange that ended without an answer: names, connections, TLS, time-outs and broken HTTP get their words."""
    if isinstance(error, CannotConnect) and NOT_PUBLIC in str(error):
        return refused(host, str(error))
    if is_ours(error):
        return FetchFailed(f"{host} could not be asked: {_words(error)}. {OURS_ADVICE}", FailureKind.OURS)
    reason = _network_words(error, host, deadline_s)
    if reason is not None:
        return FetchFailed(reason, FailureKind.NETWORK)
    return FetchFailed(f"{host} does not speak proper HTTP: {_words(error)}", FailureKind.SERVER)


def is_ours(error: BaseException | None) -> bool:
    """Whether it is this process or machine that has nothing left to ask with."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _OURS:
            return True
        error = error.__cause__
    return False


def refused(host: str, reason: str) -> FetchFailed:
    """The address guard said no."""
    return FetchFailed(
        f"{host}: {reason}. If it is yours, add it to the allowed private addresses", FailureKind.REFUSED
    )


def _network_words(error: Exception, host: str, deadline_s: float) -> str | None:
    match error:
        case TimeoutError():
            return f"{host} did not answer within {deadline_s:g} s. We keep trying"
        case NameUnknown():
            return f"No address is known for {host}. Check the spelling, or our DNS"
        case ssl.SSLError():
            return f"The TLS certificate or handshake of {host} is bad: {_words(error)}"
        case CannotConnect():
            return f"Cannot connect to {host}: {_words(error)}"
        case OSError():
            return f"{host} broke the connection off. We keep trying"
    return None


def _words(error: BaseException) -> str:
    text = getattr(error, "verify_message", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0][:200]
