"""What came of a push: a status becomes an Outcome (pure).

Only 404 and 410 end a subscription at once. 401 and 403 are our fault where nearly everybody is refused, and else the
subscription's own trouble (engine/refusals.py). 429, 5xx and network errors are tried again until the TTL ends (RFC
8030 sections 5 to 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from notifier.push.send import Answer


@dataclass(frozen=True, slots=True)
class Delivered:
    """The push service accepted the message (201, 200, 202, 204)."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The subscription is over (404, 410): remove it."""

    status: int


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, not before `after_s` seconds where the service said so; `reason`: `429`, `timeout`, `network` ..."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """This message will never be accepted (400, 413 ...); the subscription stays."""

    status: int


@dataclass(frozen=True, slots=True)
class OurFault:
    """401 or 403: our credentials are wrong for this service, or for this subscription alone. Lose nobody."""

    status: int


@dataclass(frozen=True, slots=True)
class Open:
    """No answer yet, and nobody waits for it: what comes of it is told under this ticket (LaneWire)."""

    ticket: int


Outcome = Delivered | Gone | Retry | Refused | OurFault | Open

DELIVERED = Delivered()

_TRY_AGAIN = frozenset({408, 425, 429})


def outcome(answer: Answer, now: datetime) -> Outcome:
    """The one meaning of an Answer. `now` (aware) turns a Retry-After date into seconds."""
    status = answer.status
    if status is None:
        return _without_status(answer, now)
    if 200 <= status < 300:
        return DELIVERED
    if status in {404, 410}:
        return Gone(status)
    if status in {401, 403}:
        return OurFault(status)
    if status in _TRY_AGAIN or status >= 500:
        return Retry(str(status), retry_after_s(answer.retry_after, now))
    return Refused(status)


def _without_status(answer: Answer, now: datetime) -> Outcome:
    if answer.error == "open":
        return Open(answer.ticket)
    wait_s = retry_after_s(answer.retry_after, now) if answer.wait_s is None else answer.wait_s
    return Retry(answer.error or "network", wait_s)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for, never negative; None where it is absent or cannot be read.

    Both forms of RFC 9110 section 10.2.3: a number of seconds, or an HTTP date.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
