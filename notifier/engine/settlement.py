"""What is written of pushes that were judged: counts, retries, who is gone, who is proven. Pure.

Enters: recipients and the Disposition of each. Leaves: a Settlement of a sub-batch, or one of each retry; next: the
delivery store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.alerts.alert import Alert
from notifier.alerts.delivery import LeasedRetry, Recipient, RetrySettlement, Settlement
from notifier.engine.outcome_policy import ACCEPTED, Disposition, Lease


@dataclass(frozen=True, slots=True)
class Pushed:
    """A sub-batch that was pushed; of `tickets` (ticket -> place) nothing has come yet."""

    alert: Alert
    recipients: Sequence[Recipient]
    judged: list[Disposition]
    cursor: int
    done: bool
    lease: Lease
    tickets: dict[int, int]


def settlement_of(pushed: Pushed, counted: Mapping[tuple[str, str], int], took_s: float) -> Settlement:
    """What is written of a sub-batch whose pushes were `counted`; who was accepted took `took_s` seconds at most."""
    recipients, judged = pushed.recipients, pushed.judged
    others = [(r, what) for r, what in zip(recipients, judged, strict=True) if what is not ACCEPTED]
    counts: dict[str, dict[str, int]] = {}
    for (service, word), pushes in counted.items():
        counts.setdefault(service, {})[word] = pushes
    return Settlement(
        cursor=pushed.cursor,
        counts=counts,
        retries=[what.again for _, what in others if what.again is not None],
        gone={r.subscription_id: what.gone for r, what in others if what.gone},
        endpoints={r.subscription_id: r.keys.endpoint for r, what in others if what.gone},
        done=pushed.done,
        took={took_s: accepted} if (accepted := len(judged) - len(others)) else {},
        proved=_proved(recipients, judged),
        failed=[r.subscription_id for r, what in others if what.failed],
    )


def retry_settlement_of(job: LeasedRetry, what: Disposition, took_s: float | None) -> RetrySettlement:
    """What is written of one that was tried again; `took_s` of one that was accepted."""
    return RetrySettlement(
        job.alert.id,
        job.recipient,
        what.word,
        what.again,
        job.lease_token,
        what.gone,
        took_s,
        proved=what is ACCEPTED and job.recipient.standing is not None,
        failed=what.failed,
    )


def counted(recipients: Sequence[Recipient], judged: Sequence[Disposition]) -> Counter[tuple[str, str]]:
    """{(push service, word): pushes}."""
    return Counter([(recipient.push_service, what.word) for recipient, what in zip(recipients, judged, strict=True)])


def _proved(recipients: Sequence[Recipient], judged: Sequence[Disposition]) -> list[int]:
    """Those with a Standing that were accepted, which ends it."""
    with_standing = [place for place, recipient in enumerate(recipients) if recipient.standing is not None]
    return [recipients[place].subscription_id for place in with_standing if judged[place] is ACCEPTED]
