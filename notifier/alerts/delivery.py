"""The delivery of an alert as its store sees it: chunks claimed with a lease, and what came of each sub-batch.

Enters: an accepted Alert. Leaves: `LeasedChunk`s and `Recipient`s for the engine, which pushes and settles. Every write
names the lease it acts under; a worker whose lease ran out gets LeaseLost and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from notifier.alerts.alert import Alert, Chunk
from notifier.subscribers.subscriber import PushKeys

Deferred = Mapping[bool, Collection[str]]
"""{is breaking: push services that take no such alert for now}."""
NOTHING_DEFERRED: Deferred = MappingProxyType({})
NO_ROOMS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a subscription to which no push was accepted yet (`is_proven` is False), or that was refused since.

    `failures`: alerts that failed there amid acceptances of others, since `since` (aware UTC). Most have no Standing.
    """

    is_proven: bool
    failures: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """One subscription to push to, with no more than a push needs.

    `envelope` was sealed ahead for it (push/envelope.py); None where there is none, so that sealing starts now.
    `tells`: a failure says something of the push service; not so at a subscription without an acceptance yet, nor at
    one that failed before with this alert.
    """

    subscription_id: int
    keys: PushKeys
    push_service: str
    vapid_key_id: str
    envelope: bytes | None = field(default=None, repr=False)
    standing: Standing | None = None
    tells: bool = True


@dataclass(frozen=True, slots=True)
class LeasedChunk:
    """A chunk that this worker holds, and the alert it belongs to."""

    alert: Alert
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class RetryLater:
    """A push that has to be tried again: the `attempts` so far, why, and not before when.

    `push_service` is what it is counted under if the subscriber left in the meantime. With a lease it is still under
    way, and this worker's until then.
    """

    subscription_id: int
    attempts: int
    reason: str
    next_attempt_at: datetime
    push_service: str = ""
    lease_token: str | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of one sub-batch.

    `counts` is {push service: {outcome: pushes}}; `gone` are {subscription id: reason} to remove, and `endpoints` which
    of theirs has ended: who has another one by now is tried again there. `cursor` is the last subscription id that is
    settled; `done` says that nothing of the chunk is left; `took` is {end of the bucket: pushes accepted}
    (alerts/receipts.py). `proved` are those with a Standing that were accepted, which ends it; `failed` those that it
    counts against.
    """

    cursor: int
    counts: Mapping[str, Mapping[str, int]]
    retries: Sequence[RetryLater] = ()
    gone: Mapping[int, str] = field(default_factory=dict)
    endpoints: Mapping[int, str] = field(default_factory=dict, repr=False)
    done: bool = False
    took: Mapping[float, int] = field(default_factory=dict)
    proved: Collection[int] = ()
    failed: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class LeasedRetry:
    """A push whose time to be tried again has come, held by this worker under `lease_token`."""

    alert: Alert
    recipient: Recipient
    attempts: int
    lease_token: str = ""


@dataclass(frozen=True, slots=True)
class RetrySettlement:
    """What came of one retry: final (`again` is None) with its outcome, or once more.

    `lease_token` is the job's; `gone` is the reason to remove the subscription, None to keep it; `took` the end of the
    bucket that it was accepted in, None if it was not. `proved` and `failed` as of a Settlement.
    """

    alert_id: int
    recipient: Recipient
    outcome: str
    again: RetryLater | None = None
    lease_token: str = ""
    gone: str | None = None
    took: float | None = None
    proved: bool = False
    failed: bool = False


class DeliveryStore(Protocol):
    """Chunks and retries of accepted alerts. Synchronous: the engine calls it from its worker threads."""

    def claim_chunk(self, now: datetime, lease_s: float, *, only_breaking: bool = False) -> LeasedChunk | None:
        """The next chunk nobody holds, breaking ones first, under a fresh lease; None if there is none."""

    def lease_token(self) -> str:
        """A new token for what this process holds: whoever finds the process dead knows it by that."""

    def breaking_waits(self, now: datetime) -> bool:
        """Whether a breaking chunk is waiting for a worker."""

    def is_sending(self) -> bool:
        """Whether some worker holds a chunk."""

    def take(self, job: LeasedChunk, after: int, limit: int) -> Sequence[Recipient]:
        """The chunk's next recipients by id, after the subscription id `after`, with the envelopes that they have.

        An envelope is handed out once: when this returns, no other call will, whatever becomes of this process.
        """

    def settle(self, job: LeasedChunk, settlement: Settlement, now: datetime, lease_s: float) -> None:
        """Write what came of a sub-batch, move the cursor and renew the lease, in one transaction.

        Raises LeaseLost if another worker has the chunk now.
        """

    def release(self, job: LeasedChunk, now: datetime) -> None:
        """Give the chunk back where its cursor stands, for whoever is next."""

    def claim_retries(
        self,
        now: datetime,
        limit: int,
        lease_s: float,
        held: Deferred = NOTHING_DEFERRED,
        rooms: Mapping[str, int] = NO_ROOMS,
    ) -> Sequence[LeasedRetry]:
        """Up to `limit` due retries of one alert at one push service that is not `held`, under a fresh lease.

        `rooms`: {push service: a lower limit} of those that take so many at a time.

        Breaking alerts first, then older ones; of the subscribers those first who were here most recently.
        """

    def settle_retries(self, settlements: Sequence[RetrySettlement], now: datetime) -> None:
        """Write what came of retries: counted and removed, or put off. Those that another worker holds stay his."""
