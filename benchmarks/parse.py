"""What it costs to read a feed of 30 items: all new, one new, none new, beside feedparser alone and fastfeedparser.

    python -m benchmarks.parse [--items N] [--rounds N]

CPU milliseconds for a document, medians. The document is invented, of the size and shape of a newspaper's RSS (a text
in HTML, categories and two pictures an item). The peers clean no text, choose no picture and know no known items. Two
figures more are for the worker processes: what one read costs this process, and both together, one item being new.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.peers import peers_python
from notifier.feeds.feed import ParsedFeed
from notifier.feeds.read import read
from notifier.feeds.workers import Reader, ReaderSettings

URL = "https://paper.example/rss"
WORDS = ["council", "storm", "vote", "bridge", "minister", "harbour", "strike", "market", "school", "river", "court"]


def main(items: int, rounds: int) -> None:
    body = newspaper(items)
    first = read(body, content_type="text/xml", url=URL)
    if not isinstance(first, ParsedFeed) or len(first.items) != items:
        raise SystemExit(f"the document was not read: {first}")
    figures = {
        "items": items,
        "body_bytes": len(body),
        "all_new_ms": _median_ms(body, frozenset(), rounds),
        "one_new_ms": _median_ms(body, frozenset(first.digests[1:]), rounds),
        "none_new_ms": _median_ms(body, frozenset(first.digests), rounds),
        **asyncio.run(_through_a_worker(body, first.digests[1:], rounds)),
        **_peers(body, rounds),
    }
    print(json.dumps(figures))


def newspaper(items: int) -> bytes:
    """An RSS document with invented words."""
    chance = random.Random(7)

    def say(words: int) -> str:
        return " ".join(chance.choices(WORDS, k=words))

    entries = "".join(
        f"<item><title>{say(9)}</title><link>https://paper.example/{n}</link><guid>https://paper.example/{n}</guid>"
        f"<description>&lt;p&gt;{say(30)} &lt;a href=&quot;https://paper.example/{n}&quot;&gt;{say(3)}&lt;/a&gt;&lt;/p&gt;"
        f"&lt;p&gt;{say(60)}&lt;/p&gt;</description><pubDate>Sun, 01 Mar 2026 12:{n % 60:02}:00 GMT</pubDate>"
        f"<category>{say(1)}</category><category>{say(2)}</category><dc:creator>{say(2)}</dc:creator>"
        f'<media:content url="https://pics.example/{n}-140.jpg" width="140"><media:credit>{say(2)}</media:credit>'
        f'</media:content><media:content url="https://pics.example/{n}-700.jpg" width="700"/></item>\n'
        for n in range(items)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>The Paper</title><link>https://paper.example/</link>'
        f"<description>{say(9)}</description><language>en-gb</language><ttl>15</ttl>{entries}</channel></rss>"
    ).encode()


def _median_ms(body: bytes, known: frozenset[bytes], rounds: int) -> float:
    def work() -> object:
        return read(body, content_type="text/xml", url=URL, known=known)

    return _median(work, rounds)


def _median(work: Callable[[], object], rounds: int) -> float:
    work()
    times = []
    for _ in range(rounds):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return round(statistics.median(times) * 1000, 3)


async def _through_a_worker(body: bytes, known: tuple[bytes, ...], rounds: int) -> dict[str, float]:
    """The mean of many reads: the CPU time of another process comes in steps of 10 ms."""
    rounds = max(rounds, 300)
    async with Reader(ReaderSettings()) as reader:
        await reader.read(body, content_type="text/xml", url=URL, known=known)
        (worker,) = psutil.Process().children()
        here, there = time.process_time(), sum(worker.cpu_times()[:2])
        for _ in range(rounds):
            await reader.read(body, content_type="text/xml", url=URL, known=known)
        here, there = time.process_time() - here, sum(worker.cpu_times()[:2]) - there
    return {
        "worker_loop_ms": round(here * 1000 / rounds, 3),
        "worker_total_ms": round((here + there) * 1000 / rounds, 3),
    }


def _peers(body: bytes, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feed.xml"
        path.write_bytes(body)
        peer = Path(__file__).with_name("parse_peer.py")
        answer = subprocess.run([peers_python(), peer, path, str(rounds)], check=True, capture_output=True)
    figures: dict[str, float] = json.loads(answer.stdout)
    return figures


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--items", type=int, default=30)
    arguments.add_argument("--rounds", type=int, default=100)
    chosen = arguments.parse_args()
    main(chosen.items, chosen.rounds)
