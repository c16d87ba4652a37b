"""From an alert and its recipients to outcomes: seal, address, send, judge. The one place that pushes.

Enters: an Alert and Recipients. Leaves: one Outcome each, in the same order. Owned by one thread, like its transport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import Recipient
from notifier.alerts.payload import asked_of, encode
from notifier.clock import Clock, system_clock
from notifier.errors import ConfigError
from notifier.push.envelope import Envelope, finish
from notifier.push.outcome import Outcome, Refused, Retry, outcome
from notifier.push.request import PushHeaders, PushRequest, headers_for
from notifier.push.seal import MAX_PLAINTEXT
from notifier.push.transport import NO_LIMITS, NO_PATIENCE, PushResponse, PushTransport, with_lanes
from notifier.push.vapid import VapidSigner
from notifier.subscribers.endpoint import origin_of
from notifier.subscribers.subscriber import PushKeys

SEND_DEADLINE_S = 30.0
LEAST_DEADLINE_S = 5.0

UNSIGNED = Retry("misconfigured")
UNEXPECTED = Retry("unexpected")
TOO_LONG = Refused(413)

log = structlog.get_logger()

Seal = Callable[[bytes, PushKeys], bytes]


def link_of_outlet(alert: Alert) -> str:
    """The article at its publisher."""
    return alert.message.url


class PushDispatcher:
    """Pushes one alert to many recipients over one transport."""

    def __init__(
        self,
        transport: PushTransport,
        signer: VapidSigner,
        seal: Seal,
        wall: Clock = system_clock,
        *,
        receipts: bool = True,
        picture_of: Callable[[Alert], str | None] = lambda _alert: None,
        link_of: Callable[[Alert], str] = link_of_outlet,
    ) -> None:
        """`wall` dates the signatures: push services have their own idea of the time, whatever is rehearsed here.

        `receipts`: browsers are asked to tell that they showed an alert. `picture_of` gives the address from which they
        load an alert's picture, if any; `link_of` what a click opens.
        """
        self._transport, self._signer, self._seal, self._wall = with_lanes(transport), signer, seal, wall
        self._receipts, self._picture_of, self._link_of = receipts, picture_of, link_of

    def deliver(
        self, alert: Alert, recipients: Sequence[Recipient], now: datetime, deadline_s: float = SEND_DEADLINE_S
    ) -> list[Outcome]:
        """What came of each push, once all have an answer.

        Those that cannot be signed, because their VAPID key is not here, are to be tried again and hold nobody else up;
        so are those that cannot be sealed, or whose answer cannot be understood, for a reason that nobody foresaw.
        """
        return self._pushed(alert, recipients, now, lambda requests: self._transport.send(requests, deadline_s))

    def begin(
        self, alert: Alert, recipients: Sequence[Recipient], now: datetime, deadline_s: float = SEND_DEADLINE_S
    ) -> list[Outcome]:
        """As `deliver`, but who is late holds up nobody: they are Open, and told of by `late`.

        Not for long beyond the alert's time: what comes then is worth nothing, and an alert ends with its last push.
        """
        deadline_s = min(deadline_s, max(LEAST_DEADLINE_S, remaining_ttl_s(alert, now)))
        return self._pushed(
            alert, recipients, now, lambda requests: self._transport.begin(requests, deadline_s, NO_LIMITS, NO_PATIENCE)
        )

    def late(self, now: datetime, wait_s: float = 0.0) -> list[tuple[int, Outcome]]:
        """(ticket, what came of it) of those that were Open; waits for a first one, at most `wait_s`."""
        return [(ticket, _outcome_of(answer, now)) for ticket, answer in self._transport.late(wait_s)]

    def _pushed(
        self,
        alert: Alert,
        recipients: Sequence[Recipient],
        now: datetime,
        send: Callable[[list[PushRequest]], list[PushResponse]],
    ) -> list[Outcome]:
        try:
            asked = asked_of(alert) if self._receipts else None
            message = replace(alert.message, image_url=self._picture_of(alert), url=self._link_of(alert))
            payload = encode(replace(alert, message=message), MAX_PLAINTEXT, asked)
        except ValueError as too_long:
            log.error("push.too-long", alert=alert.id, problem=str(too_long))
            return [TOO_LONG] * len(recipients)
        senders = [(origin_of(r.keys.endpoint), r.vapid_key_id) for r in recipients]
        headers = self._headers(alert, set(senders), now)
        made = [
            self._request(payload, recipient, sender[0], headers[sender])
            for recipient, sender in zip(recipients, senders, strict=True)
        ]
        requests = [request for request in made if isinstance(request, PushRequest)]
        answers = iter(send(requests))
        return [_outcome_of(next(answers), now) if isinstance(request, PushRequest) else request for request in made]

    def close(self) -> None:
        """Close the transport's connections."""
        self._transport.close()

    def _headers(
        self, alert: Alert, senders: Iterable[tuple[str, str]], now: datetime
    ) -> dict[tuple[str, str], PushHeaders | None]:
        """(origin, VAPID key) -> what all messages there have in common; None where they cannot be signed."""
        ttl_s, signed_at = remaining_ttl_s(alert, now), self._wall()
        found: dict[tuple[str, str], PushHeaders | None] = {}
        for origin, key_id in senders:
            try:
                authorization = self._signer.authorization(origin, key_id, signed_at)
            except ConfigError as problem:
                log.error("push.misconfigured", problem=str(problem))
                found[origin, key_id] = None
            else:
                found[origin, key_id] = headers_for(ttl_s, alert.urgency, alert.message.tag, authorization)
        return found

    def _request(
        self, payload: bytes, recipient: Recipient, origin: str, shared: PushHeaders | None
    ) -> PushRequest | Retry:
        """What is sent to one recipient, or why nothing can be: that is the recipient's trouble and nobody else's."""
        if shared is None:
            return UNSIGNED
        try:
            return PushRequest(
                recipient.keys.endpoint, origin, shared, self._sealed(payload, recipient), recipient.tells
            )
        except Exception:
            log.exception("push.not-sealed", subscription=recipient.subscription_id)
            return UNEXPECTED

    def _sealed(self, payload: bytes, recipient: Recipient) -> bytes:
        if recipient.envelope is None:
            return self._seal(payload, recipient.keys)
        # The store has handed this envelope to nobody else, and will not again.
        return finish(Envelope(recipient.envelope), payload)


def _outcome_of(answer: PushResponse, now: datetime) -> Outcome:
    try:
        return outcome(answer, now)
    except Exception:
        log.exception("push.not-judged")
        return UNEXPECTED


def expires_at(alert: Alert) -> datetime:
    """When the alert is worth nothing any more."""
    return alert.decided_at + timedelta(seconds=alert.ttl_s)


def remaining_ttl_s(alert: Alert, now: datetime) -> int:
    """Whole seconds of the TTL that are left: what a late attempt asks the push service to keep it for."""
    return max(0, int((expires_at(alert) - now).total_seconds()))
