"""The requests under way, so that a service that is told to stop ends them in words: none of them holds it up.

An ASGI application around the application. An event stream ends at once, anything else after a few seconds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

GRACE_S = 3.0
"""Below uvicorn's own (wiring/serve.py), which ends a request by a traceback."""


@dataclass(slots=True, eq=False)
class _UnderWay:
    task: asyncio.Task[None]
    begun: bool = False
    done: bool = False
    streams: bool = False


class Requests:
    """Knows each request under way. Used on the event loop only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: set[_UnderWay] = set()
        self._ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, and end it in words where we end."""
        task = asyncio.current_task()
        if scope["type"] != "http" or task is None:
            await self._app(scope, receive, send)
            return
        one = _UnderWay(task)
        self._open.add(one)
        try:
            await self._app(scope, receive, _noting(one, send))
        except asyncio.CancelledError:
            if not self._ending:
                raise
            task.uncancel()
            await _end(one, send)
        finally:
            self._open.discard(one)

    def end(self) -> None:
        """Take no stream any further, and nothing else for longer than GRACE_S."""
        self._ending = True
        self._cancel(streams=True)
        asyncio.get_running_loop().call_later(GRACE_S, self._cancel)

    def _cancel(self, *, streams: bool = False) -> None:
        for one in self._open:
            if one.streams or not streams:
                one.task.cancel()


def _noting(one: _UnderWay, send: Send) -> Send:
    async def note(message: Message) -> None:
        if message["type"] == "http.response.start":
            one.begun = True
            one.streams = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
        elif message["type"] == "http.response.body":
            one.done = not message.get("more_body", False)
        await send(message)

    return note


async def _end(one: _UnderWay, send: Send) -> None:
    if not one.begun:
        headers = [(b"retry-after", b"5"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
    if not one.done:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
