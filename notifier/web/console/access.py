"""Who is asking, and may they? Every console route but the sign-in depends on one of these.

Enters: a session's cookie, a form's token, where the request says it comes from. Leaves: `Session`, or one of
SignInNeeded, RoleTooLow, FormExpired, ForeignOrigin. A change has four locks: the cookie is SameSite=Strict, the
browser says that the page is ours, the form carries a token that only our page can know, and the role is enough.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from notifier.errors import FormExpired, RoleTooLow, SignInNeeded
from notifier.operations.actor import Actor
from notifier.operations.operations import Operations
from notifier.operators.operator import Operator, Role
from notifier.web import errors
from notifier.web.browsers import browser_family
from notifier.web.clients import client_of
from notifier.web.security import refuse_foreign
from notifier.web.services import Operating, WebServices

COOKIE = "notifier-session"
COOKIE_PATH = "/console"
SESSION = timedelta(hours=12)
FORM_FIELD = "form_token"
FORM_HEADER = "x-form-token"


@dataclass(frozen=True, slots=True)
class Session:
    """An operator who is signed in from a client; `form_token` goes into every form of theirs."""

    operator: Operator
    form_token: str
    client: str

    @property
    def actor(self) -> Actor:
        """Who does what is asked for in this session."""
        return Actor.person(self.operator, self.client)

    def may(self, role: Role | str) -> bool:
        """Whether the operator may do what is kept to this role."""
        return self.operator.role.may(Role(role))


def signed_in(request: Request, operations: Operating) -> Session:
    """The session of this request. Raises SignInNeeded."""
    token = request.cookies.get(COOKIE, "")
    operator = operations.access.operators.session(session_digest(request), operations.access.wall()) if token else None
    if operator is None:
        raise SignInNeeded("no open session")
    return Session(operator, form_token(token), client_of(request.scope))


def at_least(role: Role) -> Callable[..., Session]:
    """A dependency: the session of an operator with this role or a higher one. Raises RoleTooLow."""

    def check(session: SignedIn) -> Session:
        if not session.operator.role.may(role):
            raise RoleTooLow(f"this is for the role {role} and up")
        return session

    return check


async def own_form(request: Request, session: SignedIn) -> None:
    """Refuses a change that does not come from a form that was made for this session. Raises FormExpired."""
    sent = request.headers.get(FORM_HEADER) or (await request.form()).get(FORM_FIELD)
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), session.form_token.encode()):
        raise FormExpired("the form token does not belong to this session")


SignedIn = Annotated[Session, Depends(signed_in)]
CHANGES = [Depends(refuse_foreign), Depends(own_form)]
"""What every route that changes something depends on, beside its role."""
Viewer = Annotated[Session, Depends(at_least(Role.VIEWER))]
Editor = Annotated[Session, Depends(at_least(Role.EDITOR))]
Admin = Annotated[Session, Depends(at_least(Role.ADMIN))]


def open_session(
    request: Request, answer: Response, operator: Operator, operations: Operations, services: WebServices
) -> None:
    """Sign the operator in: a fresh token in a cookie that no script can read, its SHA-256 in the store."""
    token, now = secrets.token_urlsafe(32), operations.access.wall()
    browser = browser_family(request.headers.get("user-agent", ""))
    operations.access.operators.open_session(operator.id, _digest(token), now, now + SESSION, browser)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION.total_seconds()),
        path=COOKIE_PATH,
        secure=services.site.base_url.startswith("https:"),
        httponly=True,
        samesite="strict",
    )


def close_session(request: Request, answer: Response, operations: Operations) -> None:
    """Sign out: the token is worth nothing from here on."""
    operations.access.operators.close_session(session_digest(request))
    answer.delete_cookie(COOKIE, path=COOKIE_PATH)


def form_token(session_token: str) -> str:
    """What only a page that was made for this session can know."""
    return hmac.new(session_token.encode(), b"form", hashlib.sha256).hexdigest()


def ask_to_sign_in(request: Request, problem: Exception) -> Response:
    """A person is led to the sign-in page and back; a script is told."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/console/sign-in", 303)
    return errors.answer(request, SignInNeeded.code, SignInNeeded.http_status)


def session_digest(request: Request) -> bytes:
    """The SHA-256 of the request's session token."""
    return _digest(request.cookies.get(COOKIE, ""))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
