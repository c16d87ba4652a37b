"""What browsers are told to refuse on our behalf, and what we refuse from them.

Enters: requests. Leaves: a strict Content-Security-Policy and its companions on every answer; ForeignOrigin for a
change that another site's page asked for. There is no cookie, so no request carries authority by itself: this is the
second lock.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.errors import ForeignOrigin
from notifier.web.hosts import host_name, is_loopback
from notifier.web.services import Services, SiteSettings

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# What is no page loads nothing, and needs no more words: they would be half of a small file on the way.
FILE_POLICY = "default-src 'none'"
HEADERS = {
    # Nothing is used again without asking: a page and its script are never of two versions.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": PAGE_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PAGES_ONLY = ("Cross-Origin-Opener-Policy", "Permissions-Policy")
HSTS = "max-age=31536000"


class SecurityHeaders:
    """Adds `HEADERS` to every answer, and HSTS where the site is served over https."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._of_pages = HEADERS | ({"Strict-Transport-Security": HSTS} if https else {})
        of_files = self._of_pages | {"Content-Security-Policy": FILE_POLICY}
        self._of_files = {name: value for name, value in of_files.items() if name not in PAGES_ONLY}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a `send` that adds the headers that the route did not set itself."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = headers.get("content-type", "").startswith("text/html")
                for name, value in (self._of_pages if is_page else self._of_files).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, add)


def refuse_foreign(request: Request, services: Services) -> None:
    """Raises ForeignOrigin for a change asked for by a page of another site.

    Browsers say where a request comes from in Sec-Fetch-Site, older ones in Origin; a program that is no browser says
    neither, and has nothing that it could borrow.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        foreign = site not in {"same-origin", "none"}
    else:
        foreign = origin is not None and not _is_ours(origin, request.headers.get("host", ""), services.site)
    if foreign:
        raise ForeignOrigin("the request comes from another site")


def _is_ours(origin: str, host: str, site: SiteSettings) -> bool:
    """Whether a page of this origin is ours: the public address's, or one by which this machine itself was asked.

    Where a public address is set, Host proves nothing else: whoever sends the request has chosen both.
    """
    try:
        parts, base = urlsplit(origin), urlsplit(site.base_url)
    except ValueError:
        return False
    if not parts.netloc:  # `null`: a page of no site
        return False
    if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
        return True
    name = host_name(host)
    return parts.netloc == host and name is not None and (not site.is_public or is_loopback(name) or name in site.hosts)
