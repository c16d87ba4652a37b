"""What came of a push: a status becomes an Outcome (pure).

Only 404 and 410 end a subscription at once. 401 and 403 are our fault where nearly everybody is refused, and else the
subscription's own trouble (engine/refusals.py). 429, 5xx and network errors are tried again until the TTL ends (RFC
8030 sections 5 to 8); so is 406, which is how Windows' service says 429 (learn.microsoft.com, "Push notification
service request and response headers").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from notifier.push.transport import PushResponse
from notifier.retry_after import retry_after_s


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
    """No answer yet, and nobody waits for it: what comes of it is told under this ticket (LanedTransport)."""

    ticket: int


Outcome = Delivered | Gone | Retry | Refused | OurFault | Open

DELIVERED = Delivered()

THROTTLED = frozenset({406, 429})
"""Too many at a time. WNS says 406 with Retry-After (github.com/microsoft/WindowsAppSDK/issues/3501), others 429."""

_TRY_AGAIN = THROTTLED | {408, 421, 425}
"""421: not on this connection (RFC 9110 section 15.5.20)."""


def outcome(answer: PushResponse, now: datetime) -> Outcome:
    """The one meaning of an PushResponse. `now` (aware) turns a Retry-After date into seconds."""
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


def _without_status(answer: PushResponse, now: datetime) -> Outcome:
    if answer.error == "open":
        return Open(answer.ticket)
    wait_s = retry_after_s(answer.retry_after, now) if answer.wait_s is None else answer.wait_s
    return Retry(answer.error or "network", wait_s)
