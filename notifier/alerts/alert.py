"""An alert that was decided, its chunks, and the store that keeps both.

Enters: a Story, its TopicMatches and a decision. Leaves: `Chunk`s of an audience; next room: push.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from notifier.alerts.evidence import Evidence
from notifier.topics.topic import Then


def goes_by_itself(hold_until: datetime | None, why: Evidence) -> bool:
    """Whether an alert with this evidence needs nobody: it is not held, or its topics send it after a while."""
    return hold_until is None or why.hold.then is Then.SEND


class AlertKind(StrEnum):
    """`update` and `correction` replace the notification that `new` put on the screen (same tag, same Topic)."""

    NEW = "new"
    UPDATE = "update"
    CORRECTION = "correction"
    TEST = "test"


class Urgency(StrEnum):
    """RFC 8030 section 5.3."""

    VERY_LOW = "very-low"
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Message:
    """What a screen shows. `tag` is the same for every state of one story; `alert_id` differs for each."""

    title: str
    body: str
    url: str
    publisher: str
    published_at: datetime
    tag: str
    image_url: str | None = None


@dataclass(frozen=True, slots=True)
class NewAlert:
    """A decision to send, before it has an id. `topics` are slugs.

    Who also follows one of `except_topics` has this story on the screen already, and is left out. `published_at` and
    `fetched_at` are when the first outlet published it and when we had it; None where nobody knows.
    """

    story_id: int
    kind: AlertKind
    message: Message
    topics: frozenset[str]
    breaking: bool
    urgency: Urgency
    ttl_s: int
    why: Evidence
    decided_at: datetime
    hold_until: datetime | None = None
    except_topics: frozenset[str] = frozenset()
    published_at: datetime | None = None
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A stored alert: accepted, so it survives any crash. Until `hold_until` an editor may let it go or stop it.

    `why.hold` says what becomes of it then, if nobody looks (alerts/on_hold.py), and afterwards what became.
    `receipt` is its random name for browsers, which tell by it that they showed it (alerts/receipts.py).
    """

    id: int
    story_id: int
    kind: AlertKind
    message: Message
    topics: frozenset[str]
    breaking: bool
    urgency: Urgency
    ttl_s: int
    why: Evidence
    decided_at: datetime
    audience: int
    counts: Mapping[str, int] = field(default_factory=dict)
    done_at: datetime | None = None
    withdrawn_at: datetime | None = None
    hold_until: datetime | None = None
    published_at: datetime | None = None
    fetched_at: datetime | None = None
    receipt: str | None = None

    @property
    def goes_by_itself(self) -> bool:
        """Whether it is sent at `hold_until` though nobody looked."""
        return goes_by_itself(self.hold_until, self.why)

    def is_held(self, now: datetime) -> bool:
        """Whether nobody may be told of it: no editor let it go, nor has its topics' choice come true."""
        if self.hold_until is None or self.why.hold.let_go:
            return False
        return now < self.hold_until or not self.goes_by_itself

    def waits(self, now: datetime) -> bool:
        """Whether an editor may let it go."""
        return self.done_at is None and self.is_held(now)

    def nobody_looked(self, now: datetime) -> bool:
        """Whether its hold ended without an editor, and it was sent or dropped so."""
        unseen = self.hold_until is not None and not self.why.hold.let_go and not self.waits(now)
        return bool(self.why.hold.nobody_looked) or (unseen and self.goes_by_itself and self.withdrawn_at is None)

    @property
    def released_at(self) -> datetime:
        """When it might go to its audience: what an editor held did not take that long to decide."""
        return max(self.decided_at, self.hold_until or self.decided_at)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A slice of an alert's audience: subscription ids in (lo, hi]; those up to `cursor` are done."""

    id: int
    alert_id: int
    lo: int
    hi: int
    cursor: int
    attempts: int
    lease_token: str
