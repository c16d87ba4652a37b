"""Access: where an operator is signed in, and the tokens with which programs act for them; admins see everybody's.

A token's secret half is shown on the page that answers its making, and never again: only its SHA-256 is kept.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from notifier.errors import NotFound
from notifier.operators.audit import Act
from notifier.operators.operator import Role, handle_of
from notifier.operators.token import Scope, allowed, digest_of, new_secret
from notifier.web.bodies import Handle, Id, OperatorName
from notifier.web.console.access import CHANGES, Admin, Session, Viewer, session_digest
from notifier.web.console.audit import note
from notifier.web.console.page import page
from notifier.web.console.services import Console, ConsoleServices

DAYS = {"30": "30 days", "90": "90 days", "365": "a year", "": "no end"}
LONGEST_NAME = 64
SHOWN = 100
HERE = "/console/access"

router = APIRouter(prefix=HERE, include_in_schema=False, max_body_size=4096)


@router.get("")
def access(request: Request, session: Viewer, console: Console) -> Response:
    """Sessions and tokens."""
    return _access(request, session, console)


@router.post("/tokens", dependencies=CHANGES)
def make_token(
    request: Request,
    session: Viewer,
    console: Console,
    name: Annotated[str, Form(max_length=LONGEST_NAME)] = "",
    scopes: Annotated[list[Scope], Form()] = [],  # noqa: B006 - FastAPI copies it
    days: Annotated[str, Form(max_length=4)] = "90",
) -> Response:
    """Make a token and show it, once."""
    chosen = allowed(scopes, session.operator.role)
    if not name.strip() or not chosen or days not in DAYS:
        problem = "Say what it is for." if not name.strip() else "Choose what it may do, and for how long."
        return _access(request, session, console, problem=problem, name=name, chosen=chosen, status=422)
    secret, now = new_secret(), console.wall()
    until = now + timedelta(days=int(days)) if days else None
    console.tokens.add(session.operator.id, name.strip(), digest_of(secret) or b"", chosen, now, until)
    note(request, console, Act.TOKEN_MADE, session.operator.name, detail=f"{name.strip()}: {', '.join(sorted(chosen))}")
    return _access(request, session, console, secret=secret, name=name.strip(), status=201)


@router.post("/tokens/{token_id}/revoke", dependencies=CHANGES)
def revoke_token(token_id: Id, request: Request, session: Viewer, console: Console) -> Response:
    """End a token: one's own, or as an administrator anybody's."""
    if not console.tokens.revoke(token_id, _whose(session)):
        raise NotFound("no such token")
    note(request, console, Act.TOKEN_REVOKED, session.operator.name, detail=f"token {token_id}")
    return RedirectResponse(f"{HERE}#tokens", 303)


@router.post("/sessions/{handle}/end", dependencies=CHANGES)
def end_session(handle: Handle, request: Request, session: Viewer, console: Console) -> Response:
    """Sign out of one browser: one's own, or as an administrator anybody's."""
    if not console.operators.close_by_handle(handle, _whose(session)):
        raise NotFound("no such session")
    note(request, console, Act.SESSIONS_ENDED, session.operator.name, detail=f"session {handle}")
    return RedirectResponse(HERE, 303)


@router.post("/sign-out-everywhere", dependencies=CHANGES)
def sign_out_everywhere(request: Request, session: Viewer, console: Console) -> Response:
    """End all sessions of one's own, this one too."""
    console.operators.close_sessions(session.operator.name)
    note(request, console, Act.SESSIONS_ENDED, session.operator.name, detail="everywhere")
    return RedirectResponse("/console/sign-in", 303)


@router.post("/operators/{name}/role", dependencies=CHANGES)
def set_role(
    name: OperatorName, request: Request, session: Admin, console: Console, role: Annotated[Role, Form()]
) -> Response:
    """Give an operator another role, from their next request on. Nobody changes their own: one administrator stays."""
    if name == session.operator.name or not console.operators.set_role(name, role):
        raise NotFound("no such operator, or you")
    note(request, console, Act.ROLE_CHANGED, name, by=session.operator.name, detail=role)
    return RedirectResponse(f"{HERE}#operators", 303)


def _whose(session: Session) -> str | None:
    """Whose things the operator may end: their own, or everybody's."""
    return None if session.may(Role.ADMIN) else session.operator.name


def _access(
    request: Request,
    session: Session,
    console: ConsoleServices,
    *,
    secret: str = "",
    problem: str = "",
    name: str = "",
    chosen: frozenset[Scope] = frozenset({Scope.READ}),
    status: int = 200,
) -> Response:
    now = console.wall()
    whose = _whose(session)
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
        scopes=[scope for scope in Scope if session.may(scope.role)],
        days=DAYS,
        tokens=console.tokens.list(whose),
        sessions=console.operators.sessions(now, whose),
        this=handle_of(session_digest(request)),
        operators=console.operators.all(now) if whose is None else (),
        entries=console.audit.recent(SHOWN, whose),
        roles=list(Role),
        now=now,
    )
