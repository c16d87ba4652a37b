"""`python -m tests.engine.worker DATABASE_URL ORIGIN CA_FILE [BROKER_URL]`: a real engine that a test may kill.

Works until standard input ends, then stops cleanly.
"""

from __future__ import annotations

import sys
from pathlib import Path

from notifier.addresses import AddressGuard
from notifier.clock import system_clock
from notifier.engine.broker import BrokerEngine, Crew
from notifier.engine.courier import Courier
from notifier.engine.engine import Engine
from notifier.engine.local import LocalEngine
from notifier.engine.pauses import Pauses
from notifier.engine.run import Runner, RunSettings
from notifier.push.http2.wire import Http2Wire
from notifier.push.pycurl_wire import PycurlWire
from notifier.push.seal import seal
from notifier.push.vapid import VapidSigner, load_or_create_key
from notifier.storage.database import Database
from notifier.storage.deliveries import SqlDeliveryStore
from notifier.telemetry import Metrics

THREADS = 2
SUB_BATCH = 50
LEASE_S = 1.0


def main(url: str, origin: str, ca_file: str, broker_url: str = "") -> None:
    database = Database(url)
    metrics = Metrics()
    pauses = Pauses(metrics)
    signer = VapidSigner([load_or_create_key(Path(ca_file).with_name("vapid.pem"))], "mailto:alerts@news.example.org")
    guard = AddressGuard.allowing([origin.partition("://")[2]])

    def runner() -> Runner:
        wire = Http2Wire(guard, PycurlWire(guard, Path(ca_file)), Path(ca_file))
        courier = Courier(wire, signer, seal)
        settings = RunSettings(sub_batch=SUB_BATCH, lease_s=LEASE_S)
        return Runner(SqlDeliveryStore(database), courier, pauses, metrics, system_clock, settings)

    engine: Engine = LocalEngine(runner, THREADS)
    if broker_url:
        engine = BrokerEngine(broker_url, SqlDeliveryStore(database), system_clock, Crew(runner, THREADS))
    engine.start()
    sys.stdin.read()
    engine.stop(30)
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
