"""From an alert and its recipients to outcomes: seal, address, send, judge. The one place that pushes.

Enters: an Alert and Recipients. Leaves: one Outcome each, in the same order. Owned by one thread, like its wire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import Recipient
from notifier.alerts.payload import encode
from notifier.clock import Clock, system_clock
from notifier.push.envelope import Envelope, finish
from notifier.push.outcome import Outcome, outcome
from notifier.push.request import PushHeaders, PushRequest, headers_for
from notifier.push.seal import MAX_PLAINTEXT
from notifier.push.send import Wire
from notifier.push.vapid import VapidSigner
from notifier.subscribers.endpoint import origin_of
from notifier.subscribers.subscriber import PushKeys

SEND_DEADLINE_S = 30.0

Seal = Callable[[bytes, PushKeys], bytes]


class Courier:
    """Pushes one alert to many recipients over one wire."""

    def __init__(self, wire: Wire, signer: VapidSigner, seal: Seal, wall: Clock = system_clock) -> None:
        """`wall` dates the signatures: push services have their own idea of the time, whatever is rehearsed here."""
        self._wire, self._signer, self._seal, self._wall = wire, signer, seal, wall

    def deliver(self, alert: Alert, recipients: Sequence[Recipient], now: datetime) -> list[Outcome]:
        """What came of each push. Raises ConfigError where the VAPID key or contact is wrong: nobody was pushed to."""
        payload = encode(alert.message, alert.id, alert.kind, MAX_PLAINTEXT)
        headers = self._headers(alert, recipients, now)
        requests = [
            PushRequest(
                recipient.keys.endpoint,
                headers[origin_of(recipient.keys.endpoint), recipient.vapid_key_id],
                self._sealed(payload, recipient),
            )
            for recipient in recipients
        ]
        return [outcome(answer, now) for answer in self._wire.send(requests, SEND_DEADLINE_S)]

    def close(self) -> None:
        """Close the wire's connections."""
        self._wire.close()

    def _headers(
        self, alert: Alert, recipients: Sequence[Recipient], now: datetime
    ) -> dict[tuple[str, str], PushHeaders]:
        """(origin, VAPID key) -> what all messages there have in common."""
        ttl_s, signed_at = remaining_ttl_s(alert, now), self._wall()
        return {
            (origin, key_id): headers_for(
                ttl_s, alert.urgency, alert.message.tag, self._signer.authorization(origin, key_id, signed_at)
            )
            for origin, key_id in {(origin_of(r.keys.endpoint), r.vapid_key_id) for r in recipients}
        }

    def _sealed(self, payload: bytes, recipient: Recipient) -> bytes:
        if recipient.envelope is None:
            return self._seal(payload, recipient.keys)
        # The store has handed this envelope to nobody else, and will not again.
        return finish(Envelope(recipient.envelope), payload)


def expires_at(alert: Alert) -> datetime:
    """When the alert is worth nothing any more."""
    return alert.decided_at + timedelta(seconds=alert.ttl_s)


def remaining_ttl_s(alert: Alert, now: datetime) -> int:
    """Whole seconds of the TTL that are left: what a late attempt asks the push service to keep it for."""
    return max(0, int((expires_at(alert) - now).total_seconds()))
