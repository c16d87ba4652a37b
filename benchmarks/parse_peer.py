"""The peers of parse.py: feedparser alone and fastfeedparser. Runs in the peers' environment; prints one JSON line."""

from __future__ import annotations

import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import fastfeedparser
import feedparser


def main(path: str, rounds: int) -> None:
    body = Path(path).read_bytes()
    print(
        json.dumps(
            {
                "feedparser_ms": _median_ms(lambda: feedparser.parse(io.BytesIO(body)), rounds),
                "fastfeedparser_ms": _median_ms(lambda: fastfeedparser.parse(body), rounds),
            }
        )
    )


def _median_ms(work: Callable[[], object], rounds: int) -> float:
    work()
    times = []
    for _ in range(rounds):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return round(statistics.median(times) * 1000, 3)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
