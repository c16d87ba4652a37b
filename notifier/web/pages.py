"""The pages and files that a browser loads: the subscribers' page, the service worker, the web app manifest.

Enters: topics and recent alerts. Leaves: HTML that already says everything; static/ (`assets`) adds what only a script
can do.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from markupsafe import Markup

from notifier.alerts.alert import Alert, AlertKind
from notifier.topics.topic import Topic, TopicMode
from notifier.web.assets import STATIC, asset, version
from notifier.web.browsers import Visitor, visitor
from notifier.web.conditional import answer
from notifier.web.security import PAGE_POLICY
from notifier.web.services import Services
from notifier.web.templating import render

RECENT = 5
# What a Home Screen shows under an icon (Chrome and Apple cut there).
SHORT_NAME_CHARACTERS = 12
MANIFEST_KEPT = "public, max-age=3600"
MODES = {
    TopicMode.EVERY: "Every story",
    TopicMode.BREAKING: "Only what breaks",
    TopicMode.HELD: "Only what an editor lets through",
}
# The worker loads its scripts and, for a notification, a picture: ours or, by the operator's choice, a publisher's.
WORKER_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'"

# A subscriber who comes back never sees what is for visitors: what static/panel.js remembers has to be known before
# anything is drawn. The page's only code of its own, which its policy names by the digest (CSP 3 section 2.3.1).
BEFORE_DRAWING = Markup(
    "try{let e=document.documentElement,p=localStorage.panel;if(p){e.classList.add('reader');"
    "p.split(' ').map((h,i)=>e.style.setProperty(i?'--often':'--panel',h+'px'))}}catch{}"
)
_DIGEST = b64encode(sha256(BEFORE_DRAWING.encode()).digest()).decode()
HOME_POLICY = PAGE_POLICY.replace("script-src 'self'", f"script-src 'self' 'sha256-{_DIGEST}'")

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
def home(
    request: Request, services: Services, browser: Annotated[Visitor, Depends(visitor)], topics: str = ""
) -> HTMLResponse:
    """The page: what this is, the topics, the state of this browser in words, and what was sent lately.

    `topics` are slugs with commas between them, which a link ticks instead of those that are ticked for everybody.
    """
    key, known = services.public_key(), services.topics()
    linked = linked_topics(topics, known)
    return render(
        request,
        "home.html",
        headers={"Content-Security-Policy": HOME_POLICY},
        before_drawing=BEFORE_DRAWING,
        topics=[(topic, MODES[topic.mode]) for topic in known],
        ticked=linked or [topic.slug for topic in known if topic.default_on],
        linked=linked,
        recent=latest_of_each_story(services.recent_alerts(), services.clock())[:RECENT],
        key=key.application_server_key,
        key_id=key.key_id,
        browser=browser,
        receipts=services.receipts is not None,
    )


@router.get("/sw.js")
def worker(request: Request, services: Services) -> Response:
    """The service worker, from the root so that its scope is the whole site; what it loads is of its own release."""
    policy = f"{WORKER_POLICY} https:" if services.site.pictures_elsewhere else WORKER_POLICY
    source = (STATIC / "sw.js").read_text(encoding="utf-8").replace('"/static/', f'"{asset("")}')
    return answer(
        request,
        source.encode(),
        f'W/"{version()}"',
        media_type="text/javascript",
        kept="no-cache",
        headers={"Content-Security-Policy": policy},
    )


@router.get("/manifest.webmanifest")
def manifest(services: Services) -> JSONResponse:
    """The web app manifest: what an iPhone needs before it lets a site send notifications."""
    icons = [
        {"src": asset("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        {"src": asset("icon-192.png"), "sizes": "192x192", "type": "image/png"},
        {"src": asset("icon-512.png"), "sizes": "512x512", "type": "image/png"},
        {"src": asset("icon-maskable-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ]
    described = {
        "id": "/",
        "name": services.site.title,
        "short_name": short_name(services.site.title),
        "description": "Breaking news on your screen, one alert a story.",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#fbf9f5",
        "theme_color": "#b3261e",
        "icons": icons,
    }
    kept = {"Cache-Control": MANIFEST_KEPT}
    return JSONResponse(described, media_type="application/manifest+json", headers=kept)


def linked_topics(written: str, known: Sequence[Topic]) -> list[str]:
    """Those of a link's topics that exist, in the page's order."""
    wanted = {slug.strip().lower() for slug in written.split(",")}
    return [topic.slug for topic in known if topic.slug in wanted]


def short_name(title: str) -> str:
    """As much of the site's title as a Home Screen shows, in whole words; one long word is left whole."""
    if len(title) <= SHORT_NAME_CHARACTERS:
        return title
    words = title.removeprefix("The ").split()
    while len(words) > 1 and len(" ".join(words)) > SHORT_NAME_CHARACTERS:
        words.pop()
    return " ".join(words)


def latest_of_each_story(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """The newest state of each story, in the order given (newest first); nothing that an editor may still stop."""
    newest: dict[str, Alert] = {}
    for alert in alerts:
        if alert.kind is not AlertKind.TEST and not alert.is_held(now):
            newest.setdefault(alert.message.tag, alert)
    return list(newest.values())
