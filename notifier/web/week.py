"""The alerts of the last week, for everybody alike: what the front page counts from, whichever topics are ticked.

Enters: a request without a name. Leaves: one small JSON list, the newest alert first, with an ETag; proxies may keep it
for some seconds. There is nothing of any reader in it, nor of what nobody may read yet.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from notifier.alerts.alert import AlertKind
from notifier.alerts.article import SentAlert, SentAlerts, counted
from notifier.alerts.wording import label
from notifier.errors import NotFound
from notifier.text.line import shorten
from notifier.web import errors
from notifier.web.conditional import answer
from notifier.web.services import Services

WEEK = timedelta(days=7)
# Everybody opens the page in the same minute: the list is read once in so many seconds.
FRESH_S = 5.0
KEPT = "public, max-age=30"
TITLE_CHARACTERS = 120

router = APIRouter(prefix="/api", tags=["subscribers"], responses=errors.PROBLEM)


class Week:
    """The list as it was some seconds ago at most. For any thread."""

    def __init__(self, seconds: Callable[[], float] = monotonic) -> None:
        self._monotonic = seconds
        self._read_at: float | None = None
        self._last = b"", ""
        self._lock = Lock()

    def get(self, read: Callable[[], bytes]) -> tuple[bytes, str]:
        """(JSON, ETag), by `read` where it is not fresh.

        One reads; meanwhile the others get what was read before, and no thread waits for a slow database.
        """
        if not self._lock.acquire(blocking=self._read_at is None):
            return self._last
        try:
            now = self._monotonic()
            if self._read_at is None or now - self._read_at >= FRESH_S:
                body = read()
                self._last = body, f'W/"{sha256(body).hexdigest()[:16]}"'
                self._read_at = now
            return self._last
        finally:
            self._lock.release()


@router.get("/alerts")
def alerts(request: Request, services: Services, brief: bool = False) -> Response:
    """The alerts of the last 7 days, newest first: `{known_since, kept_only, alerts, more}`.

    An alert is `{id, tag, at, kind, label, title, publisher, topics, except}`: it went to everybody who follows one
    of its `topics` and none of `except`, if there is any. States of one story share a `tag`. Times are in milliseconds
    since the epoch. `known_since` is there where less than a week is known: the service has not run for longer or, with
    `kept_only`, keeps no more. `more` is there where there are too many to list: `{kind, topics, except, count}` of the
    rest. `brief`: all of them in `more`, for whoever only counts.
    """
    store = services.articles
    if store is None:
        raise NotFound("this process knows no alerts")
    week: Week = request.app.state.weeks[brief]
    now = services.clock()
    body, etag = week.get(lambda: _written(store.sent(now - WEEK, now), now, brief=brief))
    return answer(request, body, etag, media_type="application/json", kept=KEPT)


def _written(sent: SentAlerts, now: datetime, *, brief: bool) -> bytes:
    # A whole week says no beginning: so the same alerts are the same bytes, whenever they are read.
    written: dict[str, Any] = {"alerts": [] if brief else [_alert(one) for one in sent.alerts]}
    if sent.known_since > now - WEEK:
        written |= {"known_since": _milliseconds(sent.known_since)} | ({"kept_only": True} if sent.kept_only else {})
    if more := (*(counted(sent.alerts) if brief else ()), *sent.older):
        written["more"] = [{**_whom(one.kind, one.topics, one.except_topics), "count": one.count} for one in more]
    return orjson.dumps(written)


def _alert(one: SentAlert) -> dict[str, Any]:
    alert, message = one.alert, one.alert.message
    return {
        "id": alert.id,
        "tag": message.tag,
        "at": _milliseconds(alert.released_at),
        "label": label(alert.kind, breaking=alert.breaking),
        "title": shorten(message.title, TITLE_CHARACTERS),
        "publisher": message.publisher,
        **_whom(alert.kind, alert.topics, one.except_topics),
    }


def _whom(kind: AlertKind, topics: frozenset[str], left_out: frozenset[str]) -> dict[str, Any]:
    return {"kind": kind.value, "topics": sorted(topics), **({"except": sorted(left_out)} if left_out else {})}


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
