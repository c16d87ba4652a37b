"""How often one client may ask: a moving window for each kind of request and each client, in memory, bounded.

Enters: a request. Leaves: nothing, or TooOften. A client is an IPv4 address or an IPv6 /64 (`clients`). Several web
processes each count for themselves.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from threading import Lock
from time import monotonic

from fastapi import Request

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
        self._used: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._lock = Lock()
        self._most = {
            "change": site.changes_per_minute,
            "test": site.tests_per_minute,
            "sign-in": SIGN_INS_PER_MINUTE,
            "bad-token": BAD_TOKENS_PER_MINUTE,
            "receipt": RECEIPTS_PER_MINUTE,
        }

    def count(self, kind: str, client: str) -> None:
        """Count one request of `kind` by `client`, an address or a client's name. Raises TooOften."""
        key = kind, client if "/" in client else client_name(client)
        now = monotonic()  # no clock that is set touches it
        with self._lock:
            used = self._used.setdefault(key, deque())
            self._used.move_to_end(key)
            if len(self._used) > REMEMBERED:
                self._used.popitem(last=False)
            while used and used[0] <= now - WINDOW_S:
                used.popleft()
            if len(used) >= self._most[kind]:
                raise TooOften(WINDOW_S)
            used.append(now)

    def __len__(self) -> int:
        return len(self._used)


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
