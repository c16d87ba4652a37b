"""Signing in and out, and the first operator: the only console routes that are open to somebody without a session.

Until there has been an operator the console is closed, except to whoever has the link that the service printed when it
started; it makes the first administrator, once and never again. Who then loses all access adds an operator on the
server (`notifier operators add`).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from notifier.errors import PasswordRefused
from notifier.operators.audit import NOBODY, Act
from notifier.operators.password import fits, hash_password
from notifier.web.clients import client_of
from notifier.web.console.access import CHANGES, SignedIn, close_session, open_session
from notifier.web.console.page import page
from notifier.web.rates import limit_sign_ins
from notifier.web.security import refuse_foreign
from notifier.web.services import Operating, Services, WebServices
from notifier.web.sign_ins import SignIns

MAX_BODY_BYTES = 4096
HOME = "/console/stories"

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=MAX_BODY_BYTES)
Text = Annotated[str, Form(max_length=200)]
OPEN = [Depends(refuse_foreign), Depends(limit_sign_ins)]


@router.get("")
def start() -> RedirectResponse:
    """The console begins with the list of stories."""
    return RedirectResponse(HOME, 303)


@router.get("/sign-in")
def form(request: Request, operations: Operating, services: Services) -> Response:
    """Name and password; or what to do where there is no operator yet, or none any more."""
    closed = not operations.access.operators.all(operations.access.wall())
    first = closed and not operations.access.operators.ever_any()
    way = _provider(services)
    return page(request, "sign-in.html", closed=closed, first=first, problem="", name="", provider=way)


@router.post("/sign-in", dependencies=OPEN)
def sign_in(request: Request, name: Text, password: Text, operations: Operating, services: Services) -> Response:
    """Open a session, or say that the two do not belong together. Raises TooOften and TooBusy."""
    sign_ins: SignIns = request.app.state.sign_ins
    who, client = name.strip(), client_of(request.scope)
    sign_ins.begin(who, client, operations.access.wall(), lambda: operations.access.audit.has_signed_in(who, client))
    known = operations.access.operators.credentials(who)
    with sign_ins.turn():
        right = fits(password, known[1] if known else None)
    if not right or known is None:
        operations.access.note(Act.REFUSED, known[0].name if known else NOBODY, client)
        problem = "Name and password do not belong together."
        way = _provider(services)
        return page(request, "sign-in.html", status=401, closed=False, problem=problem, name=name, provider=way)
    sign_ins.succeeded(who, client)
    operations.access.note(Act.SIGNED_IN, known[0].name, client)
    answer = RedirectResponse(HOME, 303)
    open_session(request, answer, known[0], operations, services)
    return answer


@router.post("/sign-out", dependencies=CHANGES)
def sign_out(request: Request, session: SignedIn, operations: Operating) -> Response:
    """End this session."""
    answer = RedirectResponse("/console/sign-in", 303)
    close_session(request, answer, operations)
    return answer


@router.get("/first/{secret}")
def first_form(secret: str, request: Request, operations: Operating) -> Response:
    """The form that makes the first administrator."""
    operations.access.check_first(secret)
    return page(request, "first.html", problem="", name="")


@router.post("/first/{secret}", dependencies=OPEN)
def make_first(
    secret: str, request: Request, name: Text, password: Text, operations: Operating, services: Services
) -> Response:
    """Make the first administrator and sign them in."""
    operations.access.check_first(secret)
    sign_ins: SignIns = request.app.state.sign_ins
    try:
        with sign_ins.turn():
            hashed = hash_password(password)
    except PasswordRefused as refused:
        return page(request, "first.html", status=422, problem=f"{refused}.".capitalize(), name=name)
    operator = operations.access.add_first(secret, name, hashed, client_of(request.scope))
    answer = RedirectResponse(HOME, 303)
    open_session(request, answer, operator, operations, services)
    return answer


def _provider(services: WebServices) -> str:
    """What the sign-in provider is called; empty where there is none."""
    return services.by_provider.title if services.by_provider is not None else ""
