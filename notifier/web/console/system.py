"""System: what is wrong and what to do, who sends, what waits, what runs; and who may sign in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from notifier.errors import NotFound
from notifier.operators.audit import Act
from notifier.text.spans import span
from notifier.web.bodies import OperatorName
from notifier.web.console.access import CHANGES, Admin, Viewer
from notifier.web.console.audit import note
from notifier.web.console.page import page
from notifier.web.console.service_reports import service_reports
from notifier.web.console.services import Console
from notifier.web.services import Services

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=4096)

CHORES = {
    "poll": "ask the feeds that are due",
    "hubs": "subscribe to hubs, so that publishers push to us",
    "config": "look whether feeds.yaml or topics.yaml changed",
    "gauges": "count what /metrics shows",
    "receipts": "count what browsers told of alerts",
    "audience": "keep how many follow what today",
    "keys": "put away keys that nobody has any more",
    "prune": "let go of what is old",
    "troubles": "look for what is wrong",
}


@router.get("/system")
def system(request: Request, session: Viewer, console: Console, services: Services) -> Response:
    """What is wrong first, then how each part is."""
    now, wall = services.clock(), console.wall()
    state, checks = console.system(), services.readiness()
    return page(
        request,
        "system.html",
        session,
        here="system",
        state=state,
        troubles=services.troubles(),
        services=service_reports(state, now),
        checks=checks,
        chores=CHORES,
        operators=console.operators.all(wall),
        now=now,
        wall=wall,
        span=span,
    )


@router.post("/operators/{name}/sign-out", dependencies=CHANGES)
def sign_out_everywhere(name: OperatorName, request: Request, session: Admin, console: Console) -> Response:
    """End all sessions of an operator. Raises NotFound."""
    if console.operators.credentials(name) is None:
        raise NotFound("no such operator")
    console.operators.close_sessions(name)
    note(request, console, Act.SESSIONS_ENDED, name, by=session.operator.name, detail="everywhere")
    return RedirectResponse("/console/system", 303)
