"""`python -m tests.engine.worker DATABASE_URL ORIGIN CA_FILE`: a real engine that a test may kill.

Works until standard input ends, then stops cleanly. `--broker URL` makes it one of several; with `--standby` it
says that it is ready, and begins when a first line comes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from notifier.addresses import AddressGuard
from notifier.clock import system_clock
from notifier.engine.broker import BrokerEngine, WorkerPool
from notifier.engine.dispatcher import PushDispatcher
from notifier.engine.engine import Engine
from notifier.engine.local import LocalEngine
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.push.curl_transport import CurlTransport
from notifier.push.envelope import seal_now
from notifier.push.http2.transport import Http2Transport
from notifier.push.paced_transport import PacedTransport, Pacer
from notifier.push.vapid import VapidSigner, load_or_create_key
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.telemetry import Metrics

THREADS = 2
SUB_BATCH = 50
LEASE_S = 1.0


def main(options: argparse.Namespace) -> None:
    """See the top of this file."""
    database = Database(options.url)
    metrics = Metrics()
    pacer = Pacer(system_clock)
    pauses = Pauses(metrics, pacer.limited, pacer.late, pacer.room)
    ca_file = Path(options.ca_file)
    signer = VapidSigner([load_or_create_key(ca_file.with_name("vapid.pem"))], "mailto:alerts@news.example.org")
    guard = AddressGuard.allowing([options.origin.partition("://")[2]])

    def runner() -> Runner:
        transport = Http2Transport(guard, CurlTransport(guard, ca_file), ca_file)
        dispatcher = PushDispatcher(PacedTransport(transport, pacer), signer, seal_now)
        settings = RunSettings(sub_batch=options.sub_batch, lease_s=options.lease)
        return Runner(SqlDeliveryStore(database), dispatcher, pauses, metrics, system_clock, settings)

    engine: Engine = LocalEngine(runner, THREADS)
    if options.broker:
        engine = BrokerEngine(options.broker, SqlDeliveryStore(database), system_clock, WorkerPool(runner, THREADS))
    if options.standby:
        print("ready", flush=True)
        sys.stdin.readline()
    engine.start()
    sys.stdin.read()
    engine.stop(30)
    database.close()


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="worker", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("origin")
    parser.add_argument("ca_file")
    parser.add_argument("--broker", default="")
    parser.add_argument("--sub-batch", type=int, default=SUB_BATCH)
    parser.add_argument("--lease", type=float, default=LEASE_S, help="seconds")
    parser.add_argument("--standby", action="store_true")
    return parser


if __name__ == "__main__":
    main(arguments().parse_args())
