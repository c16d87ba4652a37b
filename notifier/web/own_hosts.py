"""Answers only under the site's own names, and repeats no other.

Enters: requests. Leaves: ForeignHost (421, RFC 9110 section 15.5.20) for a name that is not ours, so that a name which
somebody else points here can neither borrow our pages (DNS rebinding) nor get into links and caches. Health checks ask
by any name. Redirects leave as paths.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.errors import ForeignHost
from notifier.web import errors
from notifier.web.hosts import as_path, is_ours
from notifier.web.services import SiteSettings

ANY_NAME = frozenset({"/healthz", "/readyz", "/metrics"})


class OwnHosts:
    """Refuses requests under other names than the site's own."""

    def __init__(self, app: ASGIApp, site: SiteSettings) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that it is for somebody else."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        if scope["path"] not in ANY_NAME and not is_ours(host, self._site):
            refusal = errors.answer(Request(scope), ForeignHost.code, ForeignHost.http_status)
            await refusal(scope, receive, send)
            return

        async def without_host(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                location = headers.get("location")
                if location is not None:
                    headers["location"] = as_path(location, host)
            await send(message)

        await self._app(scope, receive, without_host)
