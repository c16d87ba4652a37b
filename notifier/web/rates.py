"""How often one client may ask: a moving window for each kind of request and each address, in memory.

Enters: a request. Leaves: nothing, or TooOften. Several web processes each count for themselves.
"""

from __future__ import annotations

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from notifier.errors import TooOften
from notifier.web.services import SiteSettings

WINDOW_S = 60
SIGN_INS_PER_MINUTE = 10
BAD_TOKENS_PER_MINUTE = 20
# A house or an office of people behind one address may all tell that they were shown an alert.
RECEIPTS_PER_MINUTE = 240


class Rates:
    """The limits of `site`, and who used how much of them."""

    def __init__(self, site: SiteSettings) -> None:
        self._used = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._used)
        self._limits = {
            "change": RateLimitItemPerMinute(site.changes_per_minute),
            "test": RateLimitItemPerMinute(site.tests_per_minute),
            "sign-in": RateLimitItemPerMinute(SIGN_INS_PER_MINUTE),
            "bad-token": RateLimitItemPerMinute(BAD_TOKENS_PER_MINUTE),
            "receipt": RateLimitItemPerMinute(RECEIPTS_PER_MINUTE),
        }

    def count(self, kind: str, client: str) -> None:
        """Count one request of `kind` by `client`. Raises TooOften."""
        if not self._limiter.hit(self._limits[kind], kind, client):
            raise TooOften(WINDOW_S)

    def forget(self) -> None:
        """Nobody has used anything: the clock was set back, and the minutes that are known would not end."""
        self._used.reset()


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
    rates.count(kind, request.client.host if request.client else "unknown")
