"""From what came of a push to what is written of it: counted, tried again, or let go.

Enters: an Outcome, and how often it was tried. Leaves: a Disposition; next: the settlement (run.py).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from notifier.alerts.alert import Alert, Urgency
from notifier.alerts.delivery import Recipient, RetryLater, Standing
from notifier.clock import Clock
from notifier.engine.backoff import next_attempt
from notifier.engine.dispatcher import UNEXPECTED, expires_at
from notifier.engine.pauses import Pauses
from notifier.engine.refusals import TRIES, is_over
from notifier.push.outcome import Delivered, Gone, Open, OurFault, Outcome, Refused, Retry
from notifier.subscribers.endpoint import origin_of

DEFERRED, OPEN, SOON = "deferred", "open", "soon"
SOON_S, SOON_TRIES = 0.5, 5
NEVER_ACCEPTED = "never-accepted"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Disposition:
    """An outcome as it is counted (`word`), and as it is written: a retry, a reason to remove, or neither.

    `failed`: it counts against the subscription itself. `ticket`: it is still under way.
    """

    word: str
    again: RetryLater | None = None
    gone: str | None = None
    failed: bool = False
    ticket: int = 0


ACCEPTED, EXPIRED = Disposition("delivered"), Disposition("expired")


@dataclass(frozen=True, slots=True)
class Lease:
    """Under which a push that is still under way is kept from other workers."""

    token: str
    until: datetime


class OutcomePolicy:
    """Decides what becomes of each push. Shared by nobody: its dice are its own."""

    def __init__(self, pauses: Pauses, clock: Clock) -> None:
        self._pauses, self._clock = pauses, clock
        self._spread = random.Random()

    def judge(self, alert: Alert, recipient: Recipient, came: Outcome, attempts: int, lease: Lease) -> Disposition:
        """What is written. What fails at the first try counts against a subscription, once for each alert."""
        try:
            return self._weighed(alert, recipient, came, attempts, lease)
        except Exception:
            # What nobody foresaw is this recipient's retry: it must not hold the others up, or send to them again.
            log.exception("push.not-judged", alert=alert.id, subscription=recipient.subscription_id)
            return self.later(alert, recipient, attempts, UNEXPECTED)

    def _weighed(self, alert: Alert, recipient: Recipient, came: Outcome, attempts: int, lease: Lease) -> Disposition:
        judged = self._judge(alert, recipient, came, attempts, lease)
        if attempts > 0 or judged.ticket or not _is_own_failure(recipient, came, judged):
            return judged
        return self._failed(recipient, came, judged)

    def later(self, alert: Alert, recipient: Recipient, attempts: int, retry: Retry) -> Disposition:
        """Try again, if the alert's time allows it."""
        if retry.reason == DEFERRED:
            return self._deferred(alert, recipient, attempts, retry.after_s or 0.0)
        tried = attempts + 1
        if retry.reason == SOON:
            soon = self._clock() + timedelta(seconds=SOON_S)
            later = RetryLater(recipient.subscription_id, tried, "429", soon, recipient.push_service)
            return Disposition("retrying", again=later) if soon < expires_at(alert) else EXPIRED
        at = next_attempt(tried, retry.after_s, self._clock(), expires_at(alert), self._spread)
        if at is None:
            return EXPIRED
        later = RetryLater(recipient.subscription_id, tried, retry.reason, at, recipient.push_service)
        return Disposition("retrying", again=later)

    def _judge(self, alert: Alert, recipient: Recipient, came: Outcome, attempts: int, lease: Lease) -> Disposition:
        match came:
            case Delivered():
                return ACCEPTED
            case Gone(status=status):
                return Disposition("gone", gone=f"gone-{status}")
            case Refused(status=status):
                return Disposition(f"refused-{status}")
            case OurFault(status=status):
                own = self._pauses.is_amid(recipient.push_service, self._clock())
                word, last = f"refused-{status}", own and attempts + 1 >= TRIES
                return Disposition(word) if last else self.later(alert, recipient, attempts, Retry(word))
            case Open(ticket=ticket):
                return _still_open(recipient, ticket, attempts, lease, self._clock())
            case Retry():
                return self.later(alert, recipient, attempts, self._paced(recipient, attempts, came))

    def _paced(self, recipient: Recipient, attempts: int, came: Retry) -> Retry:
        """Who was refused because the service keeps us to a pace is next: the trouble is not the recipient's."""
        keeps_pace = self._pauses.room(origin_of(recipient.keys.endpoint)) is not None
        soon = keeps_pace and came.reason == "429" and came.after_s is None and attempts < SOON_TRIES
        return Retry(SOON, SOON_S) if soon else came

    def _failed(self, recipient: Recipient, came: Outcome, judged: Disposition) -> Disposition:
        now, standing = self._clock(), recipient.standing or Standing(is_proven=True)
        amid = self._pauses.is_amid(recipient.push_service if standing.is_proven else None, now)
        if not amid:
            return judged
        if not is_over(standing, now):
            return Disposition(judged.word, judged.again, judged.gone, failed=True)
        status = f"refused-{came.status}" if isinstance(came, OurFault) else judged.word
        reason = status if standing.is_proven else NEVER_ACCEPTED
        return Disposition(status if isinstance(came, OurFault) else "expired", gone=reason)

    def _deferred(self, alert: Alert, recipient: Recipient, attempts: int, wait_s: float) -> Disposition:
        """It was not sent, so nothing failed: it waits for the next room, with those who were here last in front."""
        at = self._clock() + timedelta(seconds=wait_s)
        origin = origin_of(recipient.keys.endpoint)
        self._pauses.hold(recipient.push_service, at, breaking=alert.urgency is Urgency.HIGH, origin=origin)
        if at >= expires_at(alert):
            return EXPIRED
        return Disposition(
            "retrying", RetryLater(recipient.subscription_id, attempts, DEFERRED, at, recipient.push_service)
        )


def _still_open(recipient: Recipient, ticket: int, attempts: int, lease: Lease, now: datetime) -> Disposition:
    later = RetryLater(recipient.subscription_id, attempts, OPEN, now, recipient.push_service, lease.token, lease.until)
    return Disposition("retrying", later, ticket=ticket)


def _is_own_failure(recipient: Recipient, came: Outcome, judged: Disposition) -> bool:
    """A refusal of the subscription; and whatever fails at one that was never reached."""
    if isinstance(came, OurFault):
        return True
    unproven = recipient.standing is not None and not recipient.standing.is_proven
    return unproven and not (judged is ACCEPTED or judged.gone or (isinstance(came, Retry) and came.reason == DEFERRED))
