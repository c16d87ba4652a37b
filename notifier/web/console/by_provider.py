"""Signing in by an OpenID provider: the way there, the way back, and which operator that is.

The session's cookie is SameSite=Strict, so a browser that a provider sends back does not bring it: the visit has a
cookie of its own, Lax and good for this path and ten minutes only. The way back ends on a small page of ours instead of
a redirect, as the browser sends a Strict cookie only where our own page leads on.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from notifier.errors import Conflict, NotFound, ProviderFailed
from notifier.operations.access import AccessOperations
from notifier.operations.actor import Actor
from notifier.operators.audit import Act
from notifier.operators.identity import Admit, Identity, Turned, admit
from notifier.operators.operator import Operator
from notifier.web.clients import client_of
from notifier.web.console.access import open_session
from notifier.web.console.page import page
from notifier.web.provider.openid import ProviderSignIn, Visit
from notifier.web.rates import limit_sign_ins
from notifier.web.services import Operating, Services, WebServices

COOKIE = "notifier-visit"
PATH = "/console/sign-in/provider"
CALLBACK = f"{PATH}/back"
VISIT = timedelta(minutes=10)
BY_PROVIDER = "the sign-in provider"

log = structlog.get_logger(__name__)

router = APIRouter(prefix=PATH, include_in_schema=False, max_body_size=4096, dependencies=[Depends(limit_sign_ins)])
Answered = Annotated[str, Query(max_length=4096)]


@router.get("")
def leave(request: Request, operations: Operating, services: Services) -> Response:
    """Lead the browser to the provider."""
    way, token, now = _way(services), secrets.token_urlsafe(32), operations.access.wall()
    visit = Visit(_state(token), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
    try:
        address = way.provider.address(visit)
    except ProviderFailed as failed:
        return _failed(request, services, failed)
    way.identities.begin(_digest(token), visit.nonce, visit.verifier, now, now + VISIT)
    answer = RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(VISIT.total_seconds()),
        path=PATH,
        secure=services.site.base_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/back")
def back(
    request: Request,
    operations: Operating,
    services: Services,
    state: Answered = "",
    code: Answered = "",
    iss: Annotated[str | None, Query(max_length=2048)] = None,
    error: Answered = "",
) -> Response:
    """Take whom the provider sends back; once, and only the browser that was sent there."""
    way, token = _way(services), request.cookies.get(COOKIE, "")
    if not token or not hmac.compare_digest(state.encode(), _state(token).encode()):
        return _turned(request, services, "This sign-in did not begin in this browser. Begin again.")
    begun = way.identities.finish(_digest(token), operations.access.wall())
    if begun is None:
        return _turned(request, services, "This sign-in took too long, or was used already. Begin again.")
    if error or not code:
        return _turned(request, services, "The provider did not let you in.")
    try:
        who = way.provider.identify(Visit(state, *begun), code, iss)
    except ProviderFailed as failed:
        return _failed(request, services, failed)
    found = _operator(request, who, way, operations.access)
    if isinstance(found, Turned):
        operations.access.note(Act.REFUSED_BY_PROVIDER, who.name, client_of(request.scope), detail=found.words)
        return _turned(request, services, found.words)
    operations.access.note(Act.SIGNED_IN_BY_PROVIDER, found.name, client_of(request.scope))
    answer = page(request, "signed-in.html")
    answer.delete_cookie(COOKIE, path=PATH)
    open_session(request, answer, found, operations, services)
    return answer


def _operator(request: Request, who: Identity, way: ProviderSignIn, access: AccessOperations) -> Operator | Turned:
    """Whom to sign in, with what has to be written first."""
    linked = way.identities.linked(who.issuer, who.subject)
    known = access.operators.credentials(who.email) if who.email else None
    named = known[0] if known else None
    taken = named is not None and way.identities.is_linked(named.id, who.issuer)
    decided = admit(who, linked, named, way.rules, named_is_taken=taken)
    if isinstance(decided, Turned):
        if decided.ends_sessions and linked is not None:
            access.operators.close_sessions(linked.operator.name)
        log.info("provider.turned-away", why=decided.words if who.email is None else "no operator, or no role")
        return decided
    return _written(request, decided, who, way, access)


def _written(
    request: Request, decided: Admit, who: Identity, way: ProviderSignIn, access: AccessOperations
) -> Operator | Turned:
    operator, actor = decided.operator, Actor(BY_PROVIDER, client=client_of(request.scope))
    try:
        if operator is None:
            operator = access.add(actor, who.name, decided.role, None)
        elif operator.role is not decided.role:
            access.set_role(actor, operator.name, decided.role)
        if decided.link:
            way.identities.link(operator.id, who.issuer, who.subject, access.wall(), managed=decided.managed)
    except Conflict:
        return Turned("An operator of this name belongs to another account. Ask an administrator.")
    return operator


def _way(services: WebServices) -> ProviderSignIn:
    if services.by_provider is None:
        raise NotFound("no provider is set up")
    return services.by_provider


def _failed(request: Request, services: WebServices, failed: ProviderFailed) -> Response:
    log.warning("provider.failed", problem=str(failed))
    words = "The sign-in provider gave no answer that can be trusted. Try again, or use your password."
    return _turned(request, services, words, ProviderFailed.http_status)


def _turned(request: Request, services: WebServices, words: str, status: int = 401) -> Response:
    way = _way(services)
    return page(request, "sign-in.html", status=status, closed=False, problem=words, name="", provider=way.title)


def _state(token: str) -> str:
    """What comes back with the browser: only the holder of the cookie's token can know it."""
    return hmac.new(token.encode(), b"state", hashlib.sha256).hexdigest()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
