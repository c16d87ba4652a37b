"""The list of stories as they come, with what came of each and why; and what keeps console pages moving.

Enters: the stories. Leaves: HTML, and a stream of events (HTML Living Standard, server-sent events) that
says when a page would look different.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from notifier.alerts.evidence_words import sentences
from notifier.alerts.story_store import StoryReport
from notifier.operations.operations import Operations
from notifier.operations.stories import with_words
from notifier.text.spans import span
from notifier.web.bodies import Id
from notifier.web.console.access import CHANGES, Editor, Session, Viewer, session_digest
from notifier.web.console.page import page
from notifier.web.services import Operating, Services
from notifier.web.streams import Streams

SHOWN = 100
LOOK_EVERY_S = 2.0
# A stream ends by itself; the browser opens a new one.
STREAM_S = 600.0

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=4096)

STATES = {
    "new": "alerted",
    "update": "updated",
    "correction": "corrected",
    "waiting": "waits for you",
    "withdrawn": "withdrawn",
    "never": "never",
    "hold": "on hold",
    "dropped": "not alerted",
}


@router.get("/stories")
def story_list(request: Request, session: Viewer, operations: Operating, services: Services, q: str = "") -> Response:
    """The newest stories; `q` keeps those whose headline has these words."""
    return page(
        request,
        "stories.html",
        session,
        here="stories",
        stories=with_words(operations.stories.book.stories(SHOWN), q),
        state_of=shown_state,
        sentences_of=sentences,
        late=late,
        now=services.clock(),
        q=q,
    )


def shown_state(story: StoryReport) -> tuple[str, str]:
    """(kind, words) of what a story's mark says: an operator's override first, then what was sent, then the
    decision.
    """
    sent = [alert for alert in story.alerts if not alert.withdrawn]
    if story.choice == "never":
        kind = "never"
    elif any(alert.waiting for alert in sent):
        kind = "waiting"
    elif story.choice == "hold":
        kind = "hold"
    elif sent:
        kind = sent[-1].kind
    elif story.alerts:
        kind = "withdrawn"
    else:
        kind = "dropped"
    return kind, STATES.get(kind, kind)


def late(story: StoryReport) -> str:
    """How long its lead item took from publication to us, as a person says it; nothing where no time was given."""
    lead = story.lead
    if lead.published_at is None:
        return ""
    seconds = (lead.first_seen - lead.published_at).total_seconds()
    return "reached us at once" if seconds < 60 else f"reached us after {span(seconds)}"


@router.post("/stories/{story_id}/never", dependencies=CHANGES)
def never(story_id: Id, session: Editor, operations: Operating) -> Response:
    """Never alert this story, whatever comes."""
    operations.stories.never(session.actor, story_id)
    return RedirectResponse(f"/console/stories#story-{story_id}", 303)


@router.post("/stories/{story_id}/by-the-rules", dependencies=CHANGES)
def by_the_rules(story_id: Id, session: Editor, operations: Operating) -> Response:
    """Undo “never”."""
    operations.stories.leave_to_the_rules(session.actor, story_id)
    return RedirectResponse(f"/console/stories#story-{story_id}", 303)


@router.get("/events")
async def events(request: Request, session: Viewer, operations: Operating) -> Response:
    """An event whenever a page that shows stories or alerts would look different. Raises TooOften."""
    streams: Streams = request.app.state.streams
    streams.check(session.operator.id)  # now, as an answer that has begun can only break off
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    beats = _beats(request, session, operations, streams)
    return StreamingResponse(beats, media_type="text/event-stream", headers=headers)


async def _beats(request: Request, session: Session, operations: Operations, streams: Streams) -> AsyncIterator[str]:
    digest = session_digest(request)
    with streams.place(session.operator.id):
        before = await asyncio.to_thread(_pulse, operations, digest)
        yield ": watching\n\n"
        for _ in range(int(STREAM_S / LOOK_EVERY_S)):
            await streams.wait(LOOK_EVERY_S)
            if streams.is_over or await request.is_disconnected():
                return
            now = await asyncio.to_thread(_pulse, operations, digest)
            if now is None:
                return
            yield "event: changed\ndata: \n\n" if now != before else ": nothing new\n\n"
            before = now


def _pulse(operations: Operations, digest: bytes) -> str | None:
    """What changes whenever a page would; None once the session is over, wherever it was ended."""
    access = operations.access
    return operations.stories.book.pulse() if access.operators.session(digest, access.wall()) else None
