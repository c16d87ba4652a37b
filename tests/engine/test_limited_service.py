"""The whole way over TLS and HTTP/2 to a push service that takes 1,000 messages a minute and answers 429 beyond."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from sqlalchemy import select

from notifier.engine.dispatcher import PushDispatcher
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.outbound.addresses import AddressGuard
from notifier.outbound.route import Route
from notifier.push.curl_transport import CurlTransport
from notifier.push.http2.transport import Http2Transport
from notifier.push.paced_transport import PacedTransport, Pacer
from notifier.push.pacing import LIMITED_MINUTES, LIMITED_PER_MINUTE
from notifier.push.seal import seal
from notifier.push.vapid import VapidSigner, vapid_key
from notifier.storage.database import Database
from notifier.storage.schema import delivery_retry
from notifier.storage.transfer import SqlTransfer
from notifier.subscribers.subscriber import NewSubscription
from tests.contracts.samples import NOON, token
from tests.databases import sqlite_database
from tests.engine.harness import LEASE_S, EngineHarness, never
from tests.pushsink.browser import keys_of
from tests.pushsink.process import PushSink

SUBSCRIBERS = 2_200
KEY = vapid_key(generate_private_key(SECP256R1()))


@pytest.fixture
def sink() -> Iterator[PushSink]:
    with PushSink("--sample", "50") as started:
        yield started


class Site:
    """A house whose subscribers are all at the sink, in a time of its own."""

    def __init__(self, database: Database, sink: PushSink) -> None:
        self.harness = EngineHarness(database)
        self.sink = sink
        self.pacer = Pacer(self.harness.clock, limiting=(sink.origin,))
        route = Route(AddressGuard.allowing([sink.local]), sink.ca_file)
        transport = PacedTransport(Http2Transport(route, CurlTransport(route)), self.pacer)
        harness, settings = self.harness, RunSettings(sub_batch=500, lease_s=LEASE_S)
        dispatcher = PushDispatcher(transport, VapidSigner([KEY], "mailto:alerts@news.example.org"), seal)
        pauses = Pauses(harness.metrics, self.pacer.limited)
        self.runner = Runner(harness.deliveries, dispatcher, pauses, harness.metrics, harness.clock, settings)
        new = [
            NewSubscription(
                keys_of(number, sink.endpoint("limited", number)),
                token(str(number)),
                frozenset({"world"}),
                "sink",
                KEY.key_id,
            )
            for number in range(SUBSCRIBERS)
        ]
        # The later ones, who have the higher ids, were here more recently.
        SqlTransfer(database).add(new[: SUBSCRIBERS // 2], NOON - timedelta(days=30))
        SqlTransfer(database).add(new[SUBSCRIBERS // 2 :], NOON)

    def waiting(self) -> set[int]:
        """Whose push is to be tried again, by number from 1."""
        with self.harness.database.reading() as connection:
            return set(connection.scalars(select(delivery_retry.c.subscription_id)))

    def work_for(self, minutes: int) -> None:
        for _ in range(minutes):
            for _ in range(6):
                while self.runner.work_once(never):
                    pass
                self.harness.clock.advance(10)
            self.sink.next_minute()

    @property
    def is_limited(self) -> bool:
        pace = self.pacer.paces().get(self.sink.origin)
        return pace is not None and pace.per_minute is not None


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_limit_is_found_and_kept_and_everybody_gets_the_alert_within_it(tmp_path: Path, sink: PushSink) -> None:
    database = sqlite_database(tmp_path / "notifier.db")
    site = Site(database, sink)
    story = 100
    while not site.is_limited and story < 100 + 3 * LIMITED_MINUTES:
        story += 1
        site.harness.accept(story=story, ttl_s=50)
        site.work_for(1)
    assert site.is_limited
    site.work_for(1)
    sink.forget()

    alert = site.harness.accept(story=1, ttl_s=3600)
    site.work_for(1)
    assert site.waiting() >= set(range(1, SUBSCRIBERS // 2 + 1)), "who was here last goes first"
    assert 0 < site.harness.counts(alert)["delivered"] <= LIMITED_PER_MINUTE
    site.work_for(5)

    seen = sink.report()
    assert site.harness.counts(alert) == {"delivered": SUBSCRIBERS}
    assert (seen["browsers"], seen["repeated"], seen["problems"]) == (SUBSCRIBERS, 0, [])
    assert max(seen["minutes"]) <= LIMITED_PER_MINUTE
    site.runner.close()
    database.close()
