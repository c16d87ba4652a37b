"""Alerts for programs: what was sent and what came of it; write, approve, withdraw and correct.

An alert that a program writes goes out as it is: there is no second page to confirm it on. In its place stand
`POST /alerts/preview`, which says to how many it would go, and `at_most`, above which it is not sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import AwareDatetime, Field, StringConstraints

from notifier.alerts.alert import Alert, AlertKind, NewAlert, Urgency
from notifier.alerts.by_hand import NO_STORY, ByHand, is_web_address
from notifier.alerts.requests import Asked
from notifier.clock import Clock
from notifier.errors import AudienceGrew, ConfigError, Conflict, EntryInvalid, UnknownTopic
from notifier.operators.token import Grant
from notifier.text.line import has_words
from notifier.topics.topic import Then
from notifier.web.bodies import LARGEST_ID, Id
from notifier.web.console.services import Console, ConsoleServices
from notifier.web.operator_api.access import CHANGED, ROUTER, Reads, WritesAlerts
from notifier.web.operator_api.shapes import PAGE, PRINTABLE, Cursor, Limit, Page, Sent, Shown, cursor_of, places_of
from notifier.web.services import Services, WebServices

router = APIRouter(**ROUTER)


class AlertState(StrEnum):
    """Where an alert stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    WITHDRAWN = "withdrawn"


class AlertDraft(Sent):
    """An alert to write. `story` and `replaces` name what it is about; with `replaces` it is a correction."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=160), PRINTABLE] = Field(
        examples=["Ferry aground off the harbour"]
    )
    body: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400), PRINTABLE] = Field(
        "", examples=["All 80 on board are safe, the coastguard says."]
    )
    url: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), PRINTABLE] = Field(
        description="What a tap opens", examples=["https://news.example/ferry"]
    )
    topics: list[Annotated[str, StringConstraints(min_length=1, max_length=64)]] = Field(
        min_length=1, max_length=200, description="Whoever follows one of these gets it", examples=[["world"]]
    )
    breaking: bool = Field(False, description="Urgent: it overtakes other alerts, and wakes screens")
    story: int | None = Field(None, ge=1, le=LARGEST_ID, description="The story it is about")
    replaces: int | None = Field(None, ge=1, le=LARGEST_ID, description="The alert that it corrects on screens")
    at_most: int | None = Field(None, ge=0, le=LARGEST_ID, description="Not sent if it would go to more people")


class AlertPreview(Shown):
    """What would be sent. Nothing is written."""

    audience: int = Field(description="Subscriptions that it would go to now")
    kind: AlertKind


class AlertShown(Shown):
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

    @classmethod
    def fields_of(cls, alert: Alert, clock: Clock) -> dict[str, Any]:
        """The members of this model."""
        words = alert.message
        return {
            "id": alert.id,
            "story": alert.story_id or None,
            "kind": alert.kind,
            "state": state_of(alert, clock),
            "title": words.title,
            "body": words.body,
            "url": words.url,
            "publisher": words.publisher,
            "topics": sorted(alert.topics),
            "breaking": alert.breaking,
            "urgency": alert.urgency,
            "ttl_s": alert.ttl_s,
            "decided_at": alert.decided_at,
            "hold_until": alert.hold_until,
            "then": None if alert.hold_until is None else Then.SEND if alert.goes_by_itself else Then.DROP,
            "nobody_looked": alert.nobody_looked(clock()),
            "done_at": alert.done_at,
            "withdrawn_at": alert.withdrawn_at,
            "audience": alert.audience,
            "outcomes": dict(alert.counts),
        }


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
    grant: Reads,
    console: Console,
    services: Services,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    state: Annotated[AlertState | None, Query(description="Only those that stand there")] = None,
) -> Page[AlertShown]:
    """The newest alerts. With `state` a page may have fewer than `limit`, or none, and still have a `next`."""
    places = places_of(cursor, 1)
    found = console.newsroom.alerts(limit, places[0] if places else None)
    shown = [alert for alert in found if state in (None, state_of(alert, services.clock))]
    return Page(
        items=[AlertShown(**AlertShown.fields_of(alert, services.clock)) for alert in shown],
        next=cursor_of(found[-1].id) if len(found) == limit else None,
    )


@router.get("/alerts/{alert_id}")
def show_alert(alert_id: Id, grant: Reads, console: Console, services: Services) -> AlertInFull:
    """One alert: why, to how many, and what came of it by push service."""
    return _in_full(console.newsroom.alert(alert_id), console, services)


@router.post("/alerts/preview")
def preview_alert(draft: AlertDraft, grant: WritesAlerts, console: Console, services: Services) -> AlertPreview:
    """Check an alert, and count whom it would go to now. Nothing is written, nothing is sent."""
    new = _new(draft, grant, console, services)
    return AlertPreview(audience=services.subscriptions.audience(new.topics), kind=new.kind)


@router.post(
    "/alerts",
    status_code=201,
    responses=CHANGED | {200: {"model": AlertInFull, "description": "This key's request was taken before"}},
)
def write_alert(
    draft: AlertDraft,
    grant: WritesAlerts,
    console: Console,
    services: Services,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> AlertInFull:
    """Write an alert. Once this is answered, no crash loses it."""
    digest = hashlib.sha256(draft.model_dump_json().encode()).digest()
    asked = Asked(grant.operator.id, idempotency_key, digest) if idempotency_key else None
    earlier = console.requests.accepted(asked) if asked else None
    if earlier is not None:
        response.status_code = 200
        return _in_full(earlier, console, services)
    new = _new(draft, grant, console, services)
    if draft.at_most is not None:
        audience = services.subscriptions.audience(new.topics)
        if audience > draft.at_most:
            raise AudienceGrew(audience)
    if asked is None:
        alert = console.newsroom.accept(new, services.clock())
    else:
        alert, fresh = console.requests.accept_once(asked, new, services.clock())
        response.status_code = 201 if fresh else 200
    console.changed()
    console.wake()
    return _in_full(alert, console, services)


@router.post("/alerts/{alert_id}/approve", responses=CHANGED)
def approve_alert(alert_id: Id, grant: WritesAlerts, console: Console, services: Services) -> AlertInFull:
    """Let a waiting alert go now. 409 where it went already, or was withdrawn."""
    console.newsroom.alert(alert_id)
    if not console.newsroom.approve(alert_id, services.clock()):
        raise Conflict("it does not wait any more")
    console.wake()
    return _in_full(console.newsroom.alert(alert_id), console, services)


@router.post("/alerts/{alert_id}/withdraw", responses=CHANGED)
def withdraw_alert(alert_id: Id, grant: WritesAlerts, console: Console, services: Services) -> AlertInFull:
    """Stop an alert where it stands: a waiting one is dropped. 409 where all of it was sent, or it was withdrawn.

    What screens show already stays: browsers allow no silent removal. Write a correction (`replaces`) instead.
    """
    console.newsroom.alert(alert_id)
    if not console.newsroom.withdraw(alert_id, services.clock()):
        raise Conflict("there is nothing left to stop")
    return _in_full(console.newsroom.alert(alert_id), console, services)


def _in_full(alert: Alert, console: ConsoleServices, services: WebServices) -> AlertInFull:
    outcomes: Mapping[str, Mapping[str, int]] = console.newsroom.outcomes(alert.id)
    return AlertInFull(
        **AlertShown.fields_of(alert, services.clock),
        why=dict(alert.why),
        by_push_service={service: dict(counts) for service, counts in outcomes.items()},
    )


def _new(draft: AlertDraft, grant: Grant, console: ConsoleServices, services: WebServices) -> NewAlert:
    """Raises UnknownTopic, EntryInvalid, or NotFound for a story or an alert that is not there."""
    topics = frozenset(draft.topics)
    if topics - {topic.slug for topic in services.topics()}:
        raise UnknownTopic("a topic does not exist")
    if not has_words(draft.title):
        raise EntryInvalid(ConfigError("`title` has no words", fix="A screen would show nothing that can be read"))
    if not is_web_address(draft.url):
        raise EntryInvalid(ConfigError("`url` is not a web address", fix="Write it with https://"))
    old = console.newsroom.alert(draft.replaces) if draft.replaces else None
    written = ByHand(
        title=draft.title,
        body=draft.body,
        url=draft.url,
        topics=topics,
        breaking=draft.breaking,
        who={"by hand": grant.operator.name, "token": grant.token.name},
        story_id=console.newsroom.story(draft.story).id if draft.story and old is None else NO_STORY,
        replaces=old,
    )
    return written.alert(services.site.title, console.rules, services.clock())
