"""Alerts for programs: what was sent and what came of it; write, approve, withdraw and correct.

An alert that a program writes goes out as it is: there is no second page to confirm it on. In its place stand
`POST /alerts/preview`, which says to how many it would go, and `at_most`, above which it is not sent.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import AwareDatetime, Field, StringConstraints

from notifier.alerts.alert import Alert, AlertKind, Urgency
from notifier.alerts.draft import NO_STORY, Draft
from notifier.alerts.evidence_json import evidence_to_json
from notifier.clock import Clock
from notifier.operations.alerts import MOST_BODY, MOST_TITLE, MOST_URL
from notifier.operations.operations import Operations
from notifier.topics.topic import Then
from notifier.web.bodies import LARGEST_ID, Id
from notifier.web.operator_api.access import CHANGED, ROUTER, Reads, WritesAlerts
from notifier.web.operator_api.shapes import (
    PAGE,
    PRINTABLE,
    Cursor,
    Limit,
    Page,
    RequestBody,
    ResponseBody,
    cursor_of,
    places_of,
)
from notifier.web.services import Operating, Services

router = APIRouter(**ROUTER)


class AlertState(StrEnum):
    """Where an alert stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    WITHDRAWN = "withdrawn"


class AlertDraft(RequestBody):
    """An alert to write. `story` and `replaces` name what it is about; with `replaces` it is a correction."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_TITLE), PRINTABLE] = (
        Field(examples=["Ferry aground off the harbour"])
    )
    body: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_BODY), PRINTABLE] = Field(
        "", examples=["All 80 on board are safe, the coastguard says."]
    )
    url: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_URL), PRINTABLE] = Field(
        description="What a tap opens", examples=["https://news.example/ferry"]
    )
    topics: list[Annotated[str, StringConstraints(min_length=1, max_length=64)]] = Field(
        min_length=1, max_length=200, description="Whoever follows one of these gets it", examples=[["world"]]
    )
    breaking: bool = Field(False, description="Urgent: it overtakes other alerts, and wakes screens")
    story: int | None = Field(None, ge=1, le=LARGEST_ID, description="The story it is about")
    replaces: int | None = Field(None, ge=1, le=LARGEST_ID, description="The alert that it corrects on screens")
    at_most: int | None = Field(None, ge=0, le=LARGEST_ID, description="Not sent if it would go to more people")

    def draft(self) -> Draft:
        """The alert that is meant, not checked yet."""
        topics = tuple(sorted(set(self.topics)))
        return Draft(self.title, self.body, self.url, topics, self.breaking, self.story or NO_STORY, self.replaces or 0)


class AlertPreview(ResponseBody):
    """What would be sent. Nothing is written."""

    audience: int = Field(description="Subscriptions that it would go to now")
    kind: AlertKind


class AlertShown(ResponseBody):
    """An alert and what came of it."""

    id: int
    story: int | None
    kind: AlertKind
    state: AlertState
    title: str
    body: str
    url: str
    publisher: str
    topics: list[str]
    breaking: bool
    urgency: Urgency
    ttl_s: int
    decided_at: AwareDatetime
    hold_until: AwareDatetime | None = Field(description="Until then an editor may let it go, or drop it")
    then: Then | None = Field(
        description="What becomes of it at `hold_until` if nobody looks; null where it is not held"
    )
    nobody_looked: bool = Field(description="Its hold ended without an editor: it was sent or dropped so")
    done_at: AwareDatetime | None
    withdrawn_at: AwareDatetime | None
    audience: int
    outcomes: dict[str, int] = Field(description="Pushes by outcome", examples=[{"delivered": 3210, "gone": 4}])


class AlertInFull(AlertShown):
    """An alert with its reasons and its outcomes by push service."""

    why: dict[str, Any] = Field(description="The evidence it was decided by; more may be added")
    by_push_service: dict[str, dict[str, int]] = Field(examples=[{"mozilla": {"delivered": 1200, "gone": 1}}])


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern="^[!-~]+$",
        description="Of your own choice. The same request again within a day is the same alert: nobody is told twice",
    ),
]


def state_of(alert: Alert, clock: Clock) -> AlertState:
    """In one word."""
    if alert.withdrawn_at is not None:
        return AlertState.WITHDRAWN
    if alert.done_at is not None:
        return AlertState.SENT
    return AlertState.WAITING if alert.waits(clock()) else AlertState.SENDING


@router.get("/alerts")
def list_alerts(
    actor: Reads,
    operations: Operating,
    services: Services,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    state: Annotated[AlertState | None, Query(description="Only those that stand there")] = None,
) -> Page[AlertShown]:
    """The newest alerts. With `state` a page may have fewer than `limit`, or none, and still have a `next`."""
    places = places_of(cursor, 1)
    found = operations.alerts.book.recent(limit, places[0] if places else None)
    shown = [alert for alert in found if state in (None, state_of(alert, services.clock))]
    return Page(
        items=[AlertShown.of(alert, **_words(alert, services.clock)) for alert in shown],
        next=cursor_of(found[-1].id) if len(found) == limit else None,
    )


@router.get("/alerts/{alert_id}")
def show_alert(alert_id: Id, actor: Reads, operations: Operating) -> AlertInFull:
    """One alert: why, to how many, and what came of it by push service."""
    return _in_full(operations.alerts.book.alert(alert_id), operations)


@router.post("/alerts/preview")
def preview_alert(draft: AlertDraft, actor: WritesAlerts, operations: Operating) -> AlertPreview:
    """Check an alert, and count whom it would go to now. Nothing is written, nothing is sent."""
    new, audience = operations.alerts.preview(actor, draft.draft())
    return AlertPreview(audience=audience, kind=new.kind)


@router.post(
    "/alerts",
    status_code=201,
    responses=CHANGED | {200: {"model": AlertInFull, "description": "This key's request was taken before"}},
)
def write_alert(
    draft: AlertDraft,
    actor: WritesAlerts,
    operations: Operating,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> AlertInFull:
    """Write an alert. Once this is answered, no crash loses it."""
    alert, fresh = operations.alerts.write(actor, draft.draft(), key=idempotency_key, at_most=draft.at_most)
    response.status_code = 201 if fresh else 200
    return _in_full(alert, operations)


@router.post("/alerts/{alert_id}/approve", responses=CHANGED)
def approve_alert(alert_id: Id, actor: WritesAlerts, operations: Operating) -> AlertInFull:
    """Let a waiting alert go now. 409 where it went already, or was withdrawn."""
    return _in_full(operations.alerts.approve(actor, alert_id), operations)


@router.post("/alerts/{alert_id}/withdraw", responses=CHANGED)
def withdraw_alert(alert_id: Id, actor: WritesAlerts, operations: Operating) -> AlertInFull:
    """Stop an alert where it stands: a waiting one is dropped. 409 where all of it was sent, or it was withdrawn.

    What screens show already stays: browsers allow no silent removal. Write a correction (`replaces`) instead.
    """
    return _in_full(operations.alerts.withdraw(actor, alert_id), operations)


def _in_full(alert: Alert, operations: Operations) -> AlertInFull:
    outcomes = operations.alerts.book.outcomes(alert.id)
    return AlertInFull.of(
        alert,
        **_words(alert, operations.alerts.clock),
        why=evidence_to_json(alert.why),
        by_push_service={service: dict(counts) for service, counts in outcomes.items()},
    )


def _words(alert: Alert, clock: Clock) -> dict[str, Any]:
    """What an alert says on a screen, and where it stands."""
    words = {name: getattr(alert.message, name) for name in ("title", "body", "url", "publisher")}
    return words | {
        "story": alert.story_id or None,
        "state": state_of(alert, clock),
        "topics": sorted(alert.topics),
        "then": None if alert.hold_until is None else Then.SEND if alert.goes_by_itself else Then.DROP,
        "nobody_looked": alert.nobody_looked(clock()),
        "outcomes": dict(alert.counts),
    }
