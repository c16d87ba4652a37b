"""How things stand: feeds, audience, system. Pages to read; what is edited is edited elsewhere."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from notifier.web.console.access import CHANGES, Admin, Viewer
from notifier.web.console.page import page
from notifier.web.console.services import Console
from notifier.web.services import Services

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=4096)

ENDS = {
    "stopped": "pressed “Stop all alerts”",
    "404": "the push service no longer knew the address",
    "410": "took the permission back, or the browser ended it",
}


@router.get("/feeds")
def feeds(request: Request, session: Viewer, console: Console, services: Services) -> Response:
    """Each feed's health, those that need attention first."""
    return page(request, "feeds.html", session, here="feeds", feeds=console.feeds(), now=services.clock())


@router.get("/audience")
def audience(request: Request, session: Viewer, console: Console) -> Response:
    """Subscriptions by topic, browser and push service, and why others ended: counts, and nobody's identity."""
    counts = dict(console.newsroom.audience())
    reasons = {ENDS.get(reason, reason): n for reason, n in counts.pop("reason").items()}
    return page(request, "audience.html", session, here="audience", tables=counts, reasons=reasons)


@router.get("/system")
def system(request: Request, session: Viewer, console: Console, services: Services) -> Response:
    """Checks, what is set up, and who may sign in."""
    return page(
        request,
        "system.html",
        session,
        here="system",
        checks=services.readiness(),
        complaints=console.complaints(),
        facts=console.facts(),
        operators=console.operators.all(console.wall()),
    )


@router.post("/operators/{name}/sign-out", dependencies=CHANGES)
def sign_out_everywhere(name: str, session: Admin, console: Console) -> Response:
    """End all sessions of an operator."""
    console.operators.close_sessions(name)
    return RedirectResponse("/console/system", 303)
