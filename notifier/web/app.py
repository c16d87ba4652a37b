"""The application: routers, error answers, headers and files put together.

Enters: `WebServices`. Leaves: an ASGI application for uvicorn. Routes live in `pages`, `api`, `health` and `hubs`.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from notifier import __version__
from notifier.errors import SignInNeeded
from notifier.web import api, articles, errors, health, hubs, pages, pictures, receipts, week
from notifier.web.assets import STATIC, Assets
from notifier.web.compression import Compression
from notifier.web.console import (
    access,
    alerts,
    audience,
    by_provider,
    changes,
    feeds,
    signin,
    story_list,
    system,
    tokens,
    topics,
)
from notifier.web.console import stories as console_stories
from notifier.web.console.progress import Meter
from notifier.web.operator_api import alerts as operator_alerts
from notifier.web.operator_api import changes as operator_changes
from notifier.web.operator_api import feeds as operator_feeds
from notifier.web.operator_api import service, stories
from notifier.web.operator_api import topics as operator_topics
from notifier.web.own_hosts import OwnHosts
from notifier.web.rates import Rates
from notifier.web.security import SecurityHeaders
from notifier.web.services import WebServices
from notifier.web.sign_ins import SignIns
from notifier.web.streams import Streams
from notifier.web.under_way import UnderWay

ROUTERS = (
    pages.router,
    articles.router,
    week.router,
    api.router,
    receipts.router,
    health.router,
    hubs.router,
    pictures.router,
)
CONSOLE = (
    signin.router,
    by_provider.router,
    tokens.router,
    story_list.router,
    console_stories.router,
    topics.router,
    changes.router,
    alerts.router,
    feeds.router,
    audience.router,
    system.router,
)
OPERATOR_API = (
    service.router,
    stories.router,
    operator_topics.router,
    operator_changes.router,
    operator_alerts.router,
    operator_feeds.router,
)


class Application(FastAPI):
    """FastAPI, with the shape of problems in its description."""

    def openapi(self) -> dict[str, Any]:
        """The description of both APIs (OpenAPI 3.1)."""
        described = super().openapi()
        described["components"]["schemas"]["Problem"] = errors.PROBLEM_SCHEMA
        return described


def build_app(services: WebServices) -> FastAPI:
    """The web room over `services`. The interactive API pages are off: they load scripts from a third party."""
    app = Application(
        title=services.site.title,
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.rates = Rates(services.site)
    app.state.articles = articles.Articles()
    app.state.weeks = {brief: week.Week() for brief in (False, True)}
    app.state.meter = Meter()
    app.state.streams = Streams()
    app.state.sign_ins = SignIns()
    errors.install(app)
    app.add_exception_handler(SignInNeeded, access.ask_to_sign_in)
    for router in ROUTERS + OPERATOR_API + CONSOLE:
        app.include_router(router)
    app.mount("/static", Assets(directory=STATIC), name="static")
    app.add_middleware(errors.TooLargeInWords)
    app.add_middleware(UnderWay)
    app.add_middleware(OwnHosts, site=services.site)
    app.add_middleware(Compression)
    app.add_middleware(SecurityHeaders, https=services.site.base_url.startswith("https:"))
    return app
