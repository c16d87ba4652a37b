"""Access: who may sign in, where they are signed in, and which programs act for them, on whichever surface.

Enters: an operator's name, a token's or a session's, and who asks. Leaves: what was made or ended; each act is kept in
the audit log and told to the log, never with a password or a secret.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from notifier.clock import Clock
from notifier.errors import EntryInvalid, NotFound
from notifier.operations.actor import Actor
from notifier.operators.audit import ON_THE_SERVER, Act, AuditEntry, AuditLog
from notifier.operators.operator import Operator, OperatorStore, Role
from notifier.operators.password import NONE, hash_password
from notifier.operators.token import TokenScope, TokenStore, allowed, digest_of, new_secret

LONGEST_NAME = 64
LONGEST_DAYS = 3650

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AccessOperations:
    """Each verb on operators, sessions and tokens, once.

    `wall` tells the real time, which sessions live by even in a rehearsal. `first_secret` is the unguessable part of
    the link that makes the first operator; None where there was one at the start.
    """

    operators: OperatorStore
    tokens: TokenStore
    audit: AuditLog
    wall: Clock
    first_secret: str | None = None

    def note(self, act: Act, who: str, client: str, *, by: str = "", detail: str = "") -> None:
        """Keep what happened to whom, from where. `by` is left out where it is `who` themselves."""
        entry = AuditEntry(self.wall(), act, who, by or who, client, detail)
        if client != ON_THE_SERVER:  # a command says it to whoever types
            write = log.warning if act.is_refusal else log.info
            write(f"audit.{act.value}", who=entry.who, by=entry.by, client=entry.client, detail=detail)
        self.audit.record(entry)

    def whose(self, actor: Actor) -> str | None:
        """Whose sessions and tokens an actor sees and ends: their own, or None for everybody's.

        A program may see neither without the scope. Raises ScopeMissing or RoleTooLow.
        """
        if actor.may(TokenScope.OPERATORS):
            return None
        if actor.token:
            actor.need(TokenScope.OPERATORS)
        return actor.name

    def add(self, actor: Actor, name: str, role: Role, password: str | None) -> Operator:
        """Let somebody sign in; without a password only by the provider. Raises Conflict or PasswordRefused."""
        actor.need(TokenScope.OPERATORS)
        hashed = NONE if password is None else hash_password(password)
        operator = self.operators.add(name, hashed, role, self.wall())
        self._kept(actor, Act.OPERATOR_ADDED, operator.name, role)
        return operator

    def check_first(self, secret: str) -> None:
        """Whether the link for the first administrator is good still. Raises NotFound."""
        right = self.first_secret is not None and hmac.compare_digest(secret.encode(), self.first_secret.encode())
        if not right or self.operators.ever_any():
            raise NotFound("this link has been used, or never was one")

    def add_first(self, secret: str, name: str, hashed: str, client: str) -> Operator:
        """Make the first administrator, once and never again. Raises NotFound or Conflict."""
        self.check_first(secret)
        operator = self.operators.add(name.strip() or "admin", hashed, Role.ADMIN, self.wall(), only_first=True)
        self.note(Act.FIRST_ADMINISTRATOR, operator.name, client)
        return operator

    def remove(self, actor: Actor, name: str) -> None:
        """Take an operator away; their sessions and tokens end at once. Raises NotFound."""
        actor.need(TokenScope.OPERATORS)
        _known(self.operators.remove(name), name)
        self._kept(actor, Act.OPERATOR_REMOVED, name)

    def set_role(self, actor: Actor, name: str, role: Role) -> None:
        """Give another role, from the next request on. Raises NotFound.

        In the console nobody changes their own: one administrator stays.
        """
        actor.need(TokenScope.OPERATORS)
        is_self = actor.operator_id is not None and name == actor.name
        _known(not is_self and self.operators.set_role(name, role), name)
        self._kept(actor, Act.ROLE_CHANGED, name, role)

    def set_password(self, actor: Actor, name: str, password: str) -> None:
        """Give a new password; their sessions end. Raises NotFound or PasswordRefused."""
        actor.need(TokenScope.OPERATORS)
        _known(self.operators.set_password(name, hash_password(password)), name)
        self._kept(actor, Act.PASSWORD_CHANGED, name)

    def sign_out(self, actor: Actor, name: str) -> int:
        """End all sessions of an operator, one's own or as an administrator anybody's; their tokens stay.

        Returns how many there were. Raises NotFound.
        """
        if self.whose(actor) not in {None, name}:
            actor.need(TokenScope.OPERATORS)
        _known(self.operators.credentials(name) is not None, name)
        ended = self.operators.close_sessions(name)
        self._kept(actor, Act.SESSIONS_ENDED, name, "everywhere")
        return ended

    def end_session(self, actor: Actor, handle: str) -> None:
        """End one session: one's own, or as an administrator anybody's. Raises NotFound."""
        whose = self.whose(actor)
        found = next((one for one in self.operators.sessions(self.wall(), whose) if one.handle == handle), None)
        if found is None or not self.operators.close_by_handle(handle, whose):
            raise NotFound("no such session")
        self._kept(actor, Act.SESSIONS_ENDED, found.operator, f"session {handle}")

    def make_token(self, actor: Actor, owner: str, purpose: str, scopes: Iterable[TokenScope], days: int | None) -> str:
        """Give a program access in an operator's name; returns the secret, which nobody can show again.

        `days` is how long it is good, at most LONGEST_DAYS; None is without end. Raises NotFound, or EntryInvalid, also
        for what the owner's role does not allow.
        """
        if self.whose(actor) not in {None, owner}:
            actor.need(TokenScope.OPERATORS)
        known = self.operators.credentials(owner)
        if known is None:
            raise _nobody(owner)
        operator, name, chosen = known[0], purpose.strip(), frozenset(scopes)
        _check_token(operator, name, chosen, days)
        secret, now = new_secret(), self.wall()
        until = None if days is None else now + timedelta(days=days)
        self.tokens.add(operator.id, name, digest_of(secret) or b"", chosen, now, until)
        self._kept(actor, Act.TOKEN_MADE, operator.name, f"{name}: {', '.join(sorted(chosen))}")
        return secret

    def revoke_token(self, actor: Actor, token_id: int) -> None:
        """End a token: one's own, or as an administrator anybody's. Raises NotFound."""
        whose = self.whose(actor)
        found = next((token for token in self.tokens.list(whose) if token.id == token_id), None)
        if found is None or not self.tokens.revoke(token_id, whose):
            raise NotFound(f"there is no token {token_id}")
        self._kept(actor, Act.TOKEN_REVOKED, found.operator, f"token {token_id}")

    def _kept(self, actor: Actor, act: Act, who: str, detail: str = "") -> None:
        by = ON_THE_SERVER if actor.client == ON_THE_SERVER else actor.name
        said = ", ".join(filter(None, (detail, "by a program" if actor.token else "")))
        self.note(act, who, actor.client, by=by, detail=said)


def _check_token(operator: Operator, name: str, scopes: frozenset[TokenScope], days: int | None) -> None:
    if not name or len(name) > LONGEST_NAME:
        raise EntryInvalid("it has no name", f"Say what it is for, in {LONGEST_NAME} characters at most")
    if not scopes:
        raise EntryInvalid("it could do nothing", "Choose what it may do")
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise EntryInvalid("it would be good for no time that can be chosen", "Choose for how long")
    if beyond := sorted(scopes - allowed(scopes, operator.role)):
        raise EntryInvalid(f"{operator.name} is {operator.role} and cannot give {', '.join(beyond)}", "Leave it out")


def _known(found: bool, name: str) -> None:
    if not found:
        raise _nobody(name)


def _nobody(name: str) -> NotFound:
    return NotFound(f"there is no operator named {name}")
