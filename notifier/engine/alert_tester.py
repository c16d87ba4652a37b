"""The alert that a subscriber sends to themselves, and an operator to one browser: the whole way, on demand."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from notifier.alerts.alert import Alert, AlertKind, Message, Urgency
from notifier.alerts.delivery import Recipient
from notifier.alerts.evidence import Evidence
from notifier.clock import Clock
from notifier.engine.dispatcher import PushDispatcher
from notifier.errors import PushServiceBusy
from notifier.push.outcome import Outcome
from notifier.subscribers.subscriber import Subscription

TTL_S = 60
# Somebody waits before a screen, and others for their turn.
DEADLINE_S = 10.0
TURN_S = 5.0


class AlertTester:
    """Pushes test alerts, one at a time over a transport of its own."""

    def __init__(self, dispatcher: PushDispatcher, clock: Clock, title: str, url: str) -> None:
        self._dispatcher, self._clock, self._title, self._url = dispatcher, clock, title, url
        self._lock = Lock()

    def send(self, subscription: Subscription, message: Message | None = None) -> Outcome:
        """Push a test alert and say what came of it; `message` is what it says instead of that it is a test.

        Raises PushServiceBusy where too many others are at it.
        """
        recipient = Recipient(subscription.id, subscription.keys, subscription.push_service, subscription.vapid_key_id)
        if not self._lock.acquire(timeout=TURN_S):
            raise PushServiceBusy("other test alerts are waiting for a slow push service; try again in a moment")
        try:
            now = self._clock()
            (came,) = self._dispatcher.deliver(self._alert(now, message), [recipient], now, DEADLINE_S)
            return came
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connections."""
        self._dispatcher.close()

    def _alert(self, now: datetime, message: Message | None) -> Alert:
        message = message or Message(
            title="This is a test alert",
            body="Alerts reach this browser. The next one will be news.",
            url=self._url,
            publisher=self._title,
            published_at=now,
            tag="test",
        )
        return Alert(
            # Unlike any stored alert's, and never the same twice: the browser ignores ids that it has shown.
            id=-int(now.timestamp() * 1000),
            story_id=0,
            kind=AlertKind.TEST,
            message=message,
            topics=frozenset(),
            breaking=False,
            urgency=Urgency.HIGH,
            ttl_s=TTL_S,
            why=Evidence(),
            decided_at=now,
            audience=1,
        )
