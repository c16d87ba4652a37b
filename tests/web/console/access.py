"""Operators, their sessions, tokens and accounts in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from notifier.alerts.alert import Alert, NewAlert
from notifier.alerts.requests import IdempotentRequest
from notifier.errors import Conflict, KeyReused
from notifier.operators.audit import Act, AuditEntry
from notifier.operators.identity import Linked
from notifier.operators.operator import OpenSession, Operator, Role, handle_of
from notifier.operators.token import ApiToken, Grant, TokenScope
from notifier.storage.access import REMEMBERED


class MemoryAudit:
    """AuditLog in a list."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    def recent(self, limit: int, who: str | None = None) -> Sequence[AuditEntry]:
        found = [one for one in self.entries[::-1] if who is None or who in {one.who, one.by}]
        return found[:limit]

    def has_signed_in(self, who: str, client: str) -> bool:
        entries = {Act.SIGNED_IN, Act.SIGNED_IN_BY_PROVIDER, Act.FIRST_ADMINISTRATOR}
        return any((one.who, one.client) == (who, client) and one.act in entries for one in self.entries)


class MemoryOperators:
    """OperatorStore in dicts."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[Operator, str]] = {}
        self.opened: dict[bytes, tuple[int, datetime, datetime, str]] = {}
        self._last = 0

    def all(self, now: datetime) -> Sequence[Operator]:
        counted = {o.name: len(self.sessions(now, o.name)) for o, _ in self.known.values()}
        return [replace(o, signed_in=counted[o.name]) for o, _ in sorted(self.known.values(), key=lambda k: k[0].name)]

    def add(self, name: str, password_hash: str, role: Role, now: datetime, *, only_first: bool = False) -> Operator:
        if name in self.known or (only_first and self._last):
            raise Conflict("taken")
        self._last += 1
        made = Operator(self._last, name, role, now)
        self.known[name] = (made, password_hash)
        return made

    def ever_any(self) -> bool:
        return self._last > 0

    def remove(self, name: str) -> bool:
        return self.known.pop(name, None) is not None

    def credentials(self, name: str) -> tuple[Operator, str] | None:
        return self.known.get(name)

    def set_role(self, name: str, role: Role) -> bool:
        if name not in self.known:
            return False
        operator, password_hash = self.known[name]
        self.known[name] = (replace(operator, role=role), password_hash)
        return True

    def set_password(self, name: str, password_hash: str) -> bool:
        if name not in self.known:
            return False
        self.close_sessions(name)
        self.known[name] = (self.known[name][0], password_hash)
        return True

    def open_session(
        self, operator_id: int, token_hash: bytes, now: datetime, until: datetime, browser: str = "other"
    ) -> None:
        self.opened[token_hash] = (operator_id, now, until, browser)

    def session(self, token_hash: bytes, now: datetime) -> Operator | None:
        owner, _, until, _ = self.opened.get(token_hash, (0, now, now, ""))
        return next((o for o, _ in self.known.values() if o.id == owner and until > now), None)

    def sessions(self, now: datetime, name: str | None = None) -> Sequence[OpenSession]:
        names = {o.id: o.name for o, _ in self.known.values()}
        found = [
            OpenSession(handle_of(digest), names[owner], browser, since, until)
            for digest, (owner, since, until, browser) in self.opened.items()
            if until > now and name in (None, names.get(owner))
        ]
        return found[::-1]

    def close_session(self, token_hash: bytes) -> None:
        self.opened.pop(token_hash, None)

    def close_by_handle(self, handle: str, name: str | None = None) -> bool:
        owner = self.known[name][0].id if name in self.known else None
        meant = [d for d, (i, *_) in self.opened.items() if handle_of(d) == handle and (name is None or i == owner)]
        for digest in meant:
            del self.opened[digest]
        return bool(meant)

    def close_sessions(self, name: str) -> int:
        owner = self.known[name][0].id if name in self.known else 0
        theirs = [token for token, (i, *_) in self.opened.items() if i == owner]
        for token in theirs:
            del self.opened[token]
        return len(theirs)


class MemoryTokens:
    """TokenStore in a dict, over operators in memory."""

    def __init__(self, operators: MemoryOperators) -> None:
        self._operators = operators
        self.kept: dict[bytes, tuple[int, ApiToken]] = {}
        self._last = 0

    def add(
        self,
        operator_id: int,
        name: str,
        digest: bytes,
        scopes: frozenset[TokenScope],
        now: datetime,
        until: datetime | None,
    ) -> ApiToken:
        owner = next(o for o, _ in self._operators.known.values() if o.id == operator_id)
        self._last += 1
        made = ApiToken(self._last, owner.name, name, scopes, now, until)
        self.kept[digest] = (operator_id, made)
        return made

    def list(self, operator: str | None = None) -> Sequence[ApiToken]:
        there = {o.id for o, _ in self._operators.known.values()}
        return [token for owner, token in self.kept.values() if owner in there and operator in (None, token.operator)]

    def use(self, digest: bytes, now: datetime) -> Grant | None:
        owner_id, token = self.kept.get(digest, (0, None))
        owner = next((o for o, _ in self._operators.known.values() if o.id == owner_id), None)
        if token is None or owner is None or (token.until is not None and token.until <= now):
            return None
        self.kept[digest] = (owner_id, replace(token, last_used_at=now))
        return Grant(owner, token)

    def revoke(self, token_id: int, operator: str | None = None) -> bool:
        meant = [d for d, (_, t) in self.kept.items() if t.id == token_id and operator in (None, t.operator)]
        for digest in meant:
            del self.kept[digest]
        return bool(meant)


class MemoryIdentities:
    """IdentityStore in dicts, over operators in memory."""

    def __init__(self, operators: MemoryOperators) -> None:
        self._operators = operators
        self.links: dict[tuple[str, str], tuple[int, bool]] = {}
        self.visits: dict[bytes, tuple[str, str, datetime]] = {}

    def linked(self, issuer: str, subject: str) -> Linked | None:
        owner, managed = self.links.get((issuer, subject), (0, False))
        found = next((o for o, _ in self._operators.known.values() if o.id == owner), None)
        return None if found is None else Linked(found, managed)

    def is_linked(self, operator_id: int, issuer: str) -> bool:
        return any(owner == operator_id and at == issuer for (at, _), (owner, _) in self.links.items())

    def link(self, operator_id: int, issuer: str, subject: str, now: datetime, *, managed: bool) -> None:
        if (issuer, subject) in self.links:
            raise Conflict("linked")
        self.links[issuer, subject] = (operator_id, managed)

    def begin(self, token_hash: bytes, nonce: str, verifier: str, now: datetime, until: datetime) -> None:
        self.visits[token_hash] = (nonce, verifier, until)

    def finish(self, token_hash: bytes, now: datetime) -> tuple[str, str] | None:
        nonce, verifier, until = self.visits.pop(token_hash, ("", "", now))
        return (nonce, verifier) if until > now else None


class MemoryRequests:
    """RequestStore in a dict, over whatever accepts alerts."""

    def __init__(self, accept: Callable[[NewAlert, datetime], Alert]) -> None:
        self._accept = accept
        self.made: dict[tuple[int, str], tuple[bytes, Alert, datetime]] = {}

    def accepted(self, asked: IdempotentRequest) -> Alert | None:
        digest, alert, _ = self.made.get((asked.operator_id, asked.key), (asked.digest, None, None))
        if digest != asked.digest:
            raise KeyReused("another request")
        return alert

    def accept_once(self, asked: IdempotentRequest, new: NewAlert, now: datetime) -> tuple[Alert, bool]:
        self.made = {key: made for key, made in self.made.items() if made[2] > now - REMEMBERED}
        earlier = self.accepted(asked)
        if earlier is not None:
            return earlier, False
        alert = self._accept(new, now)
        self.made[asked.operator_id, asked.key] = (asked.digest, alert, now)
        return alert, True
