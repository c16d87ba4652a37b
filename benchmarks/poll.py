"""How many polls a CPU second: unchanged feeds (304, and the whole document unchanged, which is asked for every two
hours), and feeds with one new item of 30, beside lemon24/reader.

    python -m benchmarks.poll [--feeds N] [--rounds N] [--peer-feeds N]

All bookkeeping is in SQLite on disk; the CPU of the parser processes counts, that of the server does not. Both sides
keep connections alive. Prints one JSON line; each figure is the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import uvloop

from benchmarks.feed_server import FeedServer, serving
from benchmarks.peers import peers_python
from notifier.cli.run import collect_seldom
from notifier.clock import ManualClock
from notifier.feeds.feed import FeedConfig
from notifier.feeds.fetch import Fetcher, FetchRequest, FetchSettings
from notifier.feeds.fetch_result import Fetched, FetchResult
from notifier.feeds.poll import Poller, PollSettings
from notifier.feeds.recorder import Batch
from notifier.feeds.workers import Reader, ReaderSettings
from notifier.outbound.addresses import AddressGuard
from notifier.outbound.route import Route
from notifier.storage.database import Database
from notifier.storage.feeds import SqlFeedStore

HOSTS = 250
HOUR_S = 3_700.0


class Counts:
    """What the batches said, added up."""

    def __init__(self) -> None:
        self.results: dict[str, int] = {}
        self.new = 0

    def add(self, batch: Batch) -> None:
        for kind, count in batch.results.items():
            self.results[kind] = self.results.get(kind, 0) + count
        self.new += batch.recorded.new


class Asking(Fetcher):
    """Asks by another fetcher, and counts the documents which came."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.documents = 0

    async def fetch(self, request: FetchRequest) -> FetchResult:
        found = await self._fetcher.fetch(request)
        self.documents += isinstance(found, Fetched)
        return found


async def measure(server: FeedServer, feeds: int, rounds: int, folder: str) -> dict[str, float]:
    """Our side, in this process and its parser processes."""
    collect_seldom()  # as the service does
    database = Database(f"sqlite:///{folder}/notifier.db")
    database.create()
    store, clock, counts = SqlFeedStore(database), ManualClock(datetime.now(UTC)), Counts()
    store.sync_config(
        [FeedConfig(server.url(n), f"Feed {n}", f"Publisher {n}", "world") for n in range(feeds)], clock()
    )
    settings = FetchSettings(route=Route(AddressGuard.allowing(["127.1.0.0/16"])))
    polling = PollSettings(
        host_burst=feeds
    )  # the clock stands still: politeness over time would put polls off for ever
    async with (
        Fetcher(settings, clock=clock) as fetcher,
        Reader(ReaderSettings()) as reader,
        Poller(store, asking := Asking(fetcher), reader, polling, on_batch=counts.add, clock=clock) as poller,
    ):
        await _round(poller, clock, feeds)
        unchanged: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(2 * rounds):
            before = asking.documents
            figure = await _round(poller, clock, feeds)
            unchanged[asking.documents > before].append(figure)
        rss = [_rss_mb()]
        changed = [await _round(poller, clock, feeds, server.advance) for _ in range(rounds)]
        rss.append(_rss_mb())
    assert counts.results == {"changed": feeds * (1 + rounds), "unchanged": feeds * 2 * rounds}, counts.results
    assert counts.new == feeds * (30 + rounds), counts.new
    database.close()
    return {
        "unchanged_polls_per_cpu_s": round(statistics.median(unchanged[False])),
        "unchanged_documents_per_cpu_s": round(statistics.median(unchanged[True])),
        "changed_polls_per_cpu_s": round(statistics.median(changed)),
        "rss_mb": round(max(rss)),
        "rss_growth_mb": round(rss[-1] - rss[0]),
    }


async def _round(poller: Poller, clock: ManualClock, feeds: int, change: Callable[[], None] = lambda: None) -> float:
    change()
    clock.advance(HOUR_S * 1.2)
    before = _cpu_s()
    started = await poller.poll_due()
    await poller.finish()
    assert started == feeds, f"{started} of {feeds}"
    return feeds / (_cpu_s() - before)


def _family() -> list[psutil.Process]:
    return [psutil.Process(), *(p for p in psutil.Process().children() if "feed_server" not in " ".join(p.cmdline()))]


def _cpu_s() -> float:
    return sum(sum(process.cpu_times()[:2]) for process in _family())


def _rss_mb() -> float:
    return sum(process.memory_info().rss for process in _family()) / 2**20


def measure_reader(server: FeedServer, feeds: int, rounds: int, folder: str) -> dict[str, float]:
    """The peer's side, in a process of its own."""
    script = Path(__file__).with_name("poll_reader.py")
    arguments = [f"{folder}/reader.db", str(server.port), str(server.hosts), str(feeds), str(rounds)]
    done = subprocess.run([peers_python(), str(script), *arguments], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    return {
        "reader_unchanged_per_cpu_s": round(found["unchanged"]),
        "reader_changed_per_cpu_s": round(found["changed"]),
    }


def main() -> None:
    """Measure both sides and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-feeds", type=int, default=300, help="how many feeds the slower peer polls")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(HOSTS) as server:
        ours = uvloop.run(measure(server, chosen.feeds, chosen.rounds, folder))
        theirs = measure_reader(server, min(chosen.peer_feeds, chosen.feeds), chosen.rounds, folder)
    print(json.dumps({"feeds": chosen.feeds, **ours, **theirs}))


if __name__ == "__main__":
    main()
