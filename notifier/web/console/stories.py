"""One story, item by item; what an operator says of it; and any two items compared, layer by layer.

Enters: stories and their items. Leaves: HTML, and rulings that the decider carries out within a second or so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from notifier.alerts.evidence_words import figures, sentences
from notifier.alerts.story_store import Member
from notifier.errors import NotFound
from notifier.web.bodies import LARGEST_ID, Id
from notifier.web.console.access import CHANGES, Editor, Viewer
from notifier.web.console.page import page
from notifier.web.console.story_list import shown_state
from notifier.web.services import Operating, Services

RULINGS = 100
# What a page says after something was done: the decider needs a second for it.
SAID = {
    "split": "It is being taken out into a story of its own. This page follows within a second or two.",
    "merge": "The two are being made one. This page follows within a second or two.",
    "hold": "Alerts of this story wait under Alerts until an editor lets them go.",
    "back": "Undone. Items return within a second or two.",
}

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=4096)


@router.get("/stories/compare")
def compare(request: Request, session: Viewer, operations: Operating, a: str = "", b: str = "") -> Response:
    """Two items, by id or address: one story or not, and by which figures. Raises PreviewsBusy: it reads three days of
    news, as previews do."""
    found, problem = None, ""
    if a.strip() and b.strip():
        try:
            with operations.topics.previewer.previews.turn(session.operator.id):
                found = operations.stories.explain(a, b)
        except NotFound as unknown:
            problem = str(unknown)
    status = 404 if problem else 200
    return page(request, "compare.html", session, status=status, here="stories", found=found, problem=problem, a=a, b=b)


@router.get("/stories/{story_id}")
def story(
    story_id: Id, request: Request, session: Viewer, operations: Operating, services: Services, said: str = ""
) -> Response:
    """Who tells it, why each item is in it, what came of it; of a merged one, the story that has its items."""
    report = operations.stories.book.story(story_id)
    while into := report.verdict.evidence.merged_into:
        report = operations.stories.book.story(into)
    return page(
        request,
        "story.html",
        session,
        here="stories",
        story=report,
        members=operations.stories.book.members(report.id),
        state=shown_state(report),
        signals=sentences(report.verdict.evidence),
        joined=joined,
        now=services.clock(),
        said=SAID.get(said, ""),
    )


@router.post("/items/{item_id}/split", dependencies=CHANGES)
def split(item_id: Id, session: Editor, operations: Operating) -> Response:
    """Take an item out of its story, for good."""
    _, item = operations.stories.split(session.actor, str(item_id))
    return RedirectResponse(f"/console/stories/{item.story_id}?said=split", 303)


@router.post("/stories/{story_id}/merge", dependencies=CHANGES)
def merge(
    story_id: Id, session: Editor, operations: Operating, other: Annotated[int, Form(ge=1, le=LARGEST_ID)]
) -> Response:
    """Make two stories one, for good."""
    operations.stories.merge(session.actor, story_id, other)
    return RedirectResponse(f"/console/stories/{story_id}?said=merge", 303)


@router.post("/stories/{story_id}/hold", dependencies=CHANGES)
def hold(story_id: Id, session: Editor, operations: Operating) -> Response:
    """Let its alerts wait for an editor."""
    operations.stories.hold(session.actor, story_id)
    return RedirectResponse(f"/console/stories/{story_id}?said=hold", 303)


@router.get("/rulings")
def rulings(request: Request, session: Viewer, operations: Operating, services: Services, said: str = "") -> Response:
    """What operators called the same story or not, newest first."""
    return page(
        request,
        "rulings.html",
        session,
        here="stories",
        rulings=operations.stories.book.rulings(RULINGS),
        now=services.clock(),
        said=SAID.get(said, ""),
    )


@router.post("/rulings/{act}/undo", dependencies=CHANGES)
def undo(act: Id, session: Editor, operations: Operating) -> Response:
    """As if it had not been said."""
    operations.stories.undo(session.actor, act)
    return RedirectResponse("/console/rulings?said=back", 303)


WAYS = {
    "new": "Began this story",
    "url": "Same page",
    "headline": "Same headline",
    "wire": "Wire copy of the same text",
    "event": "Same event in other words",
    "operator": "Put here by an operator",
}


def joined(member: Member) -> tuple[str, list[tuple[str, str]]]:
    """How an item came to its story: a few words, and the figures."""
    found = {key: value for key, value in member.evidence.items() if key != "trail"}
    words = WAYS.get(member.signal, member.signal)
    if member.signal == "operator":
        words = _by_hand(found)
    elif "score" in found:
        words += f", score {found['score']:g} (line {found['merge_at']:g})"
    return words, figures(found)


def _by_hand(figures: Mapping[str, Any]) -> str:
    said = {"same": "Merged", "apart": "Split out", "taken back": "Back again"}.get(
        str(figures.get("said")), "Put here"
    )
    by = f" by {figures['by']}" if figures.get("by") else ""
    number = f" (ruling {figures['ruling']})" if "ruling" in figures else ""
    return f"{said}{by}{number}"
