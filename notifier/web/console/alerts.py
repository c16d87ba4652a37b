"""Alerts: those that wait for an editor, those on their way, those that were sent; and one written by hand.

An alert by hand is sent in two steps: written, then looked at as screens will cut it, with the number of people on the
button. A sent one is never taken off a screen in silence, as browsers allow no such thing: it is corrected.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from notifier.alerts.alert import Alert, AlertKind, Message, NewAlert, Urgency
from notifier.errors import NotFound
from notifier.web.console.access import CHANGES, Editor, Session, Viewer
from notifier.web.console.page import page
from notifier.web.console.services import Console, ConsoleServices
from notifier.web.console.wire import SHOWN, evidence
from notifier.web.services import Services, WebServices

LISTED = 60
NO_STORY = 0
MOST_TITLE, MOST_BODY = 160, 400

router = APIRouter(prefix="/console/alerts", include_in_schema=False, max_body_size=16 * 1024)


@dataclass(frozen=True, slots=True)
class Draft:
    """An alert as it is being written. `story` and `replaces` are 0 where it is about neither."""

    title: str = ""
    body: str = ""
    url: str = ""
    topics: tuple[str, ...] = ()
    breaking: bool = False
    story: int = NO_STORY
    replaces: int = 0

    def problem(self, known: set[str]) -> str:
        """What is wrong with it, in a sentence, or nothing."""
        if not self.title.strip():
            return "Write a headline."
        if urlsplit(self.url).scheme not in {"http", "https"} or not urlsplit(self.url).hostname:
            return "Give the address that a tap opens, with https://."
        if not self.topics or not set(self.topics) <= known:
            return "Choose who gets it: one topic or more."
        return ""


@router.get("")
def alerts(request: Request, session: Viewer, console: Console, services: Services) -> Response:
    """Waiting, under way, sent."""
    now = services.clock()
    newest = console.newsroom.alerts(LISTED)
    waiting = [a for a in newest if a.hold_until and a.hold_until > now and a.done_at is None]
    under_way = [a for a in newest if a.done_at is None and a not in waiting]
    return page(
        request,
        "alerts.html",
        session,
        here="alerts",
        waiting=waiting,
        under_way=under_way,
        sent=[a for a in newest if a.done_at is not None],
        settled=settled,
        now=now,
    )


@router.get("/new")
def write(
    request: Request, session: Editor, console: Console, services: Services, story: int = 0, replaces: int = 0
) -> Response:
    """An empty form, or one that begins with a story's words, or with those of an alert to correct."""
    return _form(request, session, services, _start(console, story, replaces), "")


@router.post("/check", dependencies=CHANGES)
def check(
    request: Request,
    session: Editor,
    console: Console,
    services: Services,
    title: Annotated[str, Form(max_length=MOST_TITLE)] = "",
    body: Annotated[str, Form(max_length=MOST_BODY)] = "",
    url: Annotated[str, Form(max_length=2000)] = "",
    topics: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    breaking: Annotated[bool, Form()] = False,
    story: Annotated[int, Form(ge=0)] = NO_STORY,
    replaces: Annotated[int, Form(ge=0)] = 0,
    people: Annotated[int, Form(ge=-1)] = -1,
) -> Response:
    """First how it will look and to how many it goes; with `people` from that page, send it.

    Should more people have joined than the page said, the page is shown again.
    """
    draft = Draft(title.strip(), body.strip(), url.strip(), tuple(sorted(set(topics))), breaking, story, replaces)
    problem = draft.problem({topic.slug for topic in services.topics()})
    if problem:
        return _form(request, session, services, draft, problem, status=422)
    audience = services.subscriptions.audience(frozenset(draft.topics))
    if people < audience or not audience:
        return page(
            request,
            "confirm.html",
            session,
            here="alerts",
            draft=draft,
            audience=audience,
            publisher=services.site.title,
        )
    alert = console.newsroom.accept(_new(draft, session, console, services), services.clock())
    console.changed()
    console.wake()
    return RedirectResponse(f"/console/alerts/{alert.id}", 303)


@router.get("/{alert_id}")
def one(alert_id: int, request: Request, session: Viewer, console: Console, services: Services) -> Response:
    """Why, to how many, and what came of it by push service."""
    alert = console.newsroom.alert(alert_id)
    outcomes = console.newsroom.outcomes(alert_id)
    return page(
        request,
        "alert.html",
        session,
        here="alerts",
        alert=alert,
        outcomes=outcomes,
        kinds=sorted({kind for counts in outcomes.values() for kind in counts}),
        facts=evidence(alert.why),
        settled=settled,
        now=services.clock(),
    )


@router.post("/{alert_id}/approve", dependencies=CHANGES)
def approve(alert_id: int, session: Editor, console: Console, services: Services) -> Response:
    """Let a held alert go now."""
    console.newsroom.approve(alert_id, services.clock())
    console.wake()
    return RedirectResponse(f"/console/alerts/{alert_id}", 303)


@router.post("/{alert_id}/withdraw", dependencies=CHANGES)
def withdraw(alert_id: int, session: Editor, console: Console, services: Services) -> Response:
    """Stop an alert where it stands."""
    console.newsroom.withdraw(alert_id, services.clock())
    return RedirectResponse(f"/console/alerts/{alert_id}", 303)


def settled(alert: Alert) -> int:
    """How many of its audience are dealt with: accepted, gone or refused; retries are not."""
    return sum(count for outcome, count in alert.counts.items() if outcome != "retrying")


def _start(console: ConsoleServices, story: int, replaces: int) -> Draft:
    if replaces:
        old = console.newsroom.alert(replaces)
        words = old.message
        return Draft(
            words.title, words.body, words.url, tuple(sorted(old.topics)), old.breaking, old.story_id, replaces
        )
    if story:
        told = next((s for s in console.newsroom.stories(SHOWN) if s.id == story), None)
        if told is None:
            raise NotFound("this story is not on the wire any more")
        return Draft(told.lead.title[:MOST_TITLE], told.lead.summary[:MOST_BODY], told.lead.url, story=story)
    return Draft()


def _new(draft: Draft, session: Session, console: ConsoleServices, services: WebServices) -> NewAlert:
    now = services.clock()
    old = console.newsroom.alert(draft.replaces) if draft.replaces else None
    by_hand = f"story-{draft.story}" if draft.story else f"by-hand-{secrets.token_hex(6)}"
    rules = console.rules
    return NewAlert(
        story_id=old.story_id if old else draft.story,
        kind=AlertKind.CORRECTION if old else AlertKind.NEW,
        message=Message(
            title=draft.title,
            body=draft.body,
            url=draft.url,
            publisher=services.site.title,
            published_at=now,
            tag=old.message.tag if old else by_hand,
        ),
        topics=frozenset(draft.topics),
        breaking=draft.breaking,
        urgency=Urgency.HIGH if draft.breaking else Urgency.NORMAL,
        ttl_s=rules.breaking_ttl_s if draft.breaking else rules.normal_ttl_s,
        why={"by hand": session.operator.name} | ({"replaces": draft.replaces} if old else {}),
        decided_at=now,
    )


def _form(
    request: Request, session: Session, services: WebServices, draft: Draft, problem: str, status: int = 200
) -> Response:
    return page(
        request,
        "write.html",
        session,
        status=status,
        here="alerts",
        draft=draft,
        problem=problem,
        topics=services.topics(),
        most_title=MOST_TITLE,
        most_body=MOST_BODY,
    )
