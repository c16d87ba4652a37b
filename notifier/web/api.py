"""The JSON API that the page and the service worker use: one subscription, known by its bearer token.

Enters: requests with `Authorization: Bearer TOKEN`. Leaves: the subscriber's own topics, or problem+json. Nothing here
ever gives an endpoint or a key back. Plain `def` routes run in worker threads, where the store's calls belong.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from notifier.errors import KeyChanged, NotFound, PushFailed, PushServiceBusy, SubscriptionEnded
from notifier.push.outcome import Delivered, Gone, Retry
from notifier.subscribers.subscriber import NewSubscription, Subscription
from notifier.web import errors
from notifier.web.bodies import ChangesBody, RenewBody, SubscribeBody, known_topics
from notifier.web.browsers import browser_family
from notifier.web.clients import client_of
from notifier.web.rates import limit_changes, limit_tests
from notifier.web.security import refuse_foreign
from notifier.web.services import Services, WebServices
from notifier.web.tokens import Owner

# Longer than the longest endpoint with a thousand topics; more is not a subscription.
MAX_BODY_BYTES = 96 * 1024
SEEN_EVERY = timedelta(days=1)

router = APIRouter(
    prefix="/api",
    tags=["subscribers"],
    dependencies=[Depends(refuse_foreign)],
    responses=errors.PROBLEM,
    max_body_size=MAX_BODY_BYTES,
)
Browser = Annotated[str, Depends(browser_family)]


def client_name(request: Request) -> str:
    """Who asks, as `clients.client_of` names them."""
    return client_of(request.scope)


Client = Annotated[str, Depends(client_name)]
counted = [Depends(limit_changes)]


class ApplicationServerKey(BaseModel):
    """The key that browsers subscribe with (RFC 8292 section 3.2), base64url, and its name here."""

    key: str
    key_id: str


class Mine(BaseModel):
    """What a subscriber may see of their own subscription; topics that no longer exist are left out.

    `version` grows with each change of the topics: of two answers it tells the older one.
    """

    topics: list[str]
    version: int
    key_id: str
    since: datetime


class TestAlertSent(BaseModel):
    """A test alert was accepted by the push service."""

    outcome: str


@router.get("/application-server-key")
def application_server_key(services: Services) -> ApplicationServerKey:
    """The key to subscribe with."""
    key = services.public_key()
    return ApplicationServerKey(key=key.application_server_key, key_id=key.key_id)


@router.post("/subscriptions", status_code=201, dependencies=counted)
def subscribe(body: SubscribeBody, owner: Owner, browser: Browser, client: Client, services: Services) -> Mine:
    """Make the subscription of this token, or replace what it had before."""
    topics = known_topics(body.topics, services.topics())
    services.subscriptions.subscribe(_new(body, owner, topics, browser, client, services), services.clock())
    return _mine(owner, services)


@router.get("/subscriptions/mine")
def show(owner: Owner, services: Services) -> Mine:
    """The subscription of this token. That somebody was here is kept by the day: who was, comes first where few may."""
    now = services.clock()
    if now - _found(owner, services).last_seen_at > SEEN_EVERY:
        services.subscriptions.seen(owner, now)
    return _mine(owner, services)


@router.patch("/subscriptions/mine/topics", dependencies=counted)
def change_topics(body: ChangesBody, owner: Owner, services: Services) -> Mine:
    """Add some topics and remove others. What other tabs chose meanwhile stays."""
    added = known_topics(body.add, services.topics())
    services.subscriptions.change_topics(owner, added, frozenset(body.remove), services.clock())
    return _mine(owner, services)


@router.put("/subscriptions/mine/keys", dependencies=counted)
def renew(body: RenewBody, owner: Owner, browser: Browser, client: Client, services: Services) -> Mine:
    """The browser has a new endpoint or new keys; the topics stay."""
    services.subscriptions.renew(owner, _new(body, owner, frozenset(), browser, client, services), services.clock())
    return _mine(owner, services)


@router.delete("/subscriptions/mine", status_code=204, dependencies=counted)
def delete(owner: Owner, services: Services) -> None:
    """Forget everything about the subscriber. Deleting what is not there is no error."""
    services.subscriptions.delete(owner, services.clock())


@router.post("/subscriptions/mine/test", dependencies=[Depends(limit_tests)])
async def send_test(owner: Owner, services: Services) -> TestAlertSent:
    """Push a test alert to this browser now, and say what its push service answered."""
    subscription = await run_in_threadpool(_found, owner, services)
    match await services.send_test(subscription):
        case Delivered():
            return TestAlertSent(outcome="delivered")
        case Gone(status=status):
            await run_in_threadpool(
                services.subscriptions.remove_gone, [subscription.id], f"gone-{status}", services.clock()
            )
            raise SubscriptionEnded("the push service says that the subscription is over")
        case Retry():
            raise PushServiceBusy("the push service did not take a test alert")
        case _:
            raise PushFailed("the push service refused a test alert")


def _new(
    body: RenewBody, owner: bytes, topics: frozenset[str], browser: str, client: str, services: WebServices
) -> NewSubscription:
    """Raises KeyChanged and SubscriptionInvalid."""
    key = services.public_key()
    if body.key_id != key.key_id:
        raise KeyChanged("the browser subscribed with another application server key")
    endpoint = services.endpoints.check(body.subscription.endpoint, client)
    return NewSubscription(
        keys=body.subscription.push_keys(),
        token_hash=owner,
        topics=topics,
        push_service=endpoint.push_service,
        vapid_key_id=key.key_id,
        browser=browser,
    )


def _mine(owner: bytes, services: WebServices) -> Mine:
    mine = _found(owner, services)
    topics = [topic.slug for topic in services.topics() if topic.slug in mine.topics]
    return Mine(topics=topics, version=mine.version, key_id=mine.vapid_key_id, since=mine.created_at)


def _found(owner: bytes, services: WebServices) -> Subscription:
    found = services.subscriptions.find(owner)
    if found is None:
        raise NotFound("no subscription has this token")
    return found
