"""Access: where an operator is signed in, and the tokens with which programs act for them; admins see everybody's.

A token's secret half is shown on the page that answers its making, and never again: only its SHA-256 is kept.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from notifier.errors import EntryInvalid
from notifier.operations.access import LONGEST_NAME
from notifier.operations.operations import Operations
from notifier.operators.operator import Role, handle_of
from notifier.operators.token import TokenScope
from notifier.web.bodies import Handle, Id, OperatorName
from notifier.web.console.access import CHANGES, Admin, Session, Viewer, session_digest
from notifier.web.console.page import page
from notifier.web.services import Operating

DAYS = {"30": "30 days", "90": "90 days", "365": "a year", "": "no end"}
SHOWN = 100
HERE = "/console/access"

router = APIRouter(prefix=HERE, include_in_schema=False, max_body_size=4096)


@router.get("")
def access(request: Request, session: Viewer, operations: Operating) -> Response:
    """Sessions and tokens."""
    return _access(request, session, operations)


@router.post("/tokens", dependencies=CHANGES)
def make_token(
    request: Request,
    session: Viewer,
    operations: Operating,
    name: Annotated[str, Form(max_length=LONGEST_NAME)] = "",
    scopes: Annotated[list[TokenScope], Form()] = [],  # noqa: B006 - FastAPI copies it
    days: Annotated[str, Form(max_length=4)] = "90",
) -> Response:
    """Make a token and show it, once."""
    chosen, purpose = frozenset(scopes), name.strip()
    until = None if not days else int(days) if days in DAYS else 0
    try:
        secret = operations.access.make_token(session.actor, session.operator.name, purpose, chosen, until)
    except EntryInvalid as wrong:
        return _access(request, session, operations, problem=wrong.sentence, name=name, chosen=chosen, status=422)
    return _access(request, session, operations, secret=secret, name=purpose, status=201)


@router.post("/tokens/{token_id}/revoke", dependencies=CHANGES)
def revoke_token(token_id: Id, session: Viewer, operations: Operating) -> Response:
    """End a token: one's own, or as an administrator anybody's."""
    operations.access.revoke_token(session.actor, token_id)
    return RedirectResponse(f"{HERE}#tokens", 303)


@router.post("/sessions/{handle}/end", dependencies=CHANGES)
def end_session(handle: Handle, session: Viewer, operations: Operating) -> Response:
    """Sign out of one browser: one's own, or as an administrator anybody's."""
    operations.access.end_session(session.actor, handle)
    return RedirectResponse(HERE, 303)


@router.post("/sign-out-everywhere", dependencies=CHANGES)
def sign_out_everywhere(session: Viewer, operations: Operating) -> Response:
    """End all sessions of one's own, this one too."""
    operations.access.sign_out(session.actor, session.operator.name)
    return RedirectResponse("/console/sign-in", 303)


@router.post("/operators/{name}/role", dependencies=CHANGES)
def set_role(name: OperatorName, session: Admin, operations: Operating, role: Annotated[Role, Form()]) -> Response:
    """Give an operator another role, from their next request on. Nobody changes their own: one administrator stays."""
    operations.access.set_role(session.actor, name, role)
    return RedirectResponse(f"{HERE}#operators", 303)


def _access(
    request: Request,
    session: Session,
    operations: Operations,
    *,
    secret: str = "",
    problem: str = "",
    name: str = "",
    chosen: frozenset[TokenScope] = frozenset({TokenScope.READ}),
    status: int = 200,
) -> Response:
    access, now = operations.access, operations.access.wall()
    whose = access.whose(session.actor)
    return page(
        request,
        "access.html",
        session,
        status=status,
        here="access",
        secret=secret,
        problem=problem,
        name=name,
        chosen=chosen,
        scopes=[scope for scope in TokenScope if session.may(scope.role)],
        days=DAYS,
        tokens=access.tokens.list(whose),
        sessions=access.operators.sessions(now, whose),
        this=handle_of(session_digest(request)),
        operators=access.operators.all(now) if whose is None else (),
        entries=access.audit.recent(SHOWN, whose),
        roles=list(Role),
        now=now,
    )
