"""An alert that a program asks for: asked again under the same key, it is the same alert.

Enters: `IdempotentRequest`, and the `NewAlert` to make of it. Leaves: the alert. A program that got no answer cannot
know whether its alert was taken; with a key of its own choice it may simply ask again, and nobody is told twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifier.alerts.alert import Alert, NewAlert


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request of an operator's program. `key` is of its own choice; `digest` the SHA-256 of what it asked for."""

    operator_id: int
    key: str
    digest: bytes


class RequestStore(Protocol):
    """Requests and the alerts that were made of them, kept for a day. Synchronous."""

    def accepted(self, asked: IdempotentRequest) -> Alert | None:
        """The alert that was made of the request, or None. Raises KeyReused where the key was for another."""

    def accept_once(self, asked: IdempotentRequest, new: NewAlert, now: datetime) -> tuple[Alert, bool]:
        """The alert, and whether it was made now; from then on it survives any crash. Raises KeyReused."""
