"""What every EnvelopeStore promises, on each database: an envelope is used once, whatever happens (promise 1)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

from sqlalchemy import delete, insert, select, text

from notifier.alerts.delivery import LeasedChunk
from notifier.push.envelope import ENVELOPE_BYTES, Envelope
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.schema import envelope
from notifier.storage.subscriptions import SqlSubscriptionStore
from tests.contracts.samples import NOON, a_subscription, an_alert, token
from tests.databases import sqlite_database
from tests.postgres import PostgresServer

LEASE_S = 60.0


class Harness:
    """The stores of one database, with `names` subscribed and sealed for."""

    def __init__(self, database: Database, *names: str) -> None:
        self.subscriptions = SqlSubscriptionStore(database)
        self.envelopes = SqlEnvelopeStore(database)
        self.deliveries = SqlDeliveryStore(database)
        self.alerts = SqlAlertStore(database)
        for name in names:
            self.subscriptions.subscribe(a_subscription(name, "world"), NOON)
        self.seal()

    def seal(self) -> int:
        wanted = self.envelopes.without(0, 1000)
        return self.envelopes.put([(*one, _envelope(one[0])) for one in wanted])

    def claim(self) -> LeasedChunk:
        self.alerts.accept(an_alert("world"), NOON)
        job = self.deliveries.claim_chunk(NOON, LEASE_S)
        assert job is not None
        return job

    def take(self, job: LeasedChunk) -> list[bytes | None]:
        return [recipient.envelope for recipient in self.deliveries.take(job, job.chunk.cursor, 1000)]


def _envelope(number: int) -> Envelope:
    return Envelope(number.to_bytes(8, "big").ljust(ENVELOPE_BYTES, b"-"))


def test_everybody_without_an_envelope_is_sealed_for(database: Database) -> None:
    harness = Harness(database, "ada", "bob", "eve")
    assert harness.envelopes.ready() == 3
    assert harness.envelopes.without(0, 10) == []
    harness.subscriptions.subscribe(a_subscription("kim", "world"), NOON)
    keys = a_subscription("kim").keys
    assert [one[1:] for one in harness.envelopes.without(0, 10)] == [(keys.p256dh, keys.auth)]


def test_an_envelope_is_handed_out_once(database: Database) -> None:
    harness = Harness(database, "ada", "bob")
    job = harness.claim()
    first, second = harness.take(job), harness.take(job)
    assert first == [_envelope(1), _envelope(2)]
    assert second == [None, None]
    assert harness.envelopes.ready() == 0


def test_two_workers_at_once_never_get_the_same_envelope(database: Database) -> None:
    harness = Harness(database, *(f"browser-{number}" for number in range(200)))
    job = harness.claim()
    together = Barrier(4)

    def worker(_: int) -> list[bytes | None]:
        together.wait(10)
        return harness.take(job)

    with ThreadPoolExecutor(4) as workers:
        taken = [one for part in workers.map(worker, range(4)) for one in part if one is not None]
    assert len(taken) == len(set(taken)) == 200


def test_a_worker_that_dies_before_it_sends_wastes_its_envelopes(database: Database) -> None:
    harness = Harness(database, "ada")
    assert harness.take(harness.claim()) == [_envelope(1)]
    taken_over = harness.deliveries.claim_chunk(NOON + timedelta(seconds=LEASE_S + 1), LEASE_S)
    assert taken_over is not None
    assert harness.take(taken_over) == [None]


def test_an_envelope_leaves_with_its_subscriber(database: Database) -> None:
    harness = Harness(database, "ada", "bob")
    harness.subscriptions.delete(token("ada"), NOON)
    assert harness.envelopes.ready() == 1


def test_new_keys_of_a_browser_void_what_was_sealed_for_the_old_ones(database: Database) -> None:
    harness = Harness(database, "ada")
    new = a_subscription("ada", endpoint="https://push.example/renewed")
    harness.subscriptions.renew(token("ada"), new, NOON)
    assert harness.take(harness.claim()) == [None]


def test_what_was_sealed_while_the_browser_changed_its_keys_is_not_kept(database: Database) -> None:
    harness = Harness(database)
    harness.subscriptions.subscribe(a_subscription("ada", "world"), NOON)
    ((number, p256dh, auth),) = harness.envelopes.without(0, 10)
    renewed = replace(a_subscription("ada").keys, auth=b"b" * 16)
    harness.subscriptions.renew(token("ada"), replace(a_subscription("ada"), keys=renewed), NOON)
    assert harness.envelopes.put([(number, p256dh, auth, _envelope(number))]) == 0
    assert harness.envelopes.put([(number + 1, p256dh, auth, _envelope(number))]) == 0
    assert harness.envelopes.put([(number, p256dh, renewed.auth, _envelope(number))]) == 1


def test_envelopes_of_another_epoch_are_not_handed_out_and_are_replaced(database: Database) -> None:
    harness = Harness(database, "ada")
    with database.writing() as connection:
        saved = connection.execute(select(envelope)).mappings().one()
        connection.execute(delete(envelope))
        connection.execute(insert(envelope).values({**saved, "epoch": "before the restore"}))
    assert harness.envelopes.ready() == 0
    assert harness.take(harness.claim()) == [None]
    assert harness.seal() == 1
    assert harness.envelopes.ready() == 1


def test_a_restored_sqlite_file_brings_no_envelope_back(tmp_path: Path) -> None:
    live, backup = tmp_path / "notifier.db", tmp_path / "backup.db"
    database = sqlite_database(live)
    harness = Harness(database, "ada")
    job = harness.claim()
    with closing(sqlite3.connect(live)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    assert harness.take(job) == [_envelope(1)]
    database.close()
    shutil.copy(backup, live)
    restored = Database(f"sqlite:///{live}")
    assert SqlEnvelopeStore(restored).ready() == 0
    (recipient,) = SqlDeliveryStore(restored).take(job, job.chunk.cursor, 10)
    assert recipient.envelope is None
    restored.close()


def test_a_restored_postgres_database_brings_no_envelope_back(postgres_server: PostgresServer) -> None:
    postgres_server.psql("CREATE DATABASE restored TEMPLATE template_notifier")
    database = Database(postgres_server.url("restored"))
    harness = Harness(database, "ada")
    with database.writing() as connection:
        saved = connection.execute(select(envelope)).mappings().one()
        connection.execute(text("TRUNCATE envelope"))  # as a restore does before it fills a table
        connection.execute(insert(envelope).values(saved))
    assert harness.envelopes.ready() == 0
    database.close()


def test_a_restarted_postgres_server_brings_no_envelope_back(require: Callable[[str], str]) -> None:
    server = PostgresServer(require("postgres"))
    server.psql("CREATE DATABASE notifier")
    database = Database(server.url("notifier"))
    database.create()
    harness = Harness(database, "ada")
    assert harness.envelopes.ready() == 1
    server.stop()
    server.start()
    assert harness.envelopes.ready() == 0
    database.close()
    server.remove()
