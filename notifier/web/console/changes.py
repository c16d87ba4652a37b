"""What was changed in the operators' files, by whom, and undone with one click."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from notifier.operations.files import FEEDS, TOPICS, Overtaken
from notifier.operations.operations import Operations
from notifier.web.bodies import Id
from notifier.web.console.access import CHANGES, Editor, Session, Viewer
from notifier.web.console.page import page
from notifier.web.services import Operating

FILES = {TOPICS: "topics", FEEDS: "feeds"}
SHOWN_CHANGES = 50

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=4096)


@router.get("/changes")
def changes(request: Request, session: Viewer, operations: Operating, file: str = "", done: str = "") -> Response:
    """Every change made here: who, when, what; `file` keeps those of one file."""
    return _listed(request, session, operations, file, done=done)


@router.post("/changes/{change_id}/undo", dependencies=CHANGES)
def undo(change_id: Id, request: Request, session: Editor, operations: Operating) -> Response:
    """Put back the text from before a change, where nothing else has happened to the file since."""
    file = operations.changes.find(change_id).file
    try:
        operations.changes.undo(session.actor, change_id)
    except Overtaken:
        problem = f"{file} was changed again since then. Take the newer changes back first, or make a new one."
        return _listed(request, session, operations, file, status=409, problem=problem)
    return RedirectResponse(f"/console/changes?file={file}&done={change_id}", 303)


def _listed(
    request: Request,
    session: Session,
    operations: Operations,
    file: str,
    *,
    status: int = 200,
    problem: str = "",
    done: str = "",
) -> Response:
    return page(
        request,
        "changes.html",
        session,
        status=status,
        here=FILES.get(file, "topics"),
        changes=operations.changes.recent(SHOWN_CHANGES, file=file),
        file=file,
        files=FILES,
        problem=problem,
        done=done,
    )
