"""401 and 403: whose fault it is (pure). What came of a batch enters, whether a whole service is in doubt leaves.

About two in a hundred of a large site's subscriptions are refused for reasons of their own: made with another site's
key, or at an address that is none. Such a one is tried again a few times, counted, and let go when it was refused in
several fan-outs over more than a day, amid acceptances at the same service. Only when several different recipients,
each of which was reached before, are refused in a row without an acceptance, and those who were accepted lately are
refused too, is it the service that refuses *us*. Where nobody can be asked (their alert's time is over), as many have
to be refused as it accepted at once before: a handful of subscriptions may be one person's, on a topic of their own.

A new subscription proves itself: until a push to it was first accepted, what fails there says nothing of anybody else,
and where it fails for days, amid acceptances of others, it is let go.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import Recipient, Standing

SEVERAL = 5
"""Different recipients refused in a row, without an acceptance between them, before the service is in doubt."""
TRIES = 3
"""How often one alert is tried at a subscription that is refused amid acceptances."""
AMID = timedelta(minutes=10)
"""An acceptance so long ago still says that the service takes our pushes."""
# Of the first failure only the day is kept: of these, a day may have been over before it.
ENDS_AFTER, ENDS_REFUSALS = timedelta(days=2), 5
UNPROVEN_ENDS_AFTER, UNPROVEN_ENDS_FAILURES = timedelta(days=4), 3
MOST_REMEMBERED = 64
TOLD_AFTER_ALERTS = 3
"""Alerts in a row that a service refused to everybody before a person is told, however few everybody is."""
TOLD_FOR = timedelta(days=1)
PROBES = 3
"""Recipients that were accepted lately, and all of which have to be refused before a service is paused."""


@dataclass(frozen=True, slots=True)
class Good:
    """Somebody who was accepted, and with what: a probe repeats that alert, which the device shows in silence."""

    recipient: Recipient = field(repr=False)
    alert: Alert


@dataclass(frozen=True, slots=True)
class RefusalHistory:
    """What is known of one push service: who was `refused` since it last `accepted_at` somebody.

    `good` are a few of those who were accepted lately; `most`: how many it accepted at once, MOST_REMEMBERED at most.
    `alerts`: how many were refused to everybody since, the last of them `last_alert`, with `status`, at `refused_at`.
    """

    refused: frozenset[int] = frozenset()
    accepted_at: datetime | None = None
    good: tuple[Good, ...] = ()
    most: int = 0
    alerts: int = 0
    last_alert: int = 0
    status: int = 0
    refused_at: datetime | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether several were refused in a row, and nobody accepted."""
        return len(self.refused) >= SEVERAL

    @property
    def is_plain(self) -> bool:
        """Whether so many were refused in a row that nobody has to be asked."""
        return len(self.refused) >= max(SEVERAL, self.most)

    def is_refusing(self, now: datetime) -> bool:
        """Whether everybody is refused, though they may be too few to tell the service's fault from their own."""
        lately = self.refused_at is not None and now - self.refused_at <= TOLD_FOR
        return lately and bool(self.refused) and self.alerts >= TOLD_AFTER_ALERTS

    def is_amid(self, now: datetime) -> bool:
        """Whether the service accepted somebody lately."""
        return self.accepted_at is not None and now - self.accepted_at <= AMID


def accepted(evidence: RefusalHistory, good: Good, many: int, now: datetime) -> RefusalHistory:
    """So many at once were accepted, `good` among them: whatever was refused before was their own trouble."""
    most = min(MOST_REMEMBERED, max(evidence.most, many))
    others = [one for one in evidence.good if one.recipient.subscription_id != good.recipient.subscription_id]
    return RefusalHistory(accepted_at=now, good=(good, *others[: PROBES - 1]), most=most)


def refused(evidence: RefusalHistory, ids: frozenset[int], alert_id: int, status: int, now: datetime) -> RefusalHistory:
    """A batch of an alert in which these were refused, of those that tell of the service, and nobody was accepted."""
    if not ids:
        return evidence
    return replace(
        evidence,
        refused=frozenset(list(evidence.refused | ids)[:MOST_REMEMBERED]),
        alerts=evidence.alerts + (alert_id != evidence.last_alert),
        last_alert=alert_id,
        status=status,
        refused_at=now,
    )


def is_over(standing: Standing, now: datetime) -> bool:
    """Whether a subscription that fails once more, amid acceptances, is let go."""
    failures, since = standing.failures + 1, standing.since
    if since is None:
        return False
    if standing.is_proven:
        return failures >= ENDS_REFUSALS and now - since >= ENDS_AFTER
    return failures >= UNPROVEN_ENDS_FAILURES and now - since >= UNPROVEN_ENDS_AFTER
