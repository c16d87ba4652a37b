"""The pages and files that a browser loads: the subscribers' page, the service worker, the web app manifest.

Enters: topics and recent alerts. Leaves: HTML that already says everything; static/ adds what only a script can do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from notifier.alerts.alert import Alert, AlertKind
from notifier.web.browsers import browser_family
from notifier.web.services import Services
from notifier.web.templating import render

STATIC = Path(__file__).parent / "static"
RECENT = 6
# The worker loads its scripts and, for a notification, a picture: ours or, by the operator's choice, a publisher's.
WORKER_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'"

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
def home(request: Request, services: Services, browser: Annotated[str, Depends(browser_family)]) -> HTMLResponse:
    """The page: what this is, the topics, the state of this browser in words, and what was sent lately."""
    now, key = services.clock(), services.public_key()
    return render(
        request,
        "home.html",
        topics=services.topics(),
        recent=latest_of_each_story(services.recent_alerts(), now)[:RECENT],
        key=key.application_server_key,
        key_id=key.key_id,
        browser=browser,
        receipts=services.receipts is not None,
        now=now,
    )


@router.get("/sw.js")
def worker(services: Services) -> FileResponse:
    """The service worker, from the root so that its scope is the whole site."""
    policy = f"{WORKER_POLICY} https:" if services.site.pictures_elsewhere else WORKER_POLICY
    headers = {"Content-Security-Policy": policy}
    return FileResponse(STATIC / "sw.js", media_type="text/javascript", headers=headers)


@router.get("/manifest.webmanifest")
def manifest(services: Services) -> JSONResponse:
    """The web app manifest: what an iPhone needs before it lets a site send notifications."""
    icons = [
        {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
        {"src": "/static/icon-192.png", "sizes": "192x192", "type": "image/png"},
        {"src": "/static/icon-512.png", "sizes": "512x512", "type": "image/png"},
        {"src": "/static/icon-maskable-512.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ]
    described = {
        "id": "/",
        "name": services.site.title,
        "short_name": services.site.title[:12],
        "description": "Breaking news on your screen, one alert a story.",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#fbf9f5",
        "theme_color": "#b3261e",
        "icons": icons,
    }
    return JSONResponse(described, media_type="application/manifest+json")


def latest_of_each_story(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """The newest state of each story, in the order given (newest first); nothing that an editor may still stop."""
    newest: dict[str, Alert] = {}
    for alert in alerts:
        if alert.kind is not AlertKind.TEST and not alert.is_held(now):
            newest.setdefault(alert.message.tag, alert)
    return list(newest.values())
