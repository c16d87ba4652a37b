"""An operator, what they may do, and the store that knows them.

Enters: a name and a password, or a session's token. Leaves: `Operator`; next: the console asks `role.may(...)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """Each may do what those before it may: look; edit topics and alerts; decide who the operators are."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Whether this role is enough where `needed` is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may sign in. `signed_in` counts their open sessions."""

    id: int
    name: str
    role: Role
    created_at: datetime
    signed_in: int = 0


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser in which an operator is signed in. `handle` names it without being of any use to sign in with."""

    handle: str
    operator: str
    browser: str
    since: datetime
    until: datetime


class OperatorStore(Protocol):
    """Who the operators are, and who is signed in where. Synchronous. A session's token enters as its SHA-256."""

    def all(self, now: datetime) -> Sequence[Operator]:
        """Every operator by name, with their open sessions."""

    def add(self, name: str, password_hash: str, role: Role, now: datetime, *, only_first: bool = False) -> Operator:
        """Make an operator. Raises Conflict where the name is taken or, with `only_first`, where there ever was one."""

    def ever_any(self) -> bool:
        """Whether there is an operator, or ever was one: the link for the first is good once."""

    def remove(self, name: str) -> bool:
        """Forget an operator with their sessions and tokens; False if there is none of this name."""

    def credentials(self, name: str) -> tuple[Operator, str] | None:
        """The operator of this name and the hash of their password."""

    def set_role(self, name: str, role: Role) -> bool:
        """Give another role, from the next request on; False if there is none of this name."""

    def set_password(self, name: str, password_hash: str) -> bool:
        """Give another password and end their sessions; False if there is none of this name."""

    def open_session(
        self, operator_id: int, token_hash: bytes, now: datetime, until: datetime, browser: str = "other"
    ) -> None:
        """Let whoever has the token act for the operator until then; sessions that ended are forgotten."""

    def session(self, token_hash: bytes, now: datetime) -> Operator | None:
        """Whom an open session belongs to."""

    def sessions(self, now: datetime, name: str | None = None) -> Sequence[OpenSession]:
        """The open sessions, of one operator where they are named; the newest first."""

    def close_session(self, token_hash: bytes) -> None:
        """End one session."""

    def close_by_handle(self, handle: str, name: str | None = None) -> bool:
        """End the session of this handle (and operator, where one is named); False if it is not open."""

    def close_sessions(self, name: str) -> int:
        """End every session of an operator; returns how many there were."""


def handle_of(token_hash: bytes) -> str:
    """How a session is named in lists: a part of the digest, from which no token can be made."""
    return token_hash.hex()[:16]
