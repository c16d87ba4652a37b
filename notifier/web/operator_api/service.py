"""How the service does, for programs: the token itself, audience, system, operators."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, Field

from notifier.operators.operator import Role
from notifier.operators.token import TokenScope
from notifier.subscribers.audience import AudienceKind
from notifier.troubles import Code
from notifier.web.bodies import Id
from notifier.web.operator_api.access import ROUTER, AnyToken, Reads, SeesToOperators
from notifier.web.operator_api.shapes import ResponseBody
from notifier.web.services import Operating, Services

router = APIRouter(**ROUTER)
Name = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["bea"])]
MOST_DAYS = 400


class Me(ResponseBody):
    """What the token of this request is good for now."""

    operator: str
    role: Role
    token: str = Field(description="The token's name")
    scopes: list[TokenScope] = Field(description="Those that the operator's role still allows")
    until: AwareDatetime | None = Field(description="Null where it does not expire")


class AudienceNow(ResponseBody):
    """Subscriptions that there are now: counts, and nobody's identity."""

    total: int
    topics: dict[str, int]
    browsers: dict[str, int]
    push_services: dict[str, int]


class CountOfDay(ResponseBody):
    """So many subscriptions at the end of a UTC day. `kind` says by what they were counted."""

    day: date
    kind: AudienceKind
    name: str
    count: int


class EndsOfDay(ResponseBody):
    """So many subscriptions ended on a UTC day, for this reason, at this push service."""

    day: date
    reason: str = Field(examples=["stopped", "410"])
    push_service: str
    count: int


class Audience(ResponseBody):
    """Who follows what, now and over the last days."""

    now: AudienceNow
    days: list[CountOfDay]
    ends: list[EndsOfDay]


class CheckShown(ResponseBody):
    """One line of /readyz."""

    ok: bool
    detail: str


class Queue(ResponseBody):
    """What waits to be sent."""

    ready: int = Field(description="Chunks that could be sent now")
    leased: int = Field(description="Chunks that a worker has")
    held: int = Field(description="Chunks that wait for their time or an editor")
    retries: int = Field(description="Pushes to be tried again")


class KeyShown(ResponseBody):
    """An application server key."""

    key_id: str
    made_at: AwareDatetime
    subscriptions: int


class TroubleShown(ResponseBody):
    """Something that is wrong just now, and what to do."""

    code: Code
    subject: str = Field(description="The party: a feed, a push service; empty where there is only one")
    what: str
    do: str
    grave: bool = Field(description="Alerts are held up or lost to somebody while it lasts")
    since: AwareDatetime | None
    count: int = Field(description="How often it was met since")


class System(ResponseBody):
    """How the service does."""

    troubles: list[TroubleShown] = Field(description="The same list as on /readyz and the System page")
    checks: dict[str, CheckShown]
    complaints: list[str] = Field(description="Files that cannot be used as they are, with line and fix")
    engine: str
    queue: Queue
    keys: list[KeyShown]
    versions: dict[str, str]


class OperatorShown(ResponseBody):
    """Somebody who may sign in."""

    name: str
    role: Role
    since: AwareDatetime
    signed_in: int = Field(description="Browsers in which they are signed in")


class Ended(ResponseBody):
    """So many were ended."""

    ended: int


@router.get("/me")
def show_me(grant: AnyToken) -> Me:
    """Whose token this is, and what it may do."""
    return Me(
        operator=grant.operator.name,
        role=grant.operator.role,
        token=grant.token.name,
        scopes=[scope for scope in TokenScope if grant.may(scope)],
        until=grant.token.until,
    )


@router.get("/audience")
def show_audience(
    actor: Reads,
    operations: Operating,
    services: Services,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="How far back")] = 30,
) -> Audience:
    """Subscriptions by topic, browser and push service, and where and why others ended."""
    now: datetime = services.clock()
    since = now - timedelta(days=days)
    counts: dict[AudienceKind, dict[str, int]] = {kind: {} for kind in AudienceKind}
    for one in operations.audience.today(now):
        counts[one.kind][one.name] = one.count
    return Audience(
        now=AudienceNow(
            total=counts[AudienceKind.ALL].get("all", 0),
            topics=counts[AudienceKind.TOPIC],
            browsers=counts[AudienceKind.BROWSER],
            push_services=counts[AudienceKind.PUSH_SERVICE],
        ),
        days=[CountOfDay.of(one) for one in operations.audience.days(since)],
        ends=[EndsOfDay.of(one) for one in operations.audience.ends(since)],
    )


@router.get("/system")
def show_system(actor: Reads, operations: Operating, services: Services) -> System:
    """Checks, queue, keys and versions."""
    state = operations.system()
    return System(
        troubles=[TroubleShown.of(one) for one in services.troubles()],
        checks={name: CheckShown.of(check) for name, check in services.readiness().items()},
        complaints=list(operations.complaints()),
        engine=state.engine,
        queue=Queue(
            ready=sum(state.queue.ready.values()),
            leased=sum(state.queue.leased.values()),
            held=state.queue.held,
            retries=sum(waiting.count for waiting in state.queue.retries.values()),
        ),
        keys=[KeyShown.of(key) for key in state.keys],
        versions=dict(state.versions),
    )


@router.get("/operators")
def list_operators(actor: Reads, operations: Operating) -> list[OperatorShown]:
    """Who may sign in. They are made on the server: `notifier operators add`."""
    access = operations.access
    return [OperatorShown.of(one, since=one.created_at) for one in access.operators.all(access.wall())]


@router.delete("/operators/{name}/sessions")
def sign_operator_out(name: Name, actor: SeesToOperators, operations: Operating) -> Ended:
    """Sign an operator out everywhere. Their tokens stay."""
    return Ended(ended=operations.access.sign_out(actor, name))


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: Id, actor: SeesToOperators, operations: Operating) -> None:
    """End a token, whoever made it: it is worth nothing from here on."""
    operations.access.revoke_token(actor, token_id)


class TokenShown(ResponseBody):
    """A token, without its secret half, which nobody keeps."""

    id: int
    operator: str
    name: str
    scopes: list[TokenScope]
    made_at: AwareDatetime
    until: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="To the minute")


@router.get("/tokens")
def list_tokens(actor: SeesToOperators, operations: Operating) -> list[TokenShown]:
    """Every token that there is."""
    return [
        TokenShown.of(token, made_at=token.created_at, scopes=[scope for scope in TokenScope if scope in token.scopes])
        for token in operations.access.tokens.list()
    ]
