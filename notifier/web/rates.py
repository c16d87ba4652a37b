"""How often one client may ask: a moving window for each kind of request and each client, in memory, bounded.

Enters: a request. Leaves: nothing, or TooOften. A client is an IPv4 address or an IPv6 /64 (`clients`). Several web
processes each count for themselves.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from notifier.errors import TooOften
from notifier.web.clients import client_name, client_of
from notifier.web.services import SiteSettings

WINDOW_S = 60
# Clients and kinds that are remembered; whoever has not asked for longest is forgotten first.
REMEMBERED = 20_000
SIGN_INS_PER_MINUTE = 10
BAD_TOKENS_PER_MINUTE = 20
# A house or an office of people behind one address may all tell that they were shown an alert.
RECEIPTS_PER_MINUTE = 240


class Rates:
    """The limits of `site`, and who used how much of them."""

    def __init__(self, site: SiteSettings) -> None:
        self._used = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._used)
        self._counted: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = Lock()
        self._limits = {
            "change": RateLimitItemPerMinute(site.changes_per_minute),
            "test": RateLimitItemPerMinute(site.tests_per_minute),
            "sign-in": RateLimitItemPerMinute(SIGN_INS_PER_MINUTE),
            "bad-token": RateLimitItemPerMinute(BAD_TOKENS_PER_MINUTE),
            "receipt": RateLimitItemPerMinute(RECEIPTS_PER_MINUTE),
        }

    def count(self, kind: str, client: str) -> None:
        """Count one request of `kind` by `client`, an address or a client's name. Raises TooOften."""
        client = client if "/" in client else client_name(client)
        self._remember(kind, client)
        if not self._limiter.hit(self._limits[kind], kind, client):
            raise TooOften(WINDOW_S)

    def forget(self) -> None:
        """Nobody has used anything: the clock was set back, and the minutes that are known would not end."""
        with self._lock:
            self._used.reset()
            self._counted.clear()

    def __len__(self) -> int:
        return len(self._counted)

    def _remember(self, kind: str, client: str) -> None:
        with self._lock:
            self._counted[kind, client] = None
            self._counted.move_to_end((kind, client))
            if len(self._counted) > REMEMBERED:
                (other, gone), _ = self._counted.popitem(last=False)
                self._limiter.clear(self._limits[other], other, gone)


def limit_changes(request: Request) -> None:
    """Count a change against the client's address. Raises TooOften."""
    _count(request, "change")


def limit_tests(request: Request) -> None:
    """Count a test alert against the client's address. Raises TooOften."""
    _count(request, "test")


def limit_sign_ins(request: Request) -> None:
    """Count an attempt to sign in against the client's address. Raises TooOften."""
    _count(request, "sign-in")


def limit_receipts(request: Request) -> None:
    """Count what a browser tells of an alert against its address. Raises TooOften."""
    _count(request, "receipt")


def count_bad_token(request: Request) -> None:
    """Count a token that is not good against the client's address; good ones are never counted. Raises TooOften."""
    _count(request, "bad-token")


def _count(request: Request, kind: str) -> None:
    rates: Rates = request.app.state.rates
    rates.count(kind, client_of(request.scope))
