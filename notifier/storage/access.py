"""How programs and providers get in: tokens, accounts, requests that were made. Implements `TokenStore`,
`IdentityStore` and `RequestStore`."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from notifier.alerts.alert import Alert, NewAlert
from notifier.alerts.requests import IdempotentRequest
from notifier.errors import Conflict, KeyReused
from notifier.operators.identity import Linked
from notifier.operators.operator import Operator, Role
from notifier.operators.token import ApiToken, Grant, TokenScope
from notifier.storage.alerts import accept, count_for, load_alerts
from notifier.storage.database import Store
from notifier.storage.schema import api_request, api_token, operator, operator_identity, provider_visit

# A use is written down at most this often, so that reading does not become writing.
USED_EVERY = timedelta(minutes=1)
# For how long asking again does nothing twice.
REMEMBERED = timedelta(days=1)


class SqlTokenStore(Store):
    """TokenStore on SQLite or PostgreSQL."""

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
        values = {
            "operator_id": operator_id,
            "name": name,
            "token_hash": digest,
            "scopes": sorted(scopes),
            "created_at": now,
            "until": until,
        }
        with self._database.writing() as connection:
            made = connection.execute(insert(api_token).values(values).returning(api_token.c.id)).scalar_one()
            return _token(connection.execute(_tokens().where(api_token.c.id == made)).one())

    def list(self, operator: str | None = None) -> Sequence[ApiToken]:
        """Every token, or those of one operator, by operator and name; expired ones too."""
        with self._database.reading() as connection:
            return [_token(row) for row in connection.execute(_of(_tokens(), operator))]

    def use(self, digest: bytes, now: datetime) -> Grant | None:
        """Whom a token acts for; None where there is none, or it has expired. Remembers the use to the minute."""
        with self._database.reading() as connection:
            row = connection.execute(_tokens().where(api_token.c.token_hash == digest)).one_or_none()
        if row is None or (row.until is not None and row.until <= now):
            return None
        if row.last_used_at is None or now - row.last_used_at >= USED_EVERY:
            with self._database.writing() as connection:
                connection.execute(update(api_token).where(api_token.c.id == row.id).values(last_used_at=now))
        owner = Operator(row.operator_id, row.operator_name, Role(row.role), row.operator_since)
        return Grant(owner, _token(row))

    def revoke(self, token_id: int, operator: str | None = None) -> bool:
        """End a token (of this operator, where one is named); False if there is none."""
        with self._database.writing() as connection:
            meant = connection.scalar(_of(_tokens().where(api_token.c.id == token_id), operator))
            return connection.execute(delete(api_token).where(api_token.c.id == meant)).rowcount == 1


class SqlIdentityStore(Store):
    """IdentityStore on SQLite or PostgreSQL."""

    def linked(self, issuer: str, subject: str) -> Linked | None:
        """The operator of this account."""
        query = (
            select(operator, operator_identity.c.managed)
            .join(operator_identity, operator_identity.c.operator_id == operator.c.id)
            .where(operator_identity.c.issuer == issuer, operator_identity.c.subject == subject)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Linked(Operator(row.id, row.name, Role(row.role), row.created_at), row.managed)

    def is_linked(self, operator_id: int, issuer: str) -> bool:
        """Whether the operator has an account at this provider."""
        query = select(operator_identity.c.subject).where(
            operator_identity.c.operator_id == operator_id, operator_identity.c.issuer == issuer
        )
        with self._database.reading() as connection:
            return connection.scalar(query.limit(1)) is not None

    def link(self, operator_id: int, issuer: str, subject: str, now: datetime, *, managed: bool) -> None:
        """Remember the account. Raises Conflict where it is linked already."""
        values = {
            "operator_id": operator_id,
            "issuer": issuer,
            "subject": subject,
            "linked_at": now,
            "managed": managed,
        }
        try:
            with self._database.writing() as connection:
                connection.execute(insert(operator_identity).values(values))
        except IntegrityError as taken:
            raise Conflict("this account is linked to an operator already") from taken

    def begin(self, token_hash: bytes, nonce: str, verifier: str, now: datetime, until: datetime) -> None:
        """Remember a sign-in that the provider is about to be asked for; those that are over are forgotten."""
        values = {"token_hash": token_hash, "nonce": nonce, "verifier": verifier, "until": until}
        with self._database.writing() as connection:
            connection.execute(delete(provider_visit).where(provider_visit.c.until <= now))
            connection.execute(insert(provider_visit).values(values))

    def finish(self, token_hash: bytes, now: datetime) -> tuple[str, str] | None:
        """The nonce and verifier of a sign-in, once: whoever comes with it again gets None."""
        asked = delete(provider_visit).where(provider_visit.c.token_hash == token_hash)
        returned = (provider_visit.c.nonce, provider_visit.c.verifier, provider_visit.c.until)
        with self._database.writing() as connection:
            row = connection.execute(asked.returning(*returned)).one_or_none()
        return None if row is None or row.until <= now else (row.nonce, row.verifier)


class SqlRequestStore(Store):
    """RequestStore on SQLite or PostgreSQL."""

    def accept_once(self, asked: IdempotentRequest, new: NewAlert, now: datetime) -> tuple[Alert, bool]:
        """The alert, and whether it was made now: the alert and the key are written in one transaction."""
        audience = count_for(self._database, new)
        try:
            with self._database.writing() as connection:
                connection.execute(delete(api_request).where(api_request.c.at <= now - REMEMBERED))
                earlier = self._earlier(connection, asked)
                made = accept(connection, new, now, audience=audience) if earlier is None else earlier
                if earlier is None:
                    values = {"operator_id": asked.operator_id, "key": asked.key, "digest": asked.digest}
                    connection.execute(insert(api_request).values(values | {"alert_id": made, "at": now}))
                return load_alerts(connection, [made])[made], earlier is None
        except IntegrityError:
            # PostgreSQL lets two ask at once; the second finds what the first has written.
            found = self.accepted(asked)
            if found is None:
                raise
            return found, False

    def accepted(self, asked: IdempotentRequest) -> Alert | None:
        """The alert that was made of the request, or None. Raises KeyReused."""
        with self._database.reading() as connection:
            made = self._earlier(connection, asked)
            return None if made is None else load_alerts(connection, [made]).get(made)

    @staticmethod
    def _earlier(connection: Connection, asked: IdempotentRequest) -> int | None:
        row = connection.execute(
            select(api_request).where(api_request.c.operator_id == asked.operator_id, api_request.c.key == asked.key)
        ).one_or_none()
        if row is not None and not hmac.compare_digest(row.digest, asked.digest):
            raise KeyReused("the key belongs to another request")
        return None if row is None else int(row.alert_id)


def _tokens() -> Any:
    owner = (operator.c.name.label("operator_name"), operator.c.role, operator.c.created_at.label("operator_since"))
    joined = select(api_token, *owner).join(operator, operator.c.id == api_token.c.operator_id)
    return joined.order_by(operator.c.name, api_token.c.name, api_token.c.id)


def _of(query: Any, name: str | None) -> Any:
    return query if name is None else query.where(operator.c.name == name)


def _token(row: Row[Any]) -> ApiToken:
    scopes = frozenset(TokenScope(scope) for scope in row.scopes if scope in list(TokenScope))
    return ApiToken(row.id, row.operator_name, row.name, scopes, row.created_at, row.until, row.last_used_at)
