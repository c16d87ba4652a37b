"""`python -m tests.engine.holder DATABASE_URL`: a process that holds a chunk until a line comes, then settles it."""

from __future__ import annotations

import os
import sys

import structlog

from notifier.alerts.delivery import Settlement
from notifier.clock import system_clock
from notifier.engine.heartbeat import Heartbeat
from notifier.errors import LeaseLost
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.storage.processes import SqlProcessStore

LEASE_S = 3600.0


def main(url: str) -> None:
    """Say what it holds, and what came of it; the heartbeat's thread logs apart, so that no line is within another."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    database = Database(url)
    Heartbeat(SqlProcessStore(database), ("work", "host", os.getpid())).start()
    deliveries = SqlDeliveryStore(database)
    job = deliveries.claim_chunk(system_clock(), LEASE_S)
    print("held" if job is not None else "nothing", flush=True)
    sys.stdin.readline()
    if job is None:
        return
    try:
        deliveries.settle(job, Settlement(job.chunk.hi, {}, done=True), system_clock(), LEASE_S)
    except LeaseLost:
        print("lost", flush=True)
    else:
        print("settled", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
