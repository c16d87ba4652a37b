"""Who asks for something, and what they may: the same for a session, a token and the command line. Pure.

Enters: an operator as a surface has recognised them. Leaves: nothing, or RoleTooLow or ScopeMissing.
"""

from __future__ import annotations

from dataclasses import dataclass

from notifier.errors import RoleTooLow, ScopeMissing
from notifier.operators.audit import ON_THE_SERVER
from notifier.operators.operator import Operator, Role
from notifier.operators.token import Grant, TokenScope


@dataclass(frozen=True, slots=True)
class Actor:
    """`name` goes into every record of what was done; `client` is from where (an IPv4 address or a /64).

    `operator_id` is None on the server's own command line, where everything is allowed. `token` is the name of the
    token through which a program acts; empty for a person.
    """

    name: str
    role: Role = Role.ADMIN
    client: str = ON_THE_SERVER
    operator_id: int | None = None
    token: str = ""
    scopes: frozenset[TokenScope] = frozenset(TokenScope)

    @classmethod
    def person(cls, operator: Operator, client: str) -> Actor:
        """An operator who has signed in: whatever their role allows."""
        return cls(operator.name, operator.role, client, operator.id)

    @classmethod
    def program(cls, grant: Grant, client: str) -> Actor:
        """A program with a token: what the token was given for, as far as its operator's role still allows it."""
        owner, token = grant.operator, grant.token
        return cls(owner.name, owner.role, client, owner.id, token.name, token.scopes)

    def may(self, scope: TokenScope) -> bool:
        """Whether this is allowed."""
        return scope in self.scopes and self.role.may(scope.role)

    def need(self, scope: TokenScope) -> None:
        """Raises ScopeMissing or RoleTooLow where it is not."""
        if scope not in self.scopes:
            raise ScopeMissing(scope)
        if not self.may(scope):
            raise RoleTooLow(f"the scope {scope} is for the role {scope.role} and up")
