"""The page of an alert: the article as it was sent, who else tells it, what changed, and why it was sent.

Enters: an alert's number, of which there is nothing to guess: whatever anybody may not read yet is not there. Leaves:
HTML with nothing personal in it; what concerns the reader static/alert.js adds from what their own browser keeps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from notifier.alerts.alert import Alert, AlertKind
from notifier.alerts.article import Article, when
from notifier.alerts.wording import change, label
from notifier.errors import NotFound
from notifier.text.line import direction
from notifier.text.spans import iso
from notifier.web.bodies import LARGEST_ID
from notifier.web.pages import latest_of_each_story
from notifier.web.pictures import PICTURES
from notifier.web.security import PAGE_POLICY
from notifier.web.services import Services, WebServices
from notifier.web.templating import render

ALERTS = "/alerts"
MOST_MORE = 5
# Everybody opens it in the same minute: it is read once in so many seconds, and the newest pages are kept.
FRESH_S = 5.0
KEPT = 256

router = APIRouter(include_in_schema=False)


class Articles:
    """Articles as they were some seconds ago at most. For any thread."""

    def __init__(self, seconds: Callable[[], float] = monotonic) -> None:
        self._monotonic = seconds
        self._kept: OrderedDict[int, tuple[float, Article | None]] = OrderedDict()
        self._reading: dict[int, Future[Article | None]] = {}
        self._lock = Lock()

    def get(self, alert_id: int, read: Callable[[], Article | None]) -> Article | None:
        """The article of an alert, by `read` where it is not fresh.

        One reads; meanwhile the others get what was read before, or wait for it where nothing was.
        """
        with self._lock:
            known = self._kept.get(alert_id)
            if known is not None and self._monotonic() - known[0] < FRESH_S:
                return known[1]
            reading = self._reading.get(alert_id)
            mine = self._reading.setdefault(alert_id, Future())
        if reading is not None:
            return known[1] if known is not None else reading.result()
        try:
            found = read()
            self._keep(alert_id, found)
            mine.set_result(found)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._reading[alert_id]
        return found

    def _keep(self, alert_id: int, found: Article | None) -> None:
        with self._lock:
            self._kept[alert_id] = (self._monotonic(), found)
            self._kept.move_to_end(alert_id)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


@router.api_route(f"{ALERTS}/{{alert_id}}", methods=["GET", "HEAD"])
def page(request: Request, alert_id: str, services: Services) -> HTMLResponse:
    """The newest state of the alert's story. Raises NotFound where anybody may read nothing of it."""
    article = _found(request, alert_id, services)
    newest = article.newest
    now, titles = services.clock(), {topic.slug: topic.title for topic in services.topics()}
    topics = [slug for slug in titles if any(slug in state.topics for state in article.states)]
    why = article.first.why
    picture = _picture(newest, services)
    elsewhere = services.site.pictures_elsewhere and picture is not None
    return render(
        request,
        "alert.html",
        headers={"Content-Security-Policy": PAGE_POLICY.replace("img-src", "img-src https:")} if elsewhere else None,
        article=article,
        newest=newest,
        message=newest.message,
        direction=direction(newest.message.title),
        at=article.first.message.published_at if newest.kind is AlertKind.NEW else newest.released_at,
        kind=label(newest.kind, breaking=newest.breaking),
        changed=_change(newest),
        history=[(state, label(state.kind, breaking=state.breaking), _change(state)) for state in article.states],
        # Where nobody else tells it, the article says all of it already.
        outlets=[(item, when(item)) for item in article.outlets] if len(article.outlets) > 1 else [],
        more=_more(article, services, now),
        topics=[(slug, titles[slug], why.topics.get(slug, ())) for slug in topics],
        by_hand=why.author and why.author.name,
        sources=tuple(why.signals.sources),
        picture=picture,
        credit=article.item.credit if article.item is not None else None,
        address=f"{services.site.base_url}{ALERTS}/{article.first.id}",
        data=_data(article, picture, services),
    )


def _found(request: Request, alert_id: str, services: WebServices) -> Article:
    number = int(alert_id) if alert_id.isascii() and alert_id.isdecimal() and len(alert_id) < 17 else 0
    if services.articles is None or not 0 < number <= LARGEST_ID:
        raise NotFound("there is no such alert")
    store, articles = services.articles, request.app.state.articles
    found: Article | None = articles.get(number, lambda: store.article(number, services.clock()))
    if found is None:
        raise NotFound("there is no such alert")
    return found


def _change(alert: Alert) -> str:
    return change(alert.kind, alert.message.title, alert.why)


def _picture(alert: Alert, services: WebServices) -> str | None:
    """Where the page loads the picture from, by the operator's choice; as for notifications."""
    if alert.message.image_url is None:
        return None
    if services.pictures is not None:
        return f"{PICTURES}/{alert.id}.jpg"
    elsewhere = services.site.pictures_elsewhere and alert.message.image_url.startswith("https:")
    return alert.message.image_url if elsewhere else None


def _more(article: Article, services: WebServices, now: datetime) -> list[Alert]:
    """What was sent lately to followers of the same topics, of other stories than those beside it."""
    topics = frozenset[str]().union(*(state.topics for state in article.states))
    beside = {related.alert_id for related in article.related} | {state.id for state in article.states}
    recent = latest_of_each_story(services.recent_alerts(), now)
    others = [one for one in recent if one.topics & topics and one.id not in beside]
    return [one for one in others if one.message.tag != article.newest.message.tag][:MOST_MORE]


def _data(article: Article, picture: str | None, services: WebServices) -> Markup:
    """schema.org's NewsArticle: the outlet's, not ours. A data block, which no browser runs."""
    message, first = article.newest.message, article.first
    outlet: dict[str, Any] = {"@type": "NewsMediaOrganization", "name": message.publisher}
    described = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": message.title,
        "description": message.body,
        "url": message.url,
        "mainEntityOfPage": message.url,
        "datePublished": iso(first.message.published_at),
        "dateModified": iso(article.newest.released_at),
        "publisher": outlet,
        "author": outlet,
    }
    if picture is not None:
        described["image"] = f"{services.site.base_url}{picture}" if picture.startswith("/") else picture
    text = orjson.dumps(described).decode()
    # Nothing in it may end the element that it stands in.
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704
