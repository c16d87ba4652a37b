"""The peer of poll.py: lemon24/reader doing the same work. Runs in the peers' environment; prints one JSON line."""

from __future__ import annotations

import json
import statistics
import sys
import time
from http.client import HTTPConnection

from reader import make_reader


def main(database: str, port: int, hosts: int, feeds: int, rounds: int) -> None:
    reader = make_reader(database)
    for number in range(feeds):
        host = number % hosts
        reader.add_feed(f"http://127.1.{host // 250}.{host % 250 + 1}:{port}/f/{number}")
    reader.update_feeds(scheduled=False)
    unchanged = [_polls_per_cpu_s(reader, feeds) for _ in range(rounds)]
    changed = []
    for _ in range(rounds):
        _advance(port)
        changed.append(_polls_per_cpu_s(reader, feeds))
    items = reader.get_entry_counts().total
    assert items == feeds * (30 + rounds), f"{items} items: the peer did not do the work"
    print(json.dumps({"unchanged": statistics.median(unchanged), "changed": statistics.median(changed)}))


def _polls_per_cpu_s(reader: object, feeds: int) -> float:
    before = time.process_time()
    reader.update_feeds(scheduled=False)  # type: ignore[attr-defined]
    return feeds / (time.process_time() - before)


def _advance(port: int) -> None:
    connection = HTTPConnection("127.1.0.1", port)
    connection.request("GET", "/advance")
    connection.getresponse().read()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
