"""Alerts: written by hand, let go, withdrawn, on whichever surface; nothing is told twice.

Enters: a draft or an alert's number, and who asks. Leaves: the alert as it stands; or a refusal of `errors.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifier.alerts.alert import Alert, Message, NewAlert
from notifier.alerts.decide import AlertRules
from notifier.alerts.draft import Draft, is_web_address
from notifier.alerts.evidence import Author
from notifier.alerts.receipts import ReceiptStore
from notifier.alerts.requests import IdempotentRequest, RequestStore
from notifier.alerts.story_store import StoryReport
from notifier.clock import Clock
from notifier.errors import AudienceGrew, Conflict, EntryInvalid, NotFound, UnknownTopic
from notifier.operations.actor import Actor
from notifier.operators.token import TokenScope
from notifier.push.outcome import Outcome
from notifier.subscribers.subscriber import Subscription, SubscriptionStore
from notifier.text.line import has_words
from notifier.topics.topic import Topic

MOST_TITLE, MOST_BODY, MOST_URL = 160, 400, 2000


class EditorialAlerts(Protocol):
    """Alerts, and what an operator does to them by hand (storage/editorial.py); False is said where it came too
    late.
    """

    def recent(self, limit: int, before: int | None = None) -> Sequence[Alert]: ...
    def alert(self, alert_id: int) -> Alert: ...
    def accept(self, new: NewAlert, now: datetime) -> Alert: ...
    def approve(self, alert_id: int, now: datetime) -> bool: ...
    def withdraw(self, alert_id: int, now: datetime) -> bool: ...
    def outcomes(self, alert_id: int) -> Mapping[str, Mapping[str, int]]: ...


@dataclass(frozen=True, slots=True)
class AlertOperations:
    """Each verb on alerts, once.

    `topics` are those in force, `publisher` is in whose name it is written. `open_alerts` are those that wait or are on
    their way. `send_test` pushes words to one browser. `changed` is called when the decider has to look anew, `wake`
    when there is an alert to send.
    """

    book: EditorialAlerts
    story: Callable[[int], StoryReport]
    requests: RequestStore
    subscriptions: SubscriptionStore
    receipts: ReceiptStore
    topics: Callable[[], Sequence[Topic]]
    publisher: str
    rules: AlertRules
    clock: Clock
    open_alerts: Callable[[], Sequence[Alert]]
    send_test: Callable[[Subscription, Message], Awaitable[Outcome]]
    changed: Callable[[], None]
    wake: Callable[[], None]

    def preview(self, actor: Actor, draft: Draft) -> tuple[NewAlert, int]:
        """What would be sent now, and to how many; nothing is written.

        Raises EntryInvalid, UnknownTopic, or NotFound for a story or an alert that is not there.
        """
        actor.need(TokenScope.ALERTS)
        new = self._new(actor, draft)
        return new, self.subscriptions.audience(new.topics)

    def write(
        self, actor: Actor, draft: Draft, *, key: str | None = None, at_most: int | None = None
    ) -> tuple[Alert, bool]:
        """Send it, and say whether that was done now: asked again under the same key, it is the same alert.

        Once this is answered, no crash loses it. Raises what `preview` raises, KeyReused, or AudienceGrew where it
        would go to more than `at_most`.
        """
        actor.need(TokenScope.ALERTS)
        asked = (
            IdempotentRequest(actor.operator_id, key, _digest(draft, at_most)) if key and actor.operator_id else None
        )
        earlier = self.requests.accepted(asked) if asked else None
        if earlier is not None:
            return earlier, False
        new, audience = self.preview(actor, draft)
        if at_most is not None and audience > at_most:
            raise AudienceGrew(audience)
        now = self.clock()
        made = self.requests.accept_once(asked, new, now) if asked else (self.book.accept(new, now), True)
        self.changed()
        self.wake()
        return made

    def approve(self, actor: Actor, alert_id: int) -> Alert:
        """Let a waiting alert go now. Raises NotFound, or Conflict where it went already or was dropped."""
        actor.need(TokenScope.ALERTS)
        self.book.alert(alert_id)
        if not self.book.approve(alert_id, self.clock()):
            raise Conflict("it does not wait any more")
        self.wake()
        return self.book.alert(alert_id)

    def withdraw(self, actor: Actor, alert_id: int) -> Alert:
        """Stop an alert where it stands: a waiting one is dropped. Raises NotFound, or Conflict where all was sent."""
        actor.need(TokenScope.ALERTS)
        self.book.alert(alert_id)
        if not self.book.withdraw(alert_id, self.clock()):
            raise Conflict("there is nothing left to stop")
        return self.book.alert(alert_id)

    async def attempt(self, actor: Actor, draft: Draft, owner: bytes) -> Outcome:
        """Push these words to the browser of the subscriber's token with this SHA-256, and to nobody else.

        Raises NotFound where it has no subscription, EntryInvalid, or PushServiceBusy.
        """
        actor.need(TokenScope.ALERTS)
        subscription = await asyncio.to_thread(self.subscriptions.find, owner)
        if subscription is None:
            raise NotFound("this browser has no subscription; open the subscribers' page and press “Get alerts”")
        _check_words(draft)
        now = self.clock()
        return await self.send_test(subscription, draft.message(self.publisher, now, f"try-{now.timestamp():.0f}"))

    def _new(self, actor: Actor, draft: Draft) -> NewAlert:
        _check_words(draft)
        if not is_web_address(draft.url):
            raise EntryInvalid("the address is not a web address", "Give the one that a tap opens, with https://")
        if not draft.topics:
            raise EntryInvalid("nobody would get it", "Choose who gets it: one topic or more")
        if set(draft.topics) - {topic.slug for topic in self.topics()}:
            raise UnknownTopic("a topic does not exist")
        old = self.book.alert(draft.replaces) if draft.replaces else None
        if draft.story and old is None:
            self.story(draft.story)
        return draft.alert(Author(actor.name, actor.token), self.publisher, old, self.rules, self.clock())


def _check_words(draft: Draft) -> None:
    if not has_words(draft.title):
        fix = "Write one with words: a screen would show nothing that can be read"
        raise EntryInvalid("the headline has no words", fix)


def _digest(draft: Draft, at_most: int | None) -> bytes:
    """What tells a request that is made again from another one."""
    return hashlib.sha256(repr((draft, at_most)).encode()).digest()
