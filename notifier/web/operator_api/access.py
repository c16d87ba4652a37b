"""Whose program is asking, and may it? Every route of the operators' API depends on one of these.

Enters: an Authorization header (RFC 6750 section 2.1). Leaves: `Grant`, or one of TokenRefused, ScopeMissing,
RoleTooLow. A token is no cookie, which a browser would add by itself, so no page of another site can use it; requests
that such a page makes are refused all the same, and no CORS header is ever given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from notifier.errors import TokenRefused
from notifier.operations.actor import Actor
from notifier.operators.token import Grant, TokenScope, digest_of
from notifier.web import errors
from notifier.web.clients import client_of
from notifier.web.rates import count_bad_token
from notifier.web.security import refuse_foreign
from notifier.web.services import Operating

PREFIX = "/api/v1"
# Longer than any topic or alert that can be taken.
MAX_BODY_BYTES = 96 * 1024

SCOPES = "".join(f"- `{scope.value}`: {scope.says} (role {scope.role.value} and up)\n" for scope in TokenScope)
_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="operatorToken",
    description="An operator's token, from the console's page Access or `notifier operators token add`. Scopes:\n\n"
    + SCOPES,
)

ROUTER: dict[str, Any] = {
    "prefix": PREFIX,
    "tags": ["operators"],
    "dependencies": [Depends(refuse_foreign)],
    "responses": errors.answers(400, 401, 403, 404, 413, 422, 429),
    "max_body_size": MAX_BODY_BYTES,
}
"""How every router of this API is made."""
CHANGED = errors.answers(409)
"""The answers that a change may have beside those of every route."""


def granted(
    request: Request,
    operations: Operating,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Grant:
    """What the request's token grants. Raises TokenRefused, or TooOften for whoever keeps trying."""
    digest = digest_of(credentials.credentials) if credentials else None
    grant = operations.access.tokens.use(digest, operations.access.wall()) if digest else None
    if grant is None:
        count_bad_token(request)
        raise TokenRefused("no token, or one that is not good")
    return grant


def acting(request: Request, grant: AnyToken) -> Actor:
    """Who does what is asked for with the request's token."""
    return Actor.program(grant, client_of(request.scope))


def needs(scope: TokenScope) -> Callable[..., Actor]:
    """A dependency: an actor who may do this, asked before the request is read. Raises ScopeMissing or RoleTooLow."""

    def check(actor: AnyActor) -> Actor:
        actor.need(scope)
        return actor

    return check


AnyToken = Annotated[Grant, Depends(granted)]
AnyActor = Annotated[Actor, Depends(acting)]
Reads = Annotated[Actor, Depends(needs(TokenScope.READ))]
WritesStories = Annotated[Actor, Depends(needs(TokenScope.STORIES))]
WritesTopics = Annotated[Actor, Depends(needs(TokenScope.TOPICS))]
WritesAlerts = Annotated[Actor, Depends(needs(TokenScope.ALERTS))]
WritesFeeds = Annotated[Actor, Depends(needs(TokenScope.FEEDS))]
SeesToOperators = Annotated[Actor, Depends(needs(TokenScope.OPERATORS))]
