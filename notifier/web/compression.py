"""Answers made small on the way: brotli or gzip for whoever takes it, and only where no secret can be in them.

An ASGI application around the application. Requests with a cookie or a token are answered as they are: what an answer's
size tells of its content is then nobody's secret (BREACH). What comes in pieces, and pictures, stay as they are.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

import brotli  # type: ignore[import-untyped]
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST_BYTES = 500
# The first to ask does not wait: a few milliseconds' work. What is asked for again is worth some tens, done aside.
FAST, WELL, BEST = 5, 10, 11
KEPT = 128
KEPT_BYTES = 64 * 1024
_LIKE_PICTURES = ("image/png", "image/jpeg")


def coding_for(accepted: str) -> str | None:
    """The smallest coding that an Accept-Encoding names: `br` or `gzip`; None where it names neither."""
    named = {one.strip().lower() for one in accepted.split(",")}
    return next((coding for coding in ("br", "gzip") if any(_names(one, coding) for one in named)), None)


def compressed(body: bytes, coding: str, quality: int) -> bytes:
    """`body` in a coding of `coding_for`; `quality` is brotli's."""
    return bytes(brotli.compress(body, quality=quality)) if coding == "br" else gzip.compress(body, mtime=0)


class Small:
    """Bodies as they were sent: one page to a thousand readers is compressed twice. For the event loop's thread."""

    def __init__(self, aside: Callable[[Callable[[], bytes], Callable[[bytes], None]], None]) -> None:
        """`aside` has something made in another thread and handed over in this one."""
        self._aside = aside
        self._kept: OrderedDict[tuple[str, bytes], tuple[bytes, bool]] = OrderedDict()

    def get(self, body: bytes, coding: str) -> bytes:
        """`body` in that coding, fast; smaller yet once it has been asked for again."""
        name = coding, sha256(body).digest()
        if name not in self._kept:
            self._keep(name, compressed(body, coding, FAST), done=coding != "br")
        else:
            self._kept.move_to_end(name)
            small, done = self._kept[name]
            if not done:
                self._keep(name, small, done=True)
                self._aside(lambda: compressed(body, coding, WELL), lambda made: self._keep(name, made, done=True))
        return self._kept[name][0]

    def _keep(self, name: tuple[str, bytes], small: bytes, *, done: bool) -> None:
        self._kept[name] = small, done
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


class Compression:
    """Compresses what everybody may read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._small = Small(_in_a_thread)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a `send` that makes the answer small where it is whole."""
        names = Headers(scope=scope) if scope["type"] == "http" else Headers({"cookie": ""})
        if "cookie" in names or "authorization" in names:
            return await self._app(scope, receive, send)
        coding = coding_for(names.get("accept-encoding", ""))
        start: Message | None = None

        async def smaller(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                if _is_worth_it(start, message):
                    message = await self._made_small(start, message, coding)
                await send(start)
                start = None
            await send(message)

        return await self._app(scope, receive, smaller)

    async def _made_small(self, start: Message, message: Message, coding: str | None) -> Message:
        headers = MutableHeaders(scope=start)
        headers.add_vary_header("Accept-Encoding")
        if coding is None:
            return message
        body = message["body"]
        if len(body) > KEPT_BYTES:  # tens of milliseconds' work, in which the loop serves others
            body = await asyncio.to_thread(compressed, body, coding, FAST)
        else:
            body = self._small.get(body, coding)
        headers["Content-Encoding"] = coding
        headers["Content-Length"] = str(len(body))
        return {**message, "body": body}


def _is_worth_it(start: Message, message: Message) -> bool:
    headers = Headers(raw=start["headers"])
    whole = message["type"] == "http.response.body" and not message.get("more_body", False)
    plain = "content-encoding" not in headers and headers.get("content-type", "") not in _LIKE_PICTURES
    return whole and plain and len(message.get("body", b"")) >= LEAST_BYTES


def _names(one: str, coding: str) -> bool:
    name, _, weight = one.partition(";")
    return name.strip() == coding and weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}


def _in_a_thread(make: Callable[[], bytes], take: Callable[[bytes], None]) -> None:
    def made(done: asyncio.Future[bytes]) -> None:
        if not done.cancelled():  # as when the service ends
            take(done.result())

    asyncio.get_running_loop().run_in_executor(None, make).add_done_callback(made)
