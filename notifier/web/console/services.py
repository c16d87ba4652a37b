"""What the console needs from the rest of the house, passed in by wiring.

All of it is synchronous: plain `def` routes run in worker threads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request

from notifier.alerts.alert import Alert, Message, NewAlert
from notifier.alerts.decide import AlertRules
from notifier.alerts.news import Member, Ruling, StoryReport
from notifier.alerts.receipts import ReceiptStore
from notifier.alerts.requests import RequestStore
from notifier.clock import Clock
from notifier.errors import NotFound
from notifier.operations.feeds import FeedOperations
from notifier.operations.files import ChangeOperations
from notifier.operations.topics import TopicOperations
from notifier.operators.audit import AuditLog
from notifier.operators.identity import Identity, IdentityStore, RoleRule
from notifier.operators.operator import OperatorStore
from notifier.operators.token import TokenStore
from notifier.push.outcome import Outcome
from notifier.stories.explain import Explanation
from notifier.stories.story import StoryItem
from notifier.subscribers.audience import AudienceStore
from notifier.subscribers.subscriber import Subscription
from notifier.web.console.state import SystemState
from notifier.web.provider.openid import Visit
from notifier.web.services import WebServices, services_of


class Newsroom(Protocol):
    """Stories and alerts, and what an operator does to them by hand."""

    def stories(self, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[StoryReport]: ...
    def story(self, story_id: int) -> StoryReport: ...
    def alerts(self, limit: int, before: int | None = None) -> Sequence[Alert]: ...
    def alert(self, alert_id: int) -> Alert: ...
    def accept(self, new: NewAlert, now: datetime) -> Alert: ...
    def approve(self, alert_id: int, now: datetime) -> bool: ...
    def withdraw(self, alert_id: int, now: datetime) -> bool: ...
    def outcomes(self, alert_id: int) -> Mapping[str, Mapping[str, int]]: ...
    def silence(self, story_id: int, by: str, now: datetime) -> None: ...
    def unsilence(self, story_id: int) -> None: ...
    def silenced(self) -> Mapping[int, str]: ...
    def pulse(self) -> str: ...


class Wire(Protocol):
    """Stories item by item, and what operators say of them."""

    def members(self, story_id: int) -> Sequence[Member]:
        """The items of a story as they came, each with why it is there."""

    def item(self, reference: str) -> StoryItem:
        """The item of this id or address. Raises NotFound."""

    def explain(self, one_id: int, other_id: int) -> Explanation:
        """Why two items are one story, or are not. Raises NotFound."""

    def split(self, item_id: int, by: str, now: datetime) -> int:
        """Take an item out of its story, for good; returns the ruling's number. Raises NotFound, or Conflict."""

    def merge(self, story_id: int, other_id: int, by: str, now: datetime) -> int:
        """Make two stories one, for good; returns the ruling's number. Raises NotFound, or Conflict."""

    def take_back(self, act: int, by: str, now: datetime) -> None:
        """As if it had not been said. Raises NotFound, or Conflict if it was taken back before."""

    def rulings(self, limit: int) -> Sequence[Ruling]:
        """The newest rulings first, those that were taken back too."""

    def hold(self, story_id: int, by: str, now: datetime) -> None:
        """Let no alert of this story go before an editor says so. Raises NotFound."""


class OpenIdProvider(Protocol):
    """An OpenID provider. Synchronous."""

    @property
    def issuer(self) -> str:
        """The issuer's name."""

    def address(self, visit: Visit) -> str:
        """Where to lead the browser. Raises ProviderFailed."""

    def identify(self, visit: Visit, code: str, issuer: str | None) -> Identity:
        """Who came back with this code. Raises ProviderFailed."""


@dataclass(frozen=True, slots=True)
class ProviderSignIn:
    """Sign-in by a provider: its name for people, who is known by it, and whom it may make an operator."""

    title: str
    provider: OpenIdProvider
    identities: IdentityStore
    rules: Sequence[RoleRule] = ()


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """The parts of the house that the console uses.

    `wall` tells the real time, which sessions live by even in a rehearsal. `first_secret` is the unguessable part of
    the link that makes the first operator; None where there was one at the start. `open_alerts` are those that wait or
    are on their way. `send_trial` pushes these words to one browser and says what came of it. `complaints` say which
    files are broken. `changed` is called when the desk has to look at stories and topics again, `wake` when there is an
    alert to send.
    """

    wall: Clock
    operators: OperatorStore
    audit: AuditLog
    tokens: TokenStore
    requests: RequestStore
    first_secret: str | None
    topics: TopicOperations
    feeds: FeedOperations
    changes: ChangeOperations
    newsroom: Newsroom
    wire: Wire
    rules: AlertRules
    open_alerts: Callable[[], Sequence[Alert]]
    receipts: ReceiptStore
    audience: AudienceStore
    system: Callable[[], SystemState]
    send_trial: Callable[[Subscription, Message], Awaitable[Outcome]]
    complaints: Callable[[], Sequence[str]]
    changed: Callable[[], None]
    wake: Callable[[], None]
    by_provider: ProviderSignIn | None = None


def console_of(request: Request) -> ConsoleServices:
    """The console's services. Raises NotFound where the application was built without a console."""
    web: WebServices = services_of(request)
    if web.console is None:
        raise NotFound("this process has no console")
    return web.console


Console = Annotated[ConsoleServices, Depends(console_of)]
