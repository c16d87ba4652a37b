"""The web room on its own: a store in memory, a push service that answers as told, and a client that speaks ASGI."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI

from notifier.alerts.alert import Alert, AlertKind, Message, Urgency
from notifier.alerts.article import ArticleStore
from notifier.alerts.evidence import Evidence
from notifier.clock import ManualClock
from notifier.errors import NotFound
from notifier.push.outcome import Delivered, Outcome
from notifier.subscribers.endpoint import EndpointPolicy
from notifier.subscribers.subscriber import NewSubscription, Subscription
from notifier.topics.topic import Topic
from notifier.troubles import Trouble
from notifier.web.app import build_app
from notifier.web.receipt_counter import ReceiptCounter
from notifier.web.services import Check, PictureSource, PublicKey, SiteSettings, WebServices, WebSubCallback

NOW = datetime(2026, 4, 26, 9, 30, tzinfo=UTC)
TOKEN = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")
OTHER_TOKEN = base64.urlsafe_b64encode(bytes(range(1, 33))).decode().rstrip("=")
KEY_ID = "k1"
ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/only-between-us"
TOPICS = (
    Topic("breaking", "Breaking news", "The few stories that cannot wait.", "", default_on=True),
    Topic("world", "World", "What moves between countries: wars, treaties, elections.", "", default_on=True),
    Topic("science", "Science", "Discoveries, space, and how we know.", "science OR space"),
)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


PUBLIC_POINT = (
    ec.derive_private_key(7, ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
)
KEYS = {"p256dh": base64url(PUBLIC_POINT), "auth": base64url(bytes(16))}


def push_subscription(endpoint: str = ENDPOINT, **keys: str) -> dict[str, Any]:
    """What `PushSubscription.toJSON()` gives."""
    return {"endpoint": endpoint, "expirationTime": None, "keys": KEYS | keys}


class MemorySubscriptions:
    """SubscriptionStore in a dict."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Subscription] = {}
        self.ends: list[str] = []
        self.visits = 0
        self._last = 0

    def subscribe(self, new: NewSubscription, now: datetime) -> int:
        self._free(new)
        known = self.kept.get(new.token_hash)
        if known is None:
            self._last += 1
        number, version = (known.id, known.version + 1) if known else (self._last, 0)
        today, began = _day(now), known.created_at if known else _day(now)
        self.kept[new.token_hash] = Subscription(
            number, new.keys, new.push_service, new.vapid_key_id, new.browser, new.topics, began, today, version
        )
        return number

    def find(self, token_hash: bytes) -> Subscription | None:
        return self.kept.get(token_hash)

    def seen(self, token_hash: bytes, now: datetime) -> None:
        self.kept[token_hash] = replace(self._owned(token_hash), last_seen_at=_day(now))
        self.visits += 1

    def change_topics(self, token_hash: bytes, add: frozenset[str], remove: frozenset[str], now: datetime) -> None:
        old = self._owned(token_hash)
        topics = (old.topics | add) - remove
        version = old.version + (topics != old.topics)
        self.kept[token_hash] = replace(old, topics=topics, version=version, last_seen_at=_day(now))

    def renew(self, token_hash: bytes, new: NewSubscription, now: datetime) -> None:
        old = self._owned(token_hash)
        self._free(new)
        self.kept[token_hash] = replace(
            old,
            keys=new.keys,
            push_service=new.push_service,
            vapid_key_id=new.vapid_key_id,
            browser=new.browser,
            last_seen_at=_day(now),
        )

    def delete(self, token_hash: bytes, now: datetime) -> bool:
        return self.kept.pop(token_hash, None) is not None

    def remove_gone(self, ids: Sequence[int], reason: str, now: datetime) -> int:
        gone = [h for h, s in self.kept.items() if s.id in ids]
        for token_hash in gone:
            del self.kept[token_hash]
            self.ends.append(reason)
        return len(gone)

    def audience(self, topics: frozenset[str]) -> int:
        return sum(1 for s in self.kept.values() if s.topics & topics)

    def _owned(self, token_hash: bytes) -> Subscription:
        if token_hash not in self.kept:
            raise NotFound("no subscription has this token: press “Get alerts”")
        return self.kept[token_hash]

    def _free(self, new: NewSubscription) -> None:
        """Nobody else has the endpoint from now on."""
        others = [h for h, s in self.kept.items() if h != new.token_hash and s.keys.endpoint == new.keys.endpoint]
        for token_hash in others:
            del self.kept[token_hash]


def _day(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass
class Answer:
    """What the application said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Site:
    """The application with everything around it that a test may look at or change."""

    store: MemorySubscriptions = field(default_factory=MemorySubscriptions)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    settings: SiteSettings = field(default_factory=lambda: SiteSettings(title="The Morning Wire"))
    topics: tuple[Topic, ...] = TOPICS
    outcome: Outcome = field(default_factory=Delivered)
    tested: list[Subscription] = field(default_factory=list)
    alerts: tuple[Alert, ...] = ()
    checks: dict[str, Check] = field(default_factory=lambda: {"database": Check(ok=True, detail="answers")})
    troubles: tuple[Trouble, ...] = ()
    websub: WebSubCallback | None = None
    key: str = base64url(PUBLIC_POINT)
    push_origins: tuple[str, ...] = ()
    receipts: ReceiptCounter | None = None
    pictures: PictureSource | None = None
    articles: ArticleStore | None = None

    def __post_init__(self) -> None:
        self.app: FastAPI = build_app(self.services())

    def services(self) -> WebServices:
        return WebServices(
            site=self.settings,
            clock=self.clock,
            subscriptions=self.store,
            endpoints=EndpointPolicy(self.push_origins),
            topics=lambda: self.topics,
            public_key=lambda: PublicKey(KEY_ID, self.key),
            send_test=self._send_test,
            recent_alerts=lambda: self.alerts,
            readiness=lambda: self.checks,
            metrics=lambda: b"notifier_up 1\n",
            troubles=lambda: self.troubles,
            websub=self.websub,
            receipts=self.receipts,
            pictures=self.pictures,
            articles=self.articles,
        )

    async def _send_test(self, subscription: Subscription) -> Outcome:
        self.tested.append(subscription)
        return self.outcome

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `body` is sent as JSON unless it is bytes."""
        sent = {"host": "127.0.0.1:8000"} | {k.lower(): v for k, v in (headers or {}).items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is not None:
            sent.setdefault("content-type", "application/json")
        return asyncio.run(speak(self.app, method, path, sent, raw))

    def subscribe(self, *topics: str, token: str = TOKEN, **members: Any) -> Answer:
        """Subscribe as the page does."""
        body = {"subscription": push_subscription(), "topics": list(topics), "key_id": KEY_ID} | members
        return self.ask("POST", "/api/subscriptions", token=token, body=body)

    def kept(self, token: str = TOKEN) -> Subscription | None:
        """What the store has for this token."""
        return self.store.find(sha256(token.encode()).digest())


async def speak(app: FastAPI, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """One HTTP exchange over ASGI 3."""
    target, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(target),
        "raw_path": target.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    said: list[Any] = []
    incoming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if incoming:
            return incoming.pop(0)
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        said.append(message)

    with suppress(RuntimeError):  # a bug is raised again once it has been answered, for the server's log
        await app(scope, receive, send)
    start = next(m for m in said if m["type"] == "http.response.start")
    return Answer(
        status=start["status"],
        headers={name.decode(): value.decode() for name, value in start["headers"]},
        body=b"".join(m.get("body", b"") for m in said if m["type"] == "http.response.body"),
    )


def alert(
    alert_id: int,
    title: str,
    *,
    tag: str = "s1",
    kind: AlertKind = AlertKind.NEW,
    breaking: bool = False,
    minutes_ago: float = 10,
    publisher: str = "The Harbour Post",
    body: str = "",
) -> Alert:
    """An alert of the story `tag`, decided `minutes_ago` before NOW."""
    at = NOW - timedelta(minutes=minutes_ago)
    message = Message(title, body, f"https://news.example/{tag}", publisher, at, tag)
    return Alert(alert_id, 1, kind, message, frozenset({"world"}), breaking, Urgency.HIGH, 3600, Evidence(), at, 10)
