"""Who really connects, and whether a proxy speaks for others without being trusted to.

Enters: requests as the server took them. Leaves: the same with the real peer kept beside whom a trusted proxy names. A
proxy that is not trusted makes all of its visitors one client, who then are limited together: that is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from time import monotonic
from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from notifier.troubles import Code, Trouble, Troubles
from notifier.web.clients import FORWARDED, PEER, UNKNOWN, client_name

# From a public address anybody may send the header by hand: a proxy does so always.
SURE_AFTER = 50
TOLD_EVERY_S = 60.0
OVER_AFTER_S = 3600.0
REMEMBERED = 100


@dataclass(slots=True)
class _Seen:
    """How often a peer spoke for others, when last, and when that was told."""

    times: int = 0
    at: float = 0.0
    told_at: float | None = None


class Peers:
    """The outermost part of the application. Used by the event loop's thread only."""

    def __init__(
        self, app: ASGIApp, proxies: list[str], troubles: Troubles, now: Callable[[], float] = monotonic
    ) -> None:
        believing = ProxyHeadersMiddleware(cast("Any", app), proxies)
        self._inner = cast("ASGIApp", believing)
        self._trusted = believing.trusted_hosts
        self._troubles, self._now = troubles, now
        self._seen: dict[str, _Seen] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the peer, then pass the request on as its trusted proxy describes it."""
        if scope["type"] == "http":
            scope[PEER] = scope.get("client")
            self._look(scope)
        await self._inner(scope, receive, send)

    def tidy(self) -> None:
        """Forget those that have stopped. To be called now and then."""
        now = self._now()
        for peer in [peer for peer, seen in self._seen.items() if now - seen.at > OVER_AFTER_S]:
            del self._seen[peer]
            self._troubles.clear(Code.PROXY_NOT_TRUSTED, peer)

    def _look(self, scope: Scope) -> None:
        host = scope["client"][0] if scope.get("client") else ""
        if host in self._trusted or not any(name in FORWARDED for name, _ in scope["headers"]):
            return
        peer = client_name(host)
        seen = self._seen.setdefault(peer, _Seen())
        seen.times, seen.at = seen.times + 1, self._now()
        if len(self._seen) > REMEMBERED:
            self._forget_least()
        sure = seen.times >= SURE_AFTER or _is_near(peer)
        if sure and (seen.told_at is None or seen.at - seen.told_at >= TOLD_EVERY_S):
            seen.told_at = seen.at
            self._troubles.report(_trouble(peer))

    def _forget_least(self) -> None:
        """Strangers who tried it once must not fill the memory, nor push out a proxy that was told of."""
        untold = [peer for peer, seen in self._seen.items() if seen.told_at is None]
        if untold:
            del self._seen[min(untold, key=lambda peer: self._seen[peer].at)]


def _is_near(peer: str) -> bool:
    """Whether the peer is on a network of ours, where proxies stand and strangers do not."""
    return peer != UNKNOWN and ip_address(peer.partition("/")[0]).is_private


def _trouble(peer: str) -> Trouble:
    what = f"A proxy at {peer} says for whom it asks and is not trusted: all of its visitors count as one"
    do = f"If it is yours, set NOTIFIER_PROXIES={peer}; if not, see that only your proxy reaches this port"
    return Trouble(Code.PROXY_NOT_TRUSTED, what, do, peer)
