"""Workers killed, PostgreSQL and RabbitMQ restarted, all in the middle of one fan-out: nobody is lost (promise 1)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy.exc import OperationalError

from notifier.clock import system_clock
from notifier.push.vapid import load_or_create_key
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.transfer import SqlTransfer
from tests.contracts.samples import a_subscription, an_alert
from tests.engine.test_crash import wait_until
from tests.engine.worker import SUB_BATCH, THREADS
from tests.postgres import PostgresServer
from tests.pushsink.browser import keys_of
from tests.pushsink.process import ROOT, PushSink
from tests.rabbitmq import RabbitServer

SUBSCRIBERS = 3_000
WORKERS = 2


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nobody_is_lost_whatever_is_killed_or_restarted(require: Callable[[str], str]) -> None:
    postgres, rabbit = PostgresServer(require("postgres")), RabbitServer(require("rabbitmq"))
    postgres.psql("CREATE DATABASE notifier")
    database = Database(postgres.url("notifier"))
    database.create()
    with PushSink("--delay", "0.1") as sink:
        key = load_or_create_key(sink.ca_file.with_name("vapid.pem"))
        SqlTransfer(database).add(
            [
                replace(
                    a_subscription(f"{number}", "world"),
                    keys=keys_of(number, sink.endpoint("ok", number)),
                    vapid_key_id=key.key_id,
                )
                for number in range(SUBSCRIBERS)
            ],
            system_clock(),
        )
        alerts = SqlAlertStore(database)
        alert = alerts.accept(replace(an_alert("world"), decided_at=system_clock()), system_clock())
        command = [sys.executable, "-m", "tests.engine.worker", postgres.url("notifier"), sink.origin]
        command += [str(sink.ca_file), "--broker", rabbit.url]
        workers = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) for _ in range(WORKERS)]

        def reached(count: int) -> Callable[[], bool]:
            return lambda: sink.report()["browsers"] >= count

        def done_at() -> datetime | None:
            with suppress(OperationalError):  # the server was restarted since
                found = alerts.find(alert.id)
                return found.done_at if found else None
            return None

        wait_until(reached(SUBSCRIBERS // 6))
        workers[0].kill()
        wait_until(reached(SUBSCRIBERS // 3))
        postgres.stop("immediate")
        postgres.start()
        wait_until(reached(SUBSCRIBERS // 2))
        rabbit.stop()
        rabbit.start()
        workers[1].kill()
        workers.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE))
        wait_until(lambda: done_at() is not None)
        for worker in workers:
            worker.communicate(timeout=60)
        seen = sink.report()
    database.close()
    rabbit.remove()
    postgres.remove()
    assert (seen["browsers"], seen["problems"]) == (SUBSCRIBERS, [])
    # Three interruptions, each of at most what every thread of a worker had under way.
    assert seen["repeated"] <= 3 * WORKERS * (2 * THREADS + 2) * SUB_BATCH
