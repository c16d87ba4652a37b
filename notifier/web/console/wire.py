"""The wire: stories as they come, with what came of each and why; and what keeps console pages moving.

Enters: the newsroom's stories. Leaves: HTML, and a stream of events (HTML Living Standard, server-sent events) that
says when a page would look different.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from notifier.web.console.access import CHANGES, Editor, Viewer
from notifier.web.console.page import page
from notifier.web.console.services import Console, ConsoleServices
from notifier.web.services import Services

SHOWN = 100
LOOK_EVERY_S = 2.0
# A stream ends by itself; the browser opens a new one.
STREAM_S = 600.0

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=4096)

STATES = {
    "new": "alerted",
    "update": "updated",
    "correction": "corrected",
    "held": "held",
    "dropped": "not alerted",
}


@router.get("/wire")
def wire(request: Request, session: Viewer, console: Console, services: Services, q: str = "") -> Response:
    """The newest stories; `q` keeps those whose headline has these words."""
    wanted = q.casefold().split()
    stories = [s for s in console.newsroom.stories(SHOWN) if all(word in s.lead.title.casefold() for word in wanted)]
    return page(
        request,
        "wire.html",
        session,
        here="wire",
        stories=stories,
        silenced=console.newsroom.silenced(),
        states=STATES,
        facts=evidence,
        now=services.clock(),
        q=q,
    )


@router.post("/stories/{story_id}/never", dependencies=CHANGES)
def never(story_id: int, session: Editor, console: Console) -> Response:
    """Never alert this story, whatever comes."""
    console.newsroom.silence(story_id, session.operator.name, console.wall())
    console.changed()
    return RedirectResponse(f"/console/wire#story-{story_id}", 303)


@router.post("/stories/{story_id}/by-the-rules", dependencies=CHANGES)
def by_the_rules(story_id: int, session: Editor, console: Console) -> Response:
    """Take “never” back."""
    console.newsroom.unsilence(story_id)
    console.changed()
    return RedirectResponse(f"/console/wire#story-{story_id}", 303)


@router.get("/events")
async def events(request: Request, session: Viewer, console: Console) -> Response:
    """An event whenever a page that shows stories or alerts would look different."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_beats(request, console), media_type="text/event-stream", headers=headers)


async def _beats(request: Request, console: ConsoleServices) -> AsyncIterator[str]:
    before = await asyncio.to_thread(console.newsroom.pulse)
    yield ": watching\n\n"
    for _ in range(int(STREAM_S / LOOK_EVERY_S)):
        await asyncio.sleep(LOOK_EVERY_S)
        if await request.is_disconnected():
            return
        now = await asyncio.to_thread(console.newsroom.pulse)
        yield "event: changed\ndata: \n\n" if now != before else ": nothing new\n\n"
        before = now


def evidence(figures: Any, depth: int = 0) -> list[tuple[str, str]]:
    """Evidence as lines a person can read: a name and what was found."""
    if not isinstance(figures, Mapping):
        return [("", _said(figures))]
    lines: list[tuple[str, str]] = []
    for key, value in figures.items():
        seconds = str(key).endswith("_s") and isinstance(value, int | float)
        name = (str(key).removesuffix("_s") if seconds else str(key)).replace("_", " ")
        if isinstance(value, Mapping) and depth < 3:
            lines += [(f"{name}: {inner}" if inner else name, said) for inner, said in evidence(value, depth + 1)]
        elif key != "items":
            lines.append((name, _span(value) if seconds else _said(value)))
    return lines


def _span(seconds: float) -> str:
    """A length of time in the unit that a person would choose."""
    unit_s, unit = next(((u, name) for u, name in ((3600, "h"), (60, "min")) if seconds >= u), (1, "s"))
    return f"{seconds / unit_s:.3g} {unit}"


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "none"
    return "–" if value is None else str(value)
