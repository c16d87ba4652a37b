"""A publisher on loopback: an RSS feed that changes when the test says so, and a page for each story."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

from aiohttp import web

from tests.browser.background import Background

PUBLISHER = "The Harbour Post"
SPORT = ("Rowers win by a canvas", "Regatta moved to Sunday", "Old stand gets a new roof")


@dataclass(frozen=True)
class Piece:
    """One item of the feed."""

    number: int
    title: str
    summary: str
    published_at: datetime


class Newsroom:
    """Runs until `stop`. `asked` counts the polls of its feed."""

    def __init__(self) -> None:
        self.asked = 0
        self.began = datetime.now(UTC)
        self._pieces: dict[int, Piece] = {}
        self._background = Background()
        app = web.Application()
        app.router.add_get("/", self._front)
        app.router.add_get("/feed.xml", self._feed)
        app.router.add_get("/sport.xml", self._sport)
        app.router.add_get("/story/{number}", self._story)
        self.port = self._background.serve(app)
        self.origin = f"http://127.0.0.1:{self.port}"
        self.publish("An old story that was there before anybody subscribed", "It must alert nobody.")

    def stop(self) -> None:
        """Close for today."""
        self._background.stop()

    def publish(self, title: str, summary: str) -> str:
        """A new item now; returns the address of its story."""
        number = len(self._pieces) + 1
        self._pieces[number] = Piece(number, title, summary, datetime.now(UTC))
        return f"{self.origin}/story/{number}"

    def edit(self, url: str, title: str, summary: str) -> None:
        """Rewrite an item under the same guid and link."""
        number = int(url.rsplit("/", 1)[1])
        self._pieces[number] = replace(self._pieces[number], title=title, summary=summary)

    async def _front(self, request: web.Request) -> web.Response:
        links = "".join(
            f'<link rel="alternate" type="application/rss+xml" href="{path}" title="{PUBLISHER}">'
            for path in ("/feed.xml", "/sport.xml", "/gone.xml")
        )
        return web.Response(text=f"<!doctype html><title>{PUBLISHER}</title>{links}", content_type="text/html")

    async def _sport(self, request: web.Request) -> web.Response:
        """Another feed of the same publisher, which never changes."""
        at = format_datetime(self.began - timedelta(minutes=40))
        items = "".join(
            f"<item><link>{self.origin}/sport/{n}</link><title>{title}</title><pubDate>{at}</pubDate></item>"
            for n, title in enumerate(SPORT)
        )
        text = f'<rss version="2.0"><channel><title>{PUBLISHER} - Sport</title>{items}</channel></rss>'
        return web.Response(text=text, content_type="application/rss+xml")

    async def _feed(self, request: web.Request) -> web.Response:
        self.asked += 1
        items = "".join(
            f"<item><guid>{self.origin}/story/{piece.number}</guid><link>{self.origin}/story/{piece.number}</link>"
            f"<title>{escape(piece.title)}</title><description>{escape(piece.summary)}</description>"
            f"<pubDate>{format_datetime(piece.published_at)}</pubDate></item>"
            for piece in reversed(self._pieces.values())
        )
        channel = f"<title>{PUBLISHER}</title><link>{self.origin}</link><description>News</description>{items}"
        text = f'<?xml version="1.0"?><rss version="2.0"><channel>{channel}</channel></rss>'
        return web.Response(text=text, content_type="application/rss+xml")

    async def _story(self, request: web.Request) -> web.Response:
        piece = self._pieces[int(request.match_info["number"])]
        page = f"<!doctype html><title>{escape(piece.title)}</title><h1>{escape(piece.title)}</h1>"
        return web.Response(text=page, content_type="text/html")
