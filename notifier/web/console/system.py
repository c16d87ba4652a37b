"""System: what is wrong and what to do, who sends, what waits, what runs; and who may sign in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from notifier.operations.service_reports import service_reports
from notifier.text.spans import span
from notifier.web.bodies import OperatorName
from notifier.web.console.access import CHANGES, Admin, Viewer
from notifier.web.console.page import page
from notifier.web.services import Operating, Services

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=4096)

JOBS = {
    "poll": "ask the feeds that are due",
    "hubs": "subscribe to hubs, so that publishers push to us",
    "config": "look whether feeds.yaml or topics.yaml changed",
    "gauges": "count what /metrics shows",
    "receipts": "count what browsers told of alerts",
    "audience": "keep how many follow what today",
    "keys": "put away keys that nobody has any more",
    "prune": "let go of what is old",
    "troubles": "look for what is wrong",
    "holds": "end the waiting of alerts that nobody let go in time",
    "erasure": "make what subscribers deleted unreadable in the database's files",
    "disk": "look how much room is left",
}


@router.get("/system")
def system(request: Request, session: Viewer, operations: Operating, services: Services) -> Response:
    """What is wrong first, then how each part is."""
    now, wall = services.clock(), operations.access.wall()
    state, checks = operations.system(), services.readiness()
    return page(
        request,
        "system.html",
        session,
        here="system",
        state=state,
        troubles=services.troubles(),
        services=service_reports(state, now),
        checks=checks,
        jobs=JOBS,
        operators=operations.access.operators.all(wall),
        now=now,
        wall=wall,
        span=span,
    )


@router.post("/operators/{name}/sign-out", dependencies=CHANGES)
def sign_out_everywhere(name: OperatorName, session: Admin, operations: Operating) -> Response:
    """End all sessions of an operator. Raises NotFound."""
    operations.access.sign_out(session.actor, name)
    return RedirectResponse("/console/system", 303)
