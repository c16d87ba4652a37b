"""From a change at the publisher to the Story in the database, for a running service: pushed by a hub, and polled.

    python -m benchmarks.ingest [--feeds N] [--changes N] [--poll-every S]

The service is the real one (`notifier run`), with SQLite, in a process of its own. While it polls `--feeds` feeds, a
hub in this process pushes changes of some, and others change in silence. Polled feeds are asked every `--poll-every`
seconds, so that their latency is that of the interval. Prints one JSON line, seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import os
import random
import signal
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import psutil
from aiohttp import web

from benchmarks.feed_server import FeedServer, item, item_url, serving
from notifier.stories.canonical import canonical_url

HOSTS, ITEMS, PUSHED = 100, 3, 50
LOOK_EVERY_S = 0.01
TOPICS = "topics:\n  - slug: world\n    title: World\n    description: All of it\n    match: balogi\n"


class Hub:
    """A WebSub hub: believes every subscriber that confirms, and pushes what it is told to."""

    def __init__(self) -> None:
        self.subscribers: dict[str, tuple[str, str]] = {}
        self._confirming: set[asyncio.Task[None]] = set()

    async def subscribe(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        task = asyncio.create_task(self._confirm(form))
        self._confirming.add(task)
        task.add_done_callback(self._confirming.discard)
        return web.Response(status=202)

    async def _confirm(self, form: dict[str, str]) -> None:
        topic, callback = form["hub.topic"], form["hub.callback"]
        asked = {"hub.mode": "subscribe", "hub.topic": topic, "hub.challenge": "42", "hub.lease_seconds": "86400"}
        async with aiohttp.ClientSession() as session, session.get(callback, params=asked) as answer:
            if answer.status == 200 and await answer.text() == "42":
                self.subscribers[topic] = callback, form["hub.secret"]

    async def push(self, topic: str, body: bytes) -> None:
        callback, secret = self.subscribers[topic]
        signature = hmac.digest(secret.encode(), body, "sha256").hex()
        headers = {"X-Hub-Signature": f"sha256={signature}", "Content-Type": "application/rss+xml"}
        async with aiohttp.ClientSession() as session, session.post(callback, data=body, headers=headers) as answer:
            assert answer.status == 202, answer.status


class Stories:
    """Watches the service's database for stories of the items that the benchmark changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since: dict[str, float] = {}
        self._complete = asyncio.Event()
        self.latencies: list[float] = []

    def expect(self, url: str) -> None:
        """This item was published just now."""
        self._since[canonical_url(url)] = time.perf_counter()
        self._complete.clear()

    async def watch(self) -> None:
        """Look until cancelled."""
        with sqlite3.connect(f"file:{self._path}?mode=ro", uri=True) as database:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                self._look(database)

    async def all_there(self, within_s: float) -> None:
        """Wait until every expected item is part of a story."""
        async with asyncio.timeout(within_s):
            await self._complete.wait()

    def _look(self, database: sqlite3.Connection) -> None:
        marks = ",".join("?" * len(self._since))
        query = f"SELECT canonical_url FROM item WHERE canonical_url IN ({marks}) AND story_id IS NOT NULL"  # noqa: S608
        for (url,) in database.execute(query, list(self._since)).fetchall():
            self.latencies.append(time.perf_counter() - self._since.pop(url))
        if not self._since:
            self._complete.set()


def percentiles(latencies: list[float], name: str) -> dict[str, float]:
    """p50, p95 and p99, seconds."""
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return {f"{name}_p{n}_s": round(cuts[n - 1], 3) for n in (50, 95, 99)}


async def measure(feeds: int, changes: int, poll_every_s: float, folder: Path) -> dict[str, float]:
    """Start hub, publishers and service, wait until it is at rest, and change things."""
    hub = Hub()
    app = web.Application()
    app.router.add_post("/", hub.subscribe)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.2.0.1", 0)
    await site.start()
    hub_url = f"http://127.2.0.1:{runner.addresses[0][1]}/"
    with serving(HOSTS, ITEMS, hub_url, PUSHED) as server:
        service = await _start_service(server, feeds, poll_every_s, folder)
        try:
            await _at_rest(hub, folder / "notifier.db", feeds)
            used = _cpu_s(service.pid)
            began = time.perf_counter()
            pushed = await _measure_pushes(hub, server, changes, folder)
            polled = await _measure_polls(server, feeds, changes, poll_every_s, folder)
            share = (_cpu_s(service.pid) - used) / (time.perf_counter() - began)
        finally:
            service.send_signal(signal.SIGTERM)
            await service.wait()
            await runner.cleanup()
    found = percentiles(pushed, "websub") | percentiles(polled, "polled")
    return {"feeds": feeds, "poll_every_s": poll_every_s, "cpu_share": round(share, 2), **found}


async def _start_service(server: FeedServer, feeds: int, every_s: float, folder: Path) -> asyncio.subprocess.Process:
    entries = [
        f"  - {{url: '{server.url(n)}', title: Feed {n}, publisher: Publisher {n}, section: world"
        + ("" if n < PUSHED else f", poll_every_s: {every_s:g}")
        + "}"
        for n in range(feeds)
    ]
    (folder / "config").mkdir()
    (folder / "config" / "feeds.yaml").write_text("feeds:\n" + "\n".join(entries) + "\n")
    (folder / "config" / "topics.yaml").write_text(TOPICS)
    port = _free_port()
    settings = {
        "PORT": str(port),
        "BASE_URL": f"http://127.0.0.1:{port}",
        "DATA_DIR": str(folder),
        "CONFIG_DIR": str(folder / "config"),
        "FEED_ALLOW": "127.1.0.0/16,127.2.0.1",
        "LOG_LEVEL": "WARNING",
    }
    environ = os.environ | {f"NOTIFIER_{name}": value for name, value in settings.items()}
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "notifier", "run", env=environ, stdout=2)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def _at_rest(hub: Hub, path: Path, feeds: int) -> None:
    """Until every feed was read once, every item has its story, and every hub is subscribed."""
    async with asyncio.timeout(600):
        while True:
            await asyncio.sleep(1)
            items, ungrouped = await asyncio.to_thread(_progress, path)
            print(f"{items} items, {ungrouped} without a story, {len(hub.subscribers)} pushed", file=sys.stderr)
            if items >= feeds * ITEMS and not ungrouped and len(hub.subscribers) == PUSHED:
                return


def _progress(path: Path) -> tuple[int, int]:
    if not path.exists():
        return 0, 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        try:
            items, ungrouped = database.execute("SELECT COUNT(*), SUM(grouped_version < version) FROM item").fetchone()
        except sqlite3.OperationalError:  # the service is making the tables
            return 0, 0
    return items, ungrouped or 0


async def _measure_pushes(hub: Hub, server: FeedServer, changes: int, folder: Path) -> list[float]:
    async def push(number: int, stories: Stories) -> None:
        feed, newest = number % PUSHED, ITEMS + 1 + number // PUSHED
        body = f"<rss version='2.0'><channel><title>F</title>{item(feed, newest)}</channel></rss>"
        stories.expect(item_url(feed, newest))
        await hub.push(server.url(feed), body.encode())
        await asyncio.sleep(random.uniform(0, 0.2))

    return await _watched(folder, changes, push, 30.0)


async def _measure_polls(server: FeedServer, feeds: int, changes: int, every_s: float, folder: Path) -> list[float]:
    chosen = random.sample(range(PUSHED, feeds), min(changes, feeds - PUSHED))

    async def publish(number: int, stories: Stories) -> None:
        await asyncio.to_thread(server.advance, chosen[number])
        stories.expect(item_url(chosen[number], ITEMS + 1))
        await asyncio.sleep(every_s / len(chosen))

    return await _watched(folder, len(chosen), publish, 3 * every_s + 30)


async def _watched(
    folder: Path, changes: int, change: Callable[[int, Stories], Awaitable[None]], within_s: float
) -> list[float]:
    stories = Stories(folder / "notifier.db")
    watching = asyncio.create_task(stories.watch())
    for number in range(changes):
        await change(number, stories)
    await stories.all_there(within_s)
    watching.cancel()
    return stories.latencies


def _cpu_s(pid: int) -> float:
    service = psutil.Process(pid)
    return sum(sum(process.cpu_times()[:2]) for process in (service, *service.children(recursive=True)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=2_050)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--poll-every", type=float, default=30.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(chosen.feeds, chosen.changes, chosen.poll_every, Path(folder)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
