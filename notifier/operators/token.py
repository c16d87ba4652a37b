"""A token with which a program may do some of what its operator may do.

Enters: the secret half of a token, as its SHA-256. Leaves: `Grant`, which answers `may(scope)`. The power of a token is
never more than its operator's role allows at that moment: a demotion or a removal counts from the next request on.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from notifier.operators.operator import Operator, Role

# The mark lets scanners for leaked secrets see what it is (and lets us tell it from a subscriber's token).
MARK = "notifier_"
_FORM = re.compile(rf"{MARK}[A-Za-z0-9_-]{{43}}")


class TokenScope(StrEnum):
    """What a token may be good for; each says which role it takes to give it, and to use it."""

    READ = "read"
    STORIES = "stories:write"
    TOPICS = "topics:write"
    ALERTS = "alerts:write"
    FEEDS = "feeds:write"
    OPERATORS = "operators:write"

    @property
    def role(self) -> Role:
        """The lowest role that may do this."""
        return _ROLES.get(self, Role.EDITOR)

    @property
    def says(self) -> str:
        """What it lets a program do."""
        return _WORDS[self]


_ROLES = {TokenScope.READ: Role.VIEWER, TokenScope.OPERATORS: Role.ADMIN}
_WORDS = {
    TokenScope.READ: "see everything that the console shows, and try rules",
    TokenScope.STORIES: "silence, hold, merge and split stories",
    TokenScope.TOPICS: "change topics, and take changes back",
    TokenScope.ALERTS: "write, approve, withdraw and correct alerts",
    TokenScope.FEEDS: "add, pause and remove feeds",
    TokenScope.OPERATORS: "end other operators' sessions and tokens",
}


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as its operator sees it; the secret half is shown once, when it is made. Times are aware UTC."""

    id: int
    operator: str
    name: str
    scopes: frozenset[TokenScope]
    created_at: datetime
    until: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that is good now, and the operator on whose behalf it acts, as they are now."""

    operator: Operator
    token: ApiToken

    def may(self, scope: TokenScope) -> bool:
        """Whether the token was given this scope and its operator's role still allows it."""
        return scope in self.token.scopes and self.operator.role.may(scope.role)


def new_secret() -> str:
    """A fresh secret: 256 random bits behind the mark."""
    return MARK + secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes | None:
    """The SHA-256 under which the store knows a token; None for what cannot be one."""
    return hashlib.sha256(secret.encode()).digest() if _FORM.fullmatch(secret) else None


def allowed(scopes: Iterable[TokenScope], role: Role) -> frozenset[TokenScope]:
    """Those of `scopes` that somebody of this role may give away."""
    return frozenset(scope for scope in scopes if role.may(scope.role))


class TokenStore(Protocol):
    """The tokens of all operators. Synchronous."""

    def add(
        self,
        operator_id: int,
        name: str,
        digest: bytes,
        scopes: frozenset[TokenScope],
        now: datetime,
        until: datetime | None,
    ) -> ApiToken:
        """Let whoever has the secret act for the operator, until then where that is given."""

    def list(self, operator: str | None = None) -> Sequence[ApiToken]:
        """Every token, or those of one operator, by operator and name; expired ones too."""

    def use(self, digest: bytes, now: datetime) -> Grant | None:
        """Whom a token acts for; None where there is none, or it has expired. Remembers the use to the minute."""

    def revoke(self, token_id: int, operator: str | None = None) -> bool:
        """End a token (of this operator, where one is named); False if there is none."""
