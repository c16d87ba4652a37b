"""A loopback server of any number of feeds, in a process of its own so that its CPU is not the client's.

`python -m benchmarks.feed_server HOSTS` listens on HOSTS addresses of 127.1.0.0/16 and prints its port. A feed is
`/f/NUMBER`: 30 items, ETag by generation. `/advance` makes every feed one item younger; `/advance/NUMBER` one feed.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http.client import HTTPConnection

ITEMS = 30
# fmt: off
WORDS = (
    "minister", "court", "storm", "market", "river", "strike", "council", "border", "budget", "harbour",
    "vaccine", "train", "festival", "election", "orbit", "glacier", "union", "bridge", "verdict", "ceasefire",
    "summit", "reactor", "harvest", "tariff", "museum", "ferry", "satellite", "coast", "inquiry",
)
# fmt: on


def address(number: int) -> str:
    """The `number`th loopback address."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


class Feeds:
    """What each feed looks like now."""

    def __init__(self) -> None:
        self.generation = 0
        self.ahead: dict[int, int] = defaultdict(int)

    def version(self, number: int) -> int:
        return self.generation + self.ahead[number]

    def document(self, number: int) -> bytes:
        newest = ITEMS + self.version(number)
        items = "".join(_item(number, one) for one in range(newest, newest - ITEMS, -1))
        return (
            '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
            'xmlns:media="http://search.yahoo.com/mrss/"><channel>'
            f"<title>Feed {number}</title><link>http://news{number}.example/</link>"
            f"<description>News</description>{items}</channel></rss>"
        ).encode()


@lru_cache(maxsize=200_000)
def _item(feed: int, number: int) -> str:
    rng = random.Random(feed * 100_003 + number)
    title, summary = " ".join(rng.choices(WORDS, k=9)), " ".join(rng.choices(WORDS, k=40))
    url = f"https://news{feed}.example/world/{number}/{'-'.join(title.split()[:4])}"
    date = formatdate(1_790_000_000 + number * 60, usegmt=True)
    return (
        f"<item><title>{title.capitalize()}</title><link>{url}</link><guid isPermaLink='false'>{feed}-{number}</guid>"
        f"<description><![CDATA[<p>{summary}.</p>]]></description><pubDate>{date}</pubDate>"
        f'<media:thumbnail url="{url}.jpg" width="240" height="135"/></item>\n'
    )


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little of it as the clients need."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._transport.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        _, kind, *number = head.split(b" ", 2)[1].decode().split("/")
        if kind == "advance":
            self._advance(number)
            return _response(b"204 No Content", b"", b"")
        feed = int(number[0])
        etag = b'"%d-%d"' % (feed, self._feeds.version(feed))
        if etag in head:
            return b"HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n" % etag
        return _response(
            b"200 OK", self._feeds.document(feed), b"Content-Type: application/rss+xml\r\nETag: " + etag + b"\r\n"
        )

    def _advance(self, number: list[str]) -> None:
        if number:
            self._feeds.ahead[int(number[0])] += 1
        else:
            self._feeds.generation += 1


def _response(status: bytes, body: bytes, headers: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, len(body), body)


@dataclass(frozen=True, slots=True)
class FeedServer:
    """A running server, as its client sees it."""

    port: int
    hosts: int

    def url(self, number: int) -> str:
        return f"http://{address(number % self.hosts)}:{self.port}/f/{number}"

    def advance(self, number: int | None = None) -> None:
        """One new item in every feed, or in one."""
        connection = HTTPConnection(address(0), self.port)
        connection.request("GET", "/advance" if number is None else f"/advance/{number}")
        connection.getresponse().read()
        connection.close()


@contextmanager
def serving(hosts: int) -> Iterator[FeedServer]:
    """Run the server for as long as the block."""
    command = [sys.executable, "-m", "benchmarks.feed_server", str(hosts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield FeedServer(int(process.stdout.readline()), hosts)
        finally:
            process.terminate()


async def _serve(hosts: int) -> None:
    loop, feeds = asyncio.get_running_loop(), Feeds()
    first = await loop.create_server(lambda: Connection(feeds), address(0), 0, backlog=1024)
    port = first.sockets[0].getsockname()[1]
    others = [await loop.create_server(lambda: Connection(feeds), address(n), port) for n in range(1, hosts)]
    print(port, flush=True)
    await asyncio.gather(first.serve_forever(), *(server.serve_forever() for server in others))


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
