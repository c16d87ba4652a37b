"""Somebody whom an OpenID provider has signed in: which operator is that? Pure, but for the store's Protocol.

Enters: the verified claims of an ID token. Leaves: `Admit` (as whom, and what has to be written first) or `Turned`
away, with a sentence that says what an administrator can do.

An operator is known by the provider's own name for them (issuer and subject), never by something that they can change.
The first time there is no such link: an operator is linked whose *name* is the e-mail address that the provider has
verified, if an administrator made one. Nobody else is let in, unless a setting gives roles by claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from notifier.errors import ConfigError
from notifier.operators.operator import Operator, Role

LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Identity:
    """What the provider says. `email` is None unless the provider says that it is verified."""

    issuer: str
    subject: str
    email: str | None = None
    claims: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """What an operator made for them is called."""
        return (self.email or self.subject)[:LONGEST_NAME]


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Whoever has `value` in `claim` gets `role`."""

    claim: str
    value: str
    role: Role


@dataclass(frozen=True, slots=True)
class Linked:
    """An operator whom the store knows by issuer and subject. `managed`: their role follows the claims."""

    operator: Operator
    managed: bool


@dataclass(frozen=True, slots=True)
class Admit:
    """Sign them in. `operator` is None where they have to be made first; `role` and `link` are to be written first."""

    operator: Operator | None
    role: Role
    link: bool = False
    managed: bool = False


@dataclass(frozen=True, slots=True)
class Turned:
    """Turn them away. `words` go to the person; `ends_sessions` where they may not stay signed in elsewhere either."""

    words: str
    ends_sessions: bool = False


def admit(
    who: Identity, linked: Linked | None, named: Operator | None, rules: Sequence[RoleRule], *, named_is_taken: bool
) -> Admit | Turned:
    """Decide. `named` is the operator whose name is `who.email`, `named_is_taken` whether they are linked already."""
    role = role_by_claims(who, rules)
    if linked is not None:
        return _known(linked, role)
    if named is not None and named_is_taken:
        return Turned("An operator of this name belongs to another account. Ask an administrator.")
    if named is not None:
        return Admit(named, named.role, link=True)
    if role is not None:
        return Admit(None, role, link=True, managed=True)
    if who.email is None:
        return Turned("The provider did not confirm an e-mail address, and no operator is linked to this account yet.")
    return Turned(f"There is no operator {who.email} yet. Ask an administrator to add one of this name.")


def _known(linked: Linked, role: Role | None) -> Admit | Turned:
    if not linked.managed:
        return Admit(linked.operator, linked.operator.role)
    if role is None:
        return Turned("Your account has none of the groups that may use this console any more.", ends_sessions=True)
    return Admit(linked.operator, role)


def role_by_claims(who: Identity, rules: Sequence[RoleRule]) -> Role | None:
    """The highest role that the claims give, or None. A claim may hold one value, or a list of them."""
    claims, given = who.claims or {}, []
    for rule in rules:
        value = claims.get(rule.claim)
        values = value if isinstance(value, list) else [value]
        if rule.value in [v for v in values if isinstance(v, str)]:
            given.append(rule.role)
    return max(given, key=list(Role).index, default=None)


def role_rules(text: str) -> tuple[RoleRule, ...]:
    """`groups:editors=editor, groups:desk=admin` as rules. Raises ConfigError."""
    rules = []
    for part in filter(None, map(str.strip, text.split(","))):
        left, _, role = part.rpartition("=")
        claim, _, value = left.partition(":")
        if not claim.strip() or not value.strip() or role.strip() not in list(Role):
            fix = "Write claim:value=role, comma separated: groups:newsroom=editor, groups:desk=admin"
            raise ConfigError(f"{part!r} gives nobody a role", fix=fix)
        rules.append(RoleRule(claim.strip(), value.strip(), Role(role.strip())))
    return tuple(rules)


class IdentityStore(Protocol):
    """Links between operators and a provider's accounts, and sign-ins that are under way. Synchronous."""

    def linked(self, issuer: str, subject: str) -> Linked | None:
        """The operator of this account."""

    def is_linked(self, operator_id: int, issuer: str) -> bool:
        """Whether the operator has an account at this provider."""

    def link(self, operator_id: int, issuer: str, subject: str, now: datetime, *, managed: bool) -> None:
        """Remember the account. Raises Conflict where it is linked already."""

    def begin(self, token_hash: bytes, nonce: str, verifier: str, now: datetime, until: datetime) -> None:
        """Remember a sign-in that the provider is about to be asked for; those that are over are forgotten."""

    def finish(self, token_hash: bytes, now: datetime) -> tuple[str, str] | None:
        """The nonce and verifier of a sign-in, once: whoever comes with it again gets None."""
