"""What was changed in the operators' files, by whom, and taken back with one click."""

from __future__ import annotations

from typing import Protocol

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from notifier.errors import NotFound
from notifier.operators.change import NewChange, Written
from notifier.web.bodies import Id
from notifier.web.console.access import CHANGES, Editor, Session, Viewer
from notifier.web.console.page import page
from notifier.web.console.services import Console, ConsoleServices

TOPICS, FEEDS = "topics.yaml", "feeds.yaml"
FILES = {TOPICS: "topics", FEEDS: "feeds"}
SHOWN_CHANGES = 50
# Looked through for those of one file.
LOOKED_AT = 500

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=4096)


class Replaced(Protocol):
    """A file whose text can be put back."""

    def read(self) -> Written: ...
    def replace(self, text: str, started_from: str) -> None: ...


@router.get("/changes")
def changes(request: Request, session: Viewer, console: Console, file: str = "", done: str = "") -> Response:
    """Every change made here: who, when, what; `file` keeps those of one file."""
    return _listed(request, session, console, file, done=done)


@router.post("/changes/{change_id}/undo", dependencies=CHANGES)
def undo(change_id: Id, request: Request, session: Editor, console: Console) -> Response:
    """Put back the text from before a change, where nothing else has happened to the file since."""
    change = console.changes.find(change_id)
    file = None if change is None else file_of(console, change.file)
    if change is None or file is None:
        raise NotFound("no such change")
    text = file.read()
    if text.text != change.after:
        problem = f"{change.file} was changed again since then. Take the newer changes back first, or make a new one."
        return _listed(request, session, console, change.file, status=409, problem=problem)
    file.replace(change.before, text.version)
    keep(console, session, change.file, f"Took back: {change.what}", text.text, change.before)
    return RedirectResponse(f"/console/changes?file={change.file}&done={change_id}", 303)


def file_of(console: ConsoleServices, name: str) -> Replaced | None:
    """The operators' file of this name."""
    files: dict[str, Replaced] = {TOPICS: console.topics_file, FEEDS: console.feeds_file}
    return files.get(name)


def keep(console: ConsoleServices, session: Session, file: str, what: str, before: str, after: str) -> None:
    """Remember who changed what; a save that changed nothing is none."""
    if before != after:
        change = NewChange(file, session.operator.name, what, before, after)
        console.changes.record(change, console.wall())


def _listed(
    request: Request,
    session: Session,
    console: ConsoleServices,
    file: str,
    *,
    status: int = 200,
    problem: str = "",
    done: str = "",
) -> Response:
    of_file = [change for change in console.changes.recent(LOOKED_AT) if file in ("", change.file)]
    return page(
        request,
        "changes.html",
        session,
        status=status,
        here=FILES.get(file, "topics"),
        changes=of_file[:SHOWN_CHANGES],
        file=file,
        files=FILES,
        problem=problem,
        done=done,
    )
