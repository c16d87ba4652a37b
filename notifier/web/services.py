"""What the web room needs from the rest of the service, passed in by wiring.

Enters: stores and callables, all synchronous unless they say otherwise (the web room runs them in worker threads).
Leaves: nothing; `app.build_app` hands this to every route.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, Protocol

from fastapi import Depends, Request

from notifier.alerts.alert import Alert
from notifier.alerts.article import ArticleStore
from notifier.clock import Clock
from notifier.errors import NotFound
from notifier.operations.operations import Operations
from notifier.push.outcome import Outcome
from notifier.subscribers.endpoint import EndpointPolicy
from notifier.subscribers.subscriber import Subscription, SubscriptionStore
from notifier.topics.topic import Topic
from notifier.troubles import Trouble
from notifier.web.provider.openid import ProviderSignIn
from notifier.web.receipt_counter import ReceiptCounter


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """How the site presents itself, and how much of it one client may use.

    `base_url` is the public address, scheme and host, as subscribers type it; `contact` a `mailto:` or `https:` link
    for people with a question; the rates are requests a minute from one client. `is_public` says that `base_url` is
    what somebody has set: then no other host is answered but `hosts` (lower case) and this machine's own names.
    `metrics_token` opens /metrics to others than this machine. `pictures_elsewhere`: browsers load a notification's
    picture from its publisher.
    """

    title: str = "Notifier"
    base_url: str = "http://127.0.0.1:8000"
    contact: str | None = None
    changes_per_minute: int = 60
    tests_per_minute: int = 6
    pictures_elsewhere: bool = False
    is_public: bool = False
    hosts: frozenset[str] = frozenset()
    metrics_token: str = field(default="", repr=False)


class PublicKey(NamedTuple):
    """The public half of an application server key: its name in the store, and what browsers subscribe with."""

    key_id: str
    application_server_key: str


@dataclass(frozen=True, slots=True)
class Check:
    """One line of /readyz: whether it is well, and in words how it stands."""

    ok: bool
    detail: str


class WebSubCallback(Protocol):
    """What a hub talks to (W3C WebSub sections 5.3 and 7); `callback_id` is the unguessable part of the URL."""

    async def verify(self, callback_id: str, params: Mapping[str, str]) -> str | None:
        """The text to answer 200 with where we did ask for this subscription, else None."""

    async def knows(self, callback_id: str) -> bool:
        """Whether there is such a callback: asked before a body is read."""

    async def admit(self, callback_id: str, size: int | None) -> AbstractContextManager[None] | int:
        """Room for content of `size` bytes (None: not said) while it is read, or the status that puts the hub off."""

    async def receive(self, callback_id: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take content that a hub distributes; the status to answer. Header names are lower case."""


class PictureSource(Protocol):
    """The pictures of alerts, where this site serves them itself."""

    async def picture(self, alert_id: int) -> bytes | None:
        """The picture of an alert as a JPEG; None where it has none that can be drawn."""


@dataclass(frozen=True, slots=True)
class WebServices:
    """The parts of the service that routes use.

    `topics` gives the topics in force, in the order of the page; `public_key` the key that browsers subscribe with at
    present (base64url without padding); `send_test` pushes a test alert to one subscription and says what came of
    it; `recent_alerts` gives the newest alerts first; `metrics` the Prometheus text format; `receipts` counts what
    browsers tell of alerts, None where they are not asked to; `troubles` is what is wrong just now;
    `pictures` are those of alerts, None where this site serves none; `articles` are alerts as anybody may read them,
    None where the application has no pages of them. `operations` are what operators do, None where the application has
    no console; `by_provider` is how they sign in beside the password.
    """

    site: SiteSettings
    clock: Clock
    subscriptions: SubscriptionStore
    endpoints: EndpointPolicy
    topics: Callable[[], Sequence[Topic]]
    public_key: Callable[[], PublicKey]
    send_test: Callable[[Subscription], Awaitable[Outcome]]
    recent_alerts: Callable[[], Sequence[Alert]]
    readiness: Callable[[], Mapping[str, Check]]
    metrics: Callable[[], bytes]
    websub: WebSubCallback | None = None
    troubles: Callable[[], Sequence[Trouble]] = tuple
    operations: Operations | None = None
    by_provider: ProviderSignIn | None = None
    receipts: ReceiptCounter | None = None
    pictures: PictureSource | None = None
    articles: ArticleStore | None = None


def services_of(request: Request) -> WebServices:
    """The services that the application was built with."""
    services: WebServices = request.app.state.services
    return services


Services = Annotated[WebServices, Depends(services_of)]


def operations_of(services: Services) -> Operations:
    """What operators do. Raises NotFound where the application was built without a console."""
    if services.operations is None:
        raise NotFound("this process has no console")
    return services.operations


Operating = Annotated[Operations, Depends(operations_of)]
