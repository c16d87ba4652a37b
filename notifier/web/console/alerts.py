"""Alerts: those that wait for an editor, those on their way, those that were sent; and one written by hand.

An alert by hand is sent in two steps: written, with screens beside it that cut it as browsers do, then looked at with
the number of people on the button. A sent one is never taken off a screen in silence, as browsers allow no such thing:
it is corrected.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from notifier.alerts.alert import Alert
from notifier.alerts.draft import Draft
from notifier.alerts.evidence_words import line, sentences
from notifier.errors import AudienceGrew, Conflict, EntryInvalid, UnknownTopic
from notifier.operations.alerts import MOST_BODY, MOST_TITLE
from notifier.operations.operations import Operations
from notifier.push.outcome import Delivered, Gone, Retry
from notifier.text.spans import span
from notifier.web.bodies import LARGEST_ID, Id
from notifier.web.console.access import CHANGES, Editor, Session, Viewer
from notifier.web.console.draft import draft_fields, replacing
from notifier.web.console.page import page
from notifier.web.console.progress import Figures, Meter, figures, settled
from notifier.web.rates import limit_tests
from notifier.web.services import Operating, Services, WebServices
from notifier.web.tokens import Owner

LISTED = 30
Written = Annotated[Draft, Depends(draft_fields)]

router = APIRouter(prefix="/console/alerts", include_in_schema=False, max_body_size=16 * 1024)


@router.get("")
def alerts(
    request: Request,
    session: Viewer,
    operations: Operating,
    services: Services,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """Waiting, under way, sent; `before` pages on through those that were sent."""
    now = services.clock()
    unfinished = [] if before else operations.alerts.open_alerts()
    waiting = [a for a in unfinished if a.waits(now)]
    newest = operations.alerts.book.recent(LISTED, before)
    return page(
        request,
        "alerts.html",
        session,
        here="alerts",
        waiting=sorted(waiting, key=lambda a: a.hold_until or now),
        under_way=[(a, _meter(request).progress(a, now)) for a in unfinished if a not in waiting],
        sent=[(a, _figures(operations, a)) for a in newest if a.done_at is not None],
        older=newest[-1].id if len(newest) == LISTED else None,
        before=before,
        line_of=line,
        settled=settled,
        span=span,
        now=now,
    )


@router.get("/new")
def write(
    request: Request,
    session: Editor,
    operations: Operating,
    services: Services,
    story: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0,
    replaces: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0,
    way: Literal["correction", "update", "back"] = "correction",
) -> Response:
    """An empty form, or one that begins with a story's words, or with those of an alert to replace."""
    return _form(request, session, services, _start(operations, story, replaces, way), "")


@router.post("/check", dependencies=CHANGES)
def check(
    request: Request,
    session: Editor,
    operations: Operating,
    services: Services,
    draft: Written,
    people: Annotated[int, Form(ge=-1)] = -1,
    once: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """First how it will look and to how many it goes; with `people` from that page, send it.

    Should more people have joined than the page said, the page is shown again. The page names itself (`once`): pressed
    twice, or sent again by a browser that got no answer, it is one alert.
    """
    try:
        _, audience = operations.alerts.preview(session.actor, draft)
        if people < 0 or not audience:
            return _confirm(request, session, services, draft, audience)
        key = f"console {once}" if once else None
        alert, _ = operations.alerts.write(session.actor, draft, key=key, at_most=people)
    except EntryInvalid as wrong:
        return _form(request, session, services, draft, wrong.sentence, status=422)
    except UnknownTopic:
        return _form(request, session, services, draft, "Choose who gets it: one topic or more.", status=422)
    except AudienceGrew as grew:
        return _confirm(request, session, services, draft, grew.audience, joined=True)
    return RedirectResponse(f"/console/alerts/{alert.id}", 303)


@router.post("/edit", dependencies=CHANGES)
def edit(request: Request, session: Editor, services: Services, draft: Written) -> Response:
    """Back from the last look to the form, with nothing lost."""
    return _form(request, session, services, draft, "")


@router.post("/try", dependencies=[*CHANGES, Depends(limit_tests)])
async def try_it(session: Editor, operations: Operating, draft: Written, owner: Owner) -> JSONResponse:
    """Push exactly these words to the browser whose own token came along, and to nobody else.

    The token is the subscriber's: it is looked up and forgotten, never kept beside the operator.
    """
    try:
        outcome = await operations.alerts.attempt(session.actor, draft, owner)
    except EntryInvalid as wrong:
        return JSONResponse({"said": wrong.sentence}, 422)
    match outcome:
        case Delivered():
            said = "The push service took it: it is on your screen in a moment."
        case Gone():
            said = "This browser’s subscription is over. Press “Get alerts” on the subscribers’ page again."
        case Retry():
            said = "The push service is busy. Try again in a moment."
        case _:
            said = "The push service refused it. System says more."
    return JSONResponse({"said": said})


@router.get("/{alert_id}")
def one(alert_id: Id, request: Request, session: Viewer, operations: Operating, services: Services) -> Response:
    """Why, to how many, and what came of it by push service."""
    return _one(request, session, operations, services, alert_id)


@router.post("/{alert_id}/approve", dependencies=CHANGES)
def approve(alert_id: Id, request: Request, session: Editor, operations: Operating, services: Services) -> Response:
    """Let a held alert go now, or say that it went already."""
    try:
        operations.alerts.approve(session.actor, alert_id)
    except Conflict:
        return _one(
            request, session, operations, services, alert_id, "It does not wait any more. This is how it stands."
        )
    return RedirectResponse(f"/console/alerts/{alert_id}", 303)


@router.post("/{alert_id}/withdraw", dependencies=CHANGES)
def withdraw(alert_id: Id, request: Request, session: Editor, operations: Operating, services: Services) -> Response:
    """Stop an alert where it stands, or say that there was nothing left to stop."""
    try:
        operations.alerts.withdraw(session.actor, alert_id)
    except Conflict:
        return _one(request, session, operations, services, alert_id, "There was nothing left to stop.")
    return RedirectResponse(f"/console/alerts/{alert_id}", 303)


def _one(
    request: Request,
    session: Session,
    operations: Operations,
    services: WebServices,
    alert_id: int,
    problem: str = "",
) -> Response:
    alert = operations.alerts.book.alert(alert_id)
    outcomes = operations.alerts.book.outcomes(alert_id)
    now = services.clock()
    under_way = alert.done_at is None and not alert.waits(now)
    return page(
        request,
        "alert.html",
        session,
        status=409 if problem else 200,
        here="alerts",
        alert=alert,
        problem=problem,
        figures=_figures(operations, alert),
        progress=_meter(request).progress(alert, now) if under_way else None,
        outcomes=outcomes,
        kinds=sorted({kind for counts in outcomes.values() for kind in counts}),
        signals=sentences(alert.why),
        settled=settled,
        span=span,
        now=now,
    )


def _figures(operations: Operations, alert: Alert) -> Figures:
    return figures(alert, operations.alerts.receipts.receipts(alert.id), operations.alerts.receipts.times(alert.id))


def _meter(request: Request) -> Meter:
    meter: Meter = request.app.state.meter
    return meter


def _start(operations: Operations, story: int, replaces: int, way: str) -> Draft:
    if replaces:
        return replacing(operations.alerts.book.alert(replaces), way)
    if story:
        lead = operations.stories.book.story(story).lead
        return Draft(lead.title[:MOST_TITLE], lead.summary[:MOST_BODY], lead.url, story=story)
    return Draft()


def _confirm(
    request: Request, session: Session, services: WebServices, draft: Draft, audience: int, *, joined: bool = False
) -> Response:
    titles = {topic.slug: topic.title for topic in services.topics()}
    return page(
        request,
        "confirm.html",
        session,
        here="alerts",
        draft=draft,
        topics=[titles[slug] for slug in draft.topics],
        audience=audience,
        joined=joined,
        once=secrets.token_hex(16),
        publisher=services.site.title,
    )


def _form(
    request: Request, session: Session, services: WebServices, draft: Draft, problem: str, status: int = 200
) -> Response:
    audiences: Sequence[tuple[object, int]] = [
        (topic, services.subscriptions.audience(frozenset({topic.slug}))) for topic in services.topics()
    ]
    return page(
        request,
        "write.html",
        session,
        status=status,
        here="alerts",
        draft=draft,
        problem=problem,
        topics=audiences,
        publisher=services.site.title,
        most_title=MOST_TITLE,
        most_body=MOST_BODY,
    )
