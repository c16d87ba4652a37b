"""A loopback server of any number of feeds, in a process of its own so that its CPU is not the client's.

`python -m benchmarks.feed_server HOSTS ITEMS [HUB PUSHED]` listens on HOSTS addresses of 127.1.0.0/16 and prints its
port. A feed is `/f/NUMBER`: ITEMS items, ETag by generation; the first PUSHED feeds name the hub at HUB. `/advance`
makes every feed one item younger, `/advance/NUMBER` one feed.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http.client import HTTPConnection

STARTED = time.time()
SYLLABLES = ("ba", "co", "da", "fe", "gi", "lo", "ma", "ne", "po", "ra", "si", "tu", "va", "wi", "zo")
WORDS = tuple(a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES)


def address(number: int) -> str:
    """The `number`th loopback address."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


class Feeds:
    """What each feed looks like now."""

    def __init__(self, items: int = 30, hub: str = "", pushed: int = 0) -> None:
        self._items, self._hub, self._pushed = items, hub, pushed
        self.generation = 0
        self.ahead: dict[int, int] = defaultdict(int)

    def version(self, number: int) -> int:
        return self.generation + self.ahead[number]

    def links(self, number: int, head: bytes) -> bytes:
        """The Link header of WebSub discovery, for feeds that are pushed."""
        if number >= self._pushed:
            return b""
        host = head.lower().partition(b"\r\nhost: ")[2].partition(b"\r\n")[0].decode()
        return f'Link: <{self._hub}>; rel="hub", <http://{host}/f/{number}>; rel="self"\r\n'.encode()

    def document(self, number: int) -> bytes:
        newest = self._items + self.version(number)
        items = "".join(item(number, one) for one in range(newest, newest - self._items, -1))
        return (
            '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
            'xmlns:media="http://search.yahoo.com/mrss/"><channel>'
            f"<title>Feed {number}</title><link>http://news{number}.example/</link>"
            f"<description>News</description>{items}</channel></rss>"
        ).encode()


def item_url(feed: int, number: int) -> str:
    """Where the `number`th item of a feed is said to be."""
    return f"https://news{feed}.example/world/{number}"


@lru_cache(maxsize=200_000)
def item(feed: int, number: int) -> str:
    """The `number`th item of a feed, as RSS."""
    rng = random.Random(feed * 100_003 + number)
    title, summary = " ".join(rng.choices(WORDS, k=9)), " ".join(rng.choices(WORDS, k=40))
    url = item_url(feed, number)
    date = formatdate(STARTED + number, usegmt=True)
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
        headers = b"Content-Type: application/rss+xml\r\nETag: %s\r\n%s" % (etag, self._feeds.links(feed, head))
        return _response(b"200 OK", self._feeds.document(feed), headers)

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
def serving(hosts: int, items: int = 30, hub: str = "", pushed: int = 0) -> Iterator[FeedServer]:
    """Run the server for as long as the block."""
    command = [sys.executable, "-m", "benchmarks.feed_server", str(hosts), str(items), hub, str(pushed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield FeedServer(int(process.stdout.readline()), hosts)
        finally:
            process.terminate()


async def _serve(hosts: int, items: int, hub: str, pushed: int) -> None:
    loop, feeds = asyncio.get_running_loop(), Feeds(items, hub, pushed)
    first = await loop.create_server(lambda: Connection(feeds), address(0), 0, backlog=1024)
    port = first.sockets[0].getsockname()[1]
    others = [await loop.create_server(lambda: Connection(feeds), address(n), port) for n in range(1, hosts)]
    print(port, flush=True)
    await asyncio.gather(first.serve_forever(), *(server.serve_forever() for server in others))


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
