"""Answers made small on the way: gzip for whoever takes it, and only where no secret can be in them.

An ASGI application around the application. Requests with a cookie or a token are answered as they are: what an answer's
size tells of its content is then nobody's secret (BREACH).
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LEAST_BYTES = 500
LEVEL = 9


class Compression:
    """Compresses what everybody may read."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressed = GZipMiddleware(app, minimum_size=LEAST_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        names = Headers(scope=scope) if scope["type"] == "http" else Headers()
        personal = "cookie" in names or "authorization" in names
        app = self._plain if personal or scope["type"] != "http" else self._compressed
        await app(scope, receive, send)
