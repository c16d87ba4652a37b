"""An engine on a real database, with a transport that answers as the test says. Times are simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from sqlalchemy import delete

from notifier.alerts.alert import Alert
from notifier.clock import ManualClock
from notifier.engine.dispatcher import PushDispatcher, Seal
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.push.request import PushRequest
from notifier.push.transport import NO_LIMITS, PushResponse
from notifier.push.vapid import VapidSigner, vapid_key
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.schema import standing
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.subscribers.subscriber import PushKeys
from notifier.telemetry import Metrics
from tests.contracts.samples import NOON, a_subscription, an_alert

KEY = vapid_key(generate_private_key(SECP256R1()))
ACCEPTED = PushResponse(status=201)
LEASE_S = 60.0


class ScriptedTransport:
    """Answers each push to browser `name` with `answers[name]`, 201 otherwise; calls `then` when a batch is out."""

    def __init__(self) -> None:
        self.answers: dict[str, PushResponse] = {}
        self.batches: list[list[PushRequest]] = []
        self.then: Callable[[], None] = lambda: None
        self.closed = False

    @property
    def reached(self) -> list[str]:
        """The names of the browsers that were pushed to, in order."""
        return [_name(request) for batch in self.batches for request in batch]

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[PushResponse]:
        self.batches.append(list(batch))
        self.then()
        return [self.answers.get(_name(request), ACCEPTED) for request in batch]

    def close(self) -> None:
        self.closed = True


class EngineHarness:
    """One worker, its stores and its transport."""

    def __init__(self, database: Database, sub_batch: int = 2, first_batch: int = 100) -> None:
        self.database, self.clock = database, ManualClock(NOON)
        self.alerts = SqlAlertStore(database)
        self.subscriptions = SqlSubscriptionStore(database)
        self.deliveries = SqlDeliveryStore(database)
        self.metrics = Metrics()
        self.pauses = Pauses(self.metrics)
        self.sub_batch, self.first_batch = sub_batch, first_batch
        self.transport = ScriptedTransport()
        self.runner = self.worker(self.transport)

    def worker(self, transport: ScriptedTransport, key_id: str = KEY.key_id, seal: Seal | None = None) -> Runner:
        """A worker of its own, beside `runner`, whose keys are those of `key_id`'s subscriptions."""
        signer = VapidSigner([replace(KEY, key_id=key_id)], "mailto:alerts@news.example.org")
        dispatcher = PushDispatcher(transport, signer, seal or without_sealing, wall=self.clock)
        settings = RunSettings(self.sub_batch, self.first_batch, LEASE_S)
        return Runner(self.deliveries, dispatcher, self.pauses, self.metrics, self.clock, settings)

    def subscribe(self, *names: str, service: str = "mozilla") -> None:
        for name in names:
            new = a_subscription(name, "world", service=service)
            self.subscriptions.subscribe(replace(new, vapid_key_id=KEY.key_id), NOON)

    def prove(self) -> None:
        """A push was accepted by everybody who is here."""
        with self.database.writing() as connection:
            connection.execute(delete(standing))

    def accept(self, *, story: int = 1, breaking: bool = False, ttl_s: int = 3600) -> Alert:
        new = an_alert("world", story=story, breaking=breaking, ttl_s=ttl_s)
        return self.alerts.accept(replace(new, decided_at=self.clock()), self.clock())

    def work(self) -> None:
        """Let the worker do everything that can be done now."""
        while self.runner.work_once(never):
            pass

    def counts(self, alert: Alert) -> dict[str, int]:
        """What came of the alert, without what came to nothing."""
        return {word: count for word, count in self.read(alert).counts.items() if count}

    def read(self, alert: Alert) -> Alert:
        found = self.alerts.find(alert.id)
        assert found is not None
        return found

    def is_subscribed(self, name: str) -> bool:
        return self.subscriptions.find(a_subscription(name).token_hash) is not None


def never() -> bool:
    """Nobody asks the worker to stop."""
    return False


def without_sealing(payload: bytes, keys: PushKeys) -> bytes:
    """A Seal that leaves the text readable."""
    return payload


def _name(request: PushRequest) -> str:
    return request.endpoint.rsplit("/", 1)[1]
