"""Bad neighbours at a real push service, with PostgreSQL, RabbitMQ and two workers: they cost themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from notifier.clock import system_clock
from notifier.push.vapid import load_or_create_key
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.transfer import SqlTransfer
from tests.contracts.samples import a_subscription, an_alert
from tests.engine.test_crash import wait_until
from tests.postgres import PostgresServer
from tests.pushsink.browser import keys_of
from tests.pushsink.process import ROOT, PushSink
from tests.rabbitmq import RabbitServer

SUBSCRIBERS = 2_000
BAD = ("never", "401", "403", "429-seconds", "429", "503", "reset", "goaway", "big", "after-0.5")
EVERY = 20


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_workers_reach_every_good_reader_whatever_the_others_do(require: Callable[[str], str]) -> None:
    postgres, rabbit = PostgresServer(require("postgres")), RabbitServer(require("rabbitmq"))
    postgres.psql("CREATE DATABASE notifier")
    database = Database(postgres.url("notifier"))
    database.create()
    with PushSink() as sink:
        key = load_or_create_key(sink.ca_file.with_name("vapid.pem"))
        behaviours = [BAD[n // EVERY % len(BAD)] if n % EVERY == 7 else "ok" for n in range(SUBSCRIBERS)]
        SqlTransfer(database).add(
            [
                replace(
                    a_subscription(f"{number}", "world"),
                    keys=keys_of(number, sink.endpoint(behaviour, number)),
                    vapid_key_id=key.key_id,
                )
                for number, behaviour in enumerate(behaviours)
            ],
            system_clock(),
        )
        alerts = SqlAlertStore(database)
        command = [sys.executable, "-m", "tests.engine.worker", postgres.url("notifier"), sink.origin]
        command += [str(sink.ca_file), "--broker", rabbit.url, "--lease", "60", "--standby"]
        workers = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
        for worker in workers:  # the alert's time is for its pushes, not for the start of two processes
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdout.readline()
            worker.stdin.write(b"\n")
            worker.stdin.flush()
        new = replace(an_alert("world", breaking=True, ttl_s=60), decided_at=system_clock())
        alert = alerts.accept(new, system_clock())
        wait_until(lambda: getattr(alerts.find(alert.id), "done_at", None) is not None, 150)
        for worker in workers:
            worker.communicate(timeout=60)
        seen, came = sink.report(), alerts.find(alert.id)
    database.close()
    rabbit.remove()
    postgres.remove()
    assert came is not None
    counts = {word: count for word, count in came.counts.items() if count}
    each = SUBSCRIBERS // EVERY // len(BAD)
    accepted = behaviours.count("ok") + 2 * each  # those that say goodbye, and those that are slow
    assert counts["delivered"] == accepted, "nobody but the bad ones is anything else than delivered"
    # On a slow machine the alert's minute may be over before one that is refused was tried for the last time.
    ended = counts.pop("refused-401") + counts.pop("refused-403") + counts.pop("expired")
    assert ended == 7 * each, "each bad one is counted once"
    assert counts == {"delivered": accepted, "refused-413": each}
    assert seen["problems"] == []
