"""What came of a push: a status becomes an Outcome (pure).

Only 404 and 410 end a subscription. 401 and 403 are our fault: the push service is paused and an alarm raised. 429,
5xx and network errors are tried again until the TTL ends (RFC 8030 sections 5 to 8).
"""

from __future__ import annotations

from dataclasses import dataclass


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
    """401 or 403: our credentials are wrong for this service. Pause it, raise an alarm, lose nobody."""

    status: int


Outcome = Delivered | Gone | Retry | Refused | OurFault
