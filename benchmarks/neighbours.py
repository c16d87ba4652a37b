"""One breaking alert to everybody while a few recipients misbehave: how long the others wait for it.

    python -m benchmarks.neighbours [--subscribers 20000] [--share 0.05] [--patience 45] [--sub-batch 500]

The recipients whom nothing ails get an alert alone, and then once more among neighbours that misbehave in ten ways
(`WAYS`): half of those have endpoints at the same service, the other half at services of their own, one for each way.
The push services are `tests.pushsink`, TLS HTTP/2 servers over real sockets in another process; their ledger says who
got the message and when. `good_p99_alone_s` and `good_p99_s`: seconds from the decision until 99 of 100 good recipients
had it, alone and among the others; `ratio` is between them; `lost`: good recipients who had nothing by the end of the
patience, which count with all of it; `words`: what the service counted by then, of everybody. One JSON line.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic

from benchmarks.fanout import Bench, opened
from benchmarks.fanout_parts import Embedded, Sender
from benchmarks.transport import pin
from notifier.alerts.alert import Alert
from notifier.cli.run import collect_seldom
from notifier.clock import system_clock
from notifier.engine.sealing import Sealer
from notifier.push.vapid import load_or_create_key
from notifier.storage.envelopes import SqlEnvelopeStore
from notifier.storage.transfer import SqlTransfer
from notifier.subscribers.subscriber import NewSubscription
from notifier.telemetry import Metrics
from tests.contracts.samples import token
from tests.pushsink.browser import keys_of
from tests.pushsink.process import PushSink

WAYS = ("403", "401", "429-after-60", "429", "endless", "never", "drip", "reset", "goaway", "huge")
"""How neighbours misbehave (`tests/pushsink/behaviour.py`)."""

EVERYBODY, GOOD = "news", "tenth"
SETTLE_S = 5.0
LOOK_S = 1.0
"""Seldom: who asks the ledger takes the interpreter from the senders, and the ledger itself says when."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """The browsers of the benchmark by number: the last of each `step` misbehaves."""

    total: int
    step: int

    def good(self) -> list[int]:
        """Numbers of those whom nothing ails."""
        return [number for number in range(self.total) if not self.misbehaves(number)]

    def misbehaves(self, number: int) -> bool:
        """They are spread evenly over all."""
        return number % self.step == self.step - 1

    def way(self, number: int) -> tuple[str, bool]:
        """How this one misbehaves, and whether it does so at a service of its own."""
        turn = number // self.step
        return WAYS[turn % len(WAYS)], bool(turn // len(WAYS) % 2)


class Neighbours:
    """The benchmark's database and sink."""

    def __init__(self, bench: Bench, recipients: Recipients) -> None:
        self._bench, self._recipients = bench, recipients

    def subscribe(self) -> None:
        """Make all browsers."""
        everybody = [self._new(number) for number in range(self._recipients.total)]
        SqlTransfer(self._bench.database).add(everybody, system_clock())
        self._bench.database.close()

    def seal_ahead(self) -> None:
        """Seal for everybody, as in quiet minutes."""
        with ProcessPoolExecutor(1) as pool:
            Sealer(SqlEnvelopeStore(self._bench.database), lambda: False, Metrics()).seal_all(pool)

    def alert(self, fleet: Embedded, topic: str, story: int, patience_s: float) -> tuple[Alert, list[float]]:
        """Send one; it, and the seconds after which each good recipient had it: all of the patience where it never did.

        Ends when all have it, or when nobody wants to wait any longer.
        """
        sink, good = self._bench.sink, self._recipients.good()
        sink.forget()
        until = monotonic() + patience_s
        alert = self._bench.accept(topic, breaking=True, story=story)
        fleet.wake()
        while monotonic() < until and sink.report()["browsers"] < len(good):
            threading.Event().wait(LOOK_S)
        got = sink.accepted_at()
        while monotonic() < until and not all(str(number) in got for number in good):
            threading.Event().wait(SETTLE_S)  # some who misbehave are among those that were counted
            got = sink.accepted_at()
        decided_s = alert.decided_at.timestamp()
        return alert, sorted(got.get(str(number), decided_s + patience_s) - decided_s for number in good)

    def _new(self, number: int) -> NewSubscription:
        sink, topics = self._bench.sink, frozenset({EVERYBODY, GOOD})
        origin, behaviour, service = sink.origin, "ok", "sink"
        if self._recipients.misbehaves(number):
            behaviour, apart = self._recipients.way(number)
            topics = frozenset({EVERYBODY})
            if apart:
                origin = sink.origins[1 + WAYS.index(behaviour)]
                service = origin.partition("://")[2]
        endpoint = f"{origin}/{behaviour}/{'x' * 140}/{number}"
        keys = keys_of(number, endpoint)
        return NewSubscription(keys, token(str(number)), topics, service, self._bench.key.key_id)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=20_000)
    parser.add_argument("--share", type=float, default=0.05, help="of them misbehave")
    parser.add_argument("--patience", type=float, default=45.0, help="seconds that are waited for each alert")
    parser.add_argument("--sub-batch", type=int, default=500)
    return parser


def percentile_99(times_s: Sequence[float]) -> float:
    """The time by which 99 of 100 had it, of times in order."""
    return times_s[len(times_s) * 99 // 100]


def main() -> None:
    """See the top of this file."""
    options = arguments().parse_args()
    collect_seldom()  # as the service does
    recipients = Recipients(options.subscribers, round(1 / options.share))
    with ExitStack() as stack:
        sink = stack.enter_context(PushSink("--sample", "1000", "--origins", str(1 + len(WAYS))))
        database = stack.enter_context(opened(""))
        bench = Bench(database, sink, load_or_create_key(sink.ca_file.with_name("vapid.pem")))
        neighbours = Neighbours(bench, recipients)
        neighbours.subscribe()
        pin(sink.pid, 1)
        sender = Sender(bench.store, sink.origin, sink.ca_file, options.sub_batch, others=sink.origins[1:])
        fleet = Embedded(sender)
        stack.callback(fleet.stop, SETTLE_S)
        neighbours.seal_ahead()
        _, alone_s = neighbours.alert(fleet, GOOD, 1, options.patience)
        neighbours.seal_ahead()
        alert, among_s = neighbours.alert(fleet, EVERYBODY, 2, options.patience)
        found = {
            "subscribers": recipients.total,
            "misbehaving": recipients.total - len(among_s),
            "good_p99_s": round(percentile_99(among_s), 3),
            "good_p99_alone_s": round(percentile_99(alone_s), 3),
            "ratio": round(percentile_99(among_s) / percentile_99(alone_s), 2),
            "lost": sum(took_s >= options.patience for took_s in among_s),
            "words": {word: count for word, count in bench.find(alert).counts.items() if count},
        }
        # Printed before the engine is stopped: those who misbehave may hold it for as long as it waits.
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
