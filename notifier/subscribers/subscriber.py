"""A subscription as a browser made it, and the store that keeps it.

A subscriber is known by a random token that only the browser keeps; the service stores its SHA-256. Endpoints and keys
are secrets: they have no place in a repr, a log line, a URL or a metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PushKeys:
    """Where to push and how to seal: `p256dh` is the 65-byte uncompressed point, `auth` the 16-byte secret
    (RFC 8291 section 3)."""

    endpoint: str = field(repr=False)
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """What a browser sends when it subscribes, validated.

    `vapid_key_id` names the application server key it is bound to; `push_service` the service's short name (`fcm`,
    `mozilla`, `apple`, `wns`, or the host); `browser` a family name.
    """

    keys: PushKeys
    token_hash: bytes = field(repr=False)
    topics: frozenset[str]
    push_service: str
    vapid_key_id: str
    browser: str = "other"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A stored subscription. `id` grows with time and orders every fan-out; `version` with each change of `topics`."""

    id: int
    keys: PushKeys
    push_service: str
    vapid_key_id: str
    browser: str
    topics: frozenset[str]
    created_at: datetime
    last_seen_at: datetime
    version: int = 0


class SubscriptionStore(Protocol):
    """Who wants what. Synchronous: callers run it in a worker thread. Tokens enter as SHA-256 digests."""

    def subscribe(self, new: NewSubscription, now: datetime) -> int:
        """Add, or replace what the same token or the same endpoint had before; returns the subscription's id."""

    def find(self, token_hash: bytes) -> Subscription | None:
        """The subscription that the token's owner made."""

    def seen(self, token_hash: bytes, now: datetime) -> None:
        """Its owner is here now. Raises NotFound."""

    def change_topics(self, token_hash: bytes, add: frozenset[str], remove: frozenset[str], now: datetime) -> None:
        """Add some topics, remove others, and leave the rest as it is, whoever chose it. Raises NotFound."""

    def renew(self, token_hash: bytes, new: NewSubscription, now: datetime) -> None:
        """The browser made new keys or a new endpoint (pushsubscriptionchange); topics stay. Raises NotFound."""

    def delete(self, token_hash: bytes, now: datetime) -> bool:
        """Forget everything about the subscriber; False if there was nothing."""

    def remove_gone(self, ids: Sequence[int], reason: str, now: datetime) -> int:
        """The push service said that these are gone (404, 410): delete them, count the reason; returns how many."""

    def audience(self, topics: frozenset[str]) -> int:
        """How many subscriptions have at least one of these topics."""
