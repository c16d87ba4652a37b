"""Topics: the list and the workbench.

A save goes through two pages: the workbench, then one that shows what will change in the file and in the alerts, with
the version of the file that the edit started from. If somebody else saved in between, that page is shown again with
their text: the second decides with open eyes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from notifier.errors import EntryInvalid, QueryError
from notifier.operations.files import TOPICS as FILE
from notifier.operations.files import FileEdit, Overtaken
from notifier.operations.operations import Operations
from notifier.topics.topic import Topic, TopicMode
from notifier.web.console.access import CHANGES, Editor, Session, Viewer
from notifier.web.console.page import page
from notifier.web.console.workbench import (
    DAYS,
    LISTED,
    Look,
    TopicForm,
    fields,
    in_words,
    is_in_passing,
    look,
    words_of,
)
from notifier.web.services import Operating, Services

NEW = "new"  # the address of a topic that is not in the file yet

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=64 * 1024)
Edited = Annotated[TopicForm, Depends(fields)]
MODES = {
    TopicMode.EVERY: "an alert for each story that matches",
    TopicMode.BREAKING: "only when several outlets tell the story at once",
    TopicMode.HELD: "an editor lets each alert go by hand",
}

PREVIEW: dict[str, Any] = {"days": DAYS, "listed": LISTED, "words_of": words_of, "in_passing": is_in_passing}
"""What the preview's template asks for."""


@router.get("/topics")
def topics(request: Request, session: Viewer, operations: Operating, services: Services, saved: str = "") -> Response:
    """All topics in the order of the file, with their audience."""
    listed = operations.topics.listed().entries
    return page(
        request,
        "topics.html",
        session,
        here="topics",
        topics=[(topic, services.subscriptions.audience(frozenset({topic.slug}))) for topic in listed],
        saved=saved,
        complaints=operations.complaints(),
    )


@router.get("/topics/{slug}")
def workbench(slug: str, request: Request, session: Viewer, operations: Operating, services: Services) -> Response:
    """One topic: its rule, and what it would have sent."""
    before = _find(operations, slug)
    edited = TopicForm.of(before) if before else TopicForm("", "", "", "", TopicMode.EVERY.value, "", default_on=False)
    seen = look(edited, before, request, session, operations) if before else None
    return _workbench(request, session, services, edited, before, seen, status=seen.status if seen else 200)


@router.post("/topics/{slug}/look", dependencies=CHANGES)
def look_again(
    slug: str, request: Request, session: Viewer, edited: Edited, operations: Operating, services: Services
) -> Response:
    """What the edited rule would have sent; a part of the page where a script asks, the page where a button does."""
    before = _find(operations, slug)
    chosen = _named(edited, before)
    seen = look(chosen, before, request, session, operations)
    if "x-form-token" in request.headers:
        return page(request, "preview.html", session, status=seen.status, look=seen, **PREVIEW)
    return _workbench(request, session, services, chosen, before, seen, status=seen.status)


@router.post("/topics/{slug}/check", dependencies=CHANGES)
def check(
    slug: str, request: Request, session: Editor, edited: Edited, operations: Operating, services: Services
) -> Response:
    """Before anything is written: what will change in the file, and in the alerts."""
    before = _find(operations, slug)
    chosen = _named(edited, before)
    try:
        planned = operations.topics.plan(chosen.topic(), new=before is None)
    except (QueryError, EntryInvalid) as wrong:
        seen = Look(problem=in_words(wrong))
        return _workbench(request, session, services, chosen, before, seen, status=422)
    return _check(request, session, services, operations, chosen, before, planned)


@router.post("/topics/{slug}/save", dependencies=CHANGES)
def save(
    slug: str,
    request: Request,
    session: Editor,
    edited: Edited,
    started_from: Annotated[str, Form(max_length=64)],
    operations: Operating,
    services: Services,
) -> Response:
    """Write the file, unless somebody else did since the page before was made."""
    before = _find(operations, slug)
    chosen = _named(edited, before)
    try:
        operations.topics.save(session.actor, chosen.topic(), started_from, new=before is None)
    except Overtaken as quicker:
        return _check(request, session, services, operations, chosen, before, quicker.edit, overtaken=True)
    return RedirectResponse(f"/console/topics?saved={chosen.slug}", 303)


@router.post("/topics/{slug}/remove", dependencies=CHANGES)
def remove(slug: str, session: Editor, operations: Operating) -> Response:
    """Take a topic out of the file; its subscribers are kept for the day it comes back."""
    operations.topics.remove(session.actor, slug)
    return RedirectResponse(f"/console/changes?file={FILE}", 303)


def _workbench(
    request: Request,
    session: Session,
    services: Services,
    edited: TopicForm,
    before: Topic | None,
    seen: Look | None,
    status: int = 200,
) -> Response:
    audience = services.subscriptions.audience(frozenset({before.slug})) if before else 0
    return page(
        request,
        "workbench.html",
        session,
        status=status,
        here="topics",
        edited=edited,
        before=before,
        look=seen,
        audience=audience,
        modes=MODES,
        **PREVIEW,
    )


def _check(
    request: Request,
    session: Session,
    services: Services,
    operations: Operations,
    chosen: TopicForm,
    before: Topic | None,
    planned: FileEdit,
    *,
    overtaken: bool = False,
) -> Response:
    seen = look(chosen, before, request, session, operations)
    if seen.problem:
        return _workbench(request, session, services, chosen, before, seen, status=max(422, seen.status))
    return page(
        request,
        "check.html",
        session,
        status=409 if overtaken else 200,
        here="topics",
        edited=chosen,
        before=before,
        look=seen,
        lines=planned.lines,
        version=planned.before.version,
        overtaken=overtaken,
        newest=operations.topics.recorded.newest(),
        modes=MODES,
        **PREVIEW,
        audience=services.subscriptions.audience(frozenset({chosen.slug})),
    )


def _find(operations: Operations, slug: str) -> Topic | None:
    """The topic of this address; None for a new one. Raises NotFound or FileBroken."""
    return None if slug == NEW else operations.topics.find(slug)


def _named(edited: TopicForm, before: Topic | None) -> TopicForm:
    """A topic that exists keeps its slug: subscriptions name it."""
    if before is None:
        return edited
    return replace(edited, slug=before.slug)
