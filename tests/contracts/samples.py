"""Things that contract suites put into stores. Each builder takes what the test is about and invents the rest."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from notifier.alerts.alert import AlertKind, Message, NewAlert, Urgency
from notifier.alerts.evidence import Evidence
from notifier.subscribers.subscriber import NewSubscription, PushKeys

NOON = datetime(2026, 4, 25, 12, 0, tzinfo=UTC)


def token(name: str) -> bytes:
    """The hash that a store sees for the token of a browser of this name."""
    return hashlib.sha256(name.encode()).digest()


def a_subscription(name: str, *topics: str, service: str = "mozilla", endpoint: str = "") -> NewSubscription:
    """What the browser `name` sends."""
    return NewSubscription(
        keys=PushKeys(endpoint or f"https://push.example/{name}", b"\x04" + name.encode().ljust(64, b"."), b"a" * 16),
        token_hash=token(name),
        topics=frozenset(topics),
        push_service=service,
        vapid_key_id="key-1",
        browser="firefox",
    )


def an_alert(*topics: str, story: int = 1, breaking: bool = False, ttl_s: int = 3600) -> NewAlert:
    """An alert to these topics, decided at NOON."""
    return NewAlert(
        story_id=story,
        kind=AlertKind.NEW,
        message=Message(
            title="Dam holds after night of rain",
            body="The valley was warned at dusk.",
            url="https://news.example/dam",
            publisher="The Example",
            published_at=NOON,
            tag=f"story-{story}",
        ),
        topics=frozenset(topics),
        breaking=breaking,
        urgency=Urgency.HIGH if breaking else Urgency.NORMAL,
        ttl_s=ttl_s,
        why=Evidence(topics={slug: [] for slug in topics}),
        decided_at=NOON,
    )


def day(time: datetime) -> datetime:
    """What is kept of when a person was here: the day, in UTC."""
    return time.replace(hour=0, minute=0, second=0, microsecond=0)
