"""A feed's subscription at its WebSub hub, and every step that it can take. Pure; `websub` sends and receives.

Enters: a `Hub` as stored, and the time or what the hub said. Leaves: the next `Hub`, and a `HubRequest` if the hub has
to be told something. W3C Recommendation WebSub, sections 5 (subscribing), 5.3 (verification), 7 (content).

    (none) -> asked -> active -> (renewed before its lease ends) -> leaving -> (none)
                 `-> denied (asked again after a day)
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from notifier.feeds.cadence import MISSES_UNTIL_QUIET

ASKED, ACTIVE, DENIED, LEAVING = "asked", "active", "denied", "leaving"
SIGNATURES = frozenset({"sha1", "sha256", "sha384", "sha512"})
WISHED_LEASE_S = 10 * 86_400
LONGEST_LEASE_S = 30 * 86_400
RENEW_AT = 0.8
ASK_AGAIN = timedelta(hours=1)
ASK_DENIED_AGAIN = timedelta(days=1)
# A lease is renewed when this share of it, or of the one that we wished for, is over: so much longer than the rest of
# it may be waited for, and no longer than this.
WAIT_PER_REST = RENEW_AT / (1 - RENEW_AT) * 1.01
CLOCKS_DIFFER = timedelta(minutes=2)
SAME_WITHIN = timedelta(minutes=1)
LONGEST_WAIT = timedelta(seconds=WISHED_LEASE_S) * RENEW_AT + CLOCKS_DIFFER
LONGEST_LEASE = timedelta(seconds=LONGEST_LEASE_S) + CLOCKS_DIFFER


@dataclass(frozen=True, slots=True)
class Hub:
    """One feed's hub. `url` and `topic` are what the feed says now; `subscribed_url` and `subscribed_topic` what the
    `state` is about. `callback` is the unguessable part of our address. `wanted`: the feed is polled at all."""

    feed_id: int
    url: str | None
    topic: str | None
    wanted: bool = True
    callback: str | None = None
    secret: bytes | None = None
    state: str | None = None
    subscribed_url: str | None = None
    subscribed_topic: str | None = None
    lease_until: datetime | None = None
    next_at: datetime | None = None
    missed: int = 0


@dataclass(frozen=True, slots=True)
class HubRequest:
    """What the hub at `url` has to be told: `mode` is subscribe or unsubscribe."""

    feed_id: int
    url: str
    mode: str
    topic: str
    callback: str
    secret: bytes

    def form(self, callback_url: str) -> dict[str, str]:
        """The form of section 5.1."""
        fields = {"hub.mode": self.mode, "hub.topic": self.topic, "hub.callback": callback_url}
        if self.mode == "subscribe":
            fields |= {"hub.secret": self.secret.hex(), "hub.lease_seconds": str(WISHED_LEASE_S)}
        return fields


class HubStore(Protocol):
    """Where hubs are kept. Synchronous; call it from a worker thread."""

    def take_steps(self, now: datetime, limit: int) -> list[HubRequest]:
        """Let the hubs whose time has come take `next_step`, each in one process only; what has to be sent."""

    def by_callback(self, callback: str) -> Hub | None:
        """The hub that was given this callback."""

    def by_feed(self, feed_id: int) -> Hub | None:
        """The hub of one feed."""

    def save(self, hub: Hub) -> None:
        """Replace what is stored of a hub."""

    def poll_soon(self, feed_id: int, now: datetime) -> None:
        """The hub said that there is something, and not what: the feed is due now, or soon after its last poll."""


def next_step(hub: Hub, now: datetime) -> tuple[Hub, HubRequest | None]:
    """What to tell the hub at `now`. The new state is stored before that is sent: a hub may verify while we send."""
    if not hub.wanted or hub.url is None or hub.topic is None:
        return _leave(hub, now)
    same = (hub.url, hub.topic) == (hub.subscribed_url, hub.subscribed_topic)
    if same and waits(hub, now) and not _is_quiet(hub):
        return hub, None
    stays_active = same and hub.state == ACTIVE and not _is_quiet(hub)
    asked = replace(
        hub,
        state=ACTIVE if stays_active else ASKED,
        callback=hub.callback or secrets.token_hex(16),
        secret=hub.secret if same and hub.secret else secrets.token_bytes(32),
        subscribed_url=hub.url,
        subscribed_topic=hub.topic,
        next_at=now + ASK_AGAIN,
        missed=0,
    )
    return asked, _request(asked, "subscribe")


def waits(hub: Hub, now: datetime) -> bool:
    """Whether its time is still to come; one that lies too far ahead was set by a clock that was ahead, and is now."""
    if hub.next_at is None or hub.next_at <= now:
        return False
    longest = ASK_DENIED_AGAIN if hub.state in (DENIED, LEAVING) else ASK_AGAIN
    if hub.state == ACTIVE and hub.lease_until is not None:
        longest = max(longest, min((hub.lease_until - hub.next_at) * WAIT_PER_REST, LONGEST_WAIT))
    return hub.next_at - now <= longest + CLOCKS_DIFFER


def verified(hub: Hub, lease_s: float, now: datetime) -> Hub:
    """The hub asked whether we meant it, and we do: active until its lease ends, renewed well before."""
    lease = timedelta(seconds=min(max(lease_s, 60.0), LONGEST_LEASE_S))
    wait = min(lease, timedelta(seconds=WISHED_LEASE_S)) * RENEW_AT
    return replace(hub, state=ACTIVE, lease_until=now + lease, next_at=now + wait, missed=0)


def says_more(after: Hub, before: Hub) -> bool:
    """Whether what a hub said has to be stored: the same again within a minute is nothing new."""
    if replace(after, lease_until=before.lease_until, next_at=before.next_at) != before:
        return True
    return _moves(after.lease_until, before.lease_until) or _moves(after.next_at, before.next_at)


def _moves(after: datetime | None, before: datetime | None) -> bool:
    if after is None or before is None:
        return after is not before
    return abs(after - before) >= SAME_WITHIN


def denied(hub: Hub, now: datetime) -> Hub:
    """The hub does not want us; it is asked again after a day."""
    return replace(hub, state=DENIED, lease_until=None, next_at=now + ASK_DENIED_AGAIN)


def left(hub: Hub) -> Hub:
    """The subscription has ended."""
    return Hub(hub.feed_id, hub.url, hub.topic, hub.wanted)


def confirms(hub: Hub, mode: str, topic: str) -> bool:
    """Whether we meant what the hub asks about (section 5.3)."""
    if topic != hub.subscribed_topic:
        return False
    if mode == "subscribe":
        return hub.wanted and hub.state in (ASKED, ACTIVE, DENIED)
    return mode == "unsubscribe" and hub.state == LEAVING


def signature_is_good(header: str | None, secret: bytes, body: bytes) -> bool:
    """Whether `X-Hub-Signature: method=hex` is ours, compared in constant time (section 8.1)."""
    method, _, given = (header or "").strip().partition("=")
    if method.lower() not in SIGNATURES:
        return False
    right = hmac.digest(secret.hex().encode(), body, method.lower()).hex()
    return hmac.compare_digest(right.encode(), given.strip().lower().encode())


def steps_of(hubs: Sequence[Hub], now: datetime) -> list[tuple[Hub, HubRequest | None]]:
    """The steps of those that have one to take."""
    steps = [(hub, *next_step(hub, now)) for hub in hubs]
    return [(after, request) for before, after, request in steps if after != before]


def _leave(hub: Hub, now: datetime) -> tuple[Hub, HubRequest | None]:
    """Unsubscribe, once a day if the hub does not answer, and forget it when the lease has ended anyway."""
    if hub.state not in (ASKED, ACTIVE, LEAVING):
        return hub, None
    if hub.lease_until is None or hub.lease_until <= now:
        return left(hub), None
    if hub.state == LEAVING and waits(hub, now):
        return hub, None
    leaving = replace(hub, state=LEAVING, next_at=now + ASK_DENIED_AGAIN)
    return leaving, _request(leaving, "unsubscribe")


def _request(hub: Hub, mode: str) -> HubRequest | None:
    if hub.subscribed_url is None or hub.subscribed_topic is None or hub.callback is None:
        return None
    return HubRequest(hub.feed_id, hub.subscribed_url, mode, hub.subscribed_topic, hub.callback, hub.secret or b"")


def _is_quiet(hub: Hub) -> bool:
    return hub.state == ACTIVE and hub.missed >= MISSES_UNTIL_QUIET
