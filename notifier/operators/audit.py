"""Who got in, who was refused, and who changed what others may do: kept for a year, and read on the page Access.

Enters: what happened, to whom, by whom and from where. Never a password, a token or its digest; nor a name that nobody
has, as people type passwords into the wrong field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

KEPT = timedelta(days=365)
MOST = 20_000
"""Entries of each sort (refusals, everything else): whoever makes noise pushes only noise out."""
ON_THE_SERVER = "on the server"
NOBODY = "a name that nobody has"


class Act(StrEnum):
    """What happened. The value is the stable name in the log and the store."""

    SIGNED_IN = "signed-in"
    REFUSED = "sign-in-refused"
    SIGNED_IN_BY_PROVIDER = "signed-in-by-provider"
    REFUSED_BY_PROVIDER = "provider-sign-in-refused"
    FIRST_ADMINISTRATOR = "first-administrator-made"
    OPERATOR_ADDED = "operator-added"
    OPERATOR_REMOVED = "operator-removed"
    ROLE_CHANGED = "role-changed"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the name of an act
    SESSIONS_ENDED = "sessions-ended"
    TOKEN_MADE = "token-made"  # noqa: S105 - the name of an act
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - the name of an act

    @property
    def is_refusal(self) -> bool:
        """Whether somebody was not let in."""
        return self in {Act.REFUSED, Act.REFUSED_BY_PROVIDER}


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the log. `who` it is about, `by` whom, `client` from where (an IPv4 address or a /64)."""

    at: datetime
    act: Act
    who: str
    by: str
    client: str
    detail: str = ""


class AuditLog(Protocol):
    """The log. Synchronous."""

    def record(self, entry: AuditEntry) -> None:
        """Keep an entry; what is older than KEPT, or beyond MOST, is let go."""

    def recent(self, limit: int, who: str | None = None) -> Sequence[AuditEntry]:
        """The newest first; only what an operator did, or what was done to them, where one is named."""

    def has_signed_in(self, who: str, client: str) -> bool:
        """Whether this operator has signed in from this client before."""
