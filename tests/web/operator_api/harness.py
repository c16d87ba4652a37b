"""The whole web room over a real `Service` on SQLite, as wiring makes it, with news in it and programs that ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import certifi
from fastapi import FastAPI
from sqlalchemy import insert

from notifier.alerts.decide import Drop
from notifier.alerts.decider import DecisionResult
from notifier.alerts.evidence import Evidence
from notifier.clock import ManualClock
from notifier.config.settings import load_settings
from notifier.operators.operator import Operator, Role
from notifier.operators.password import NONE
from notifier.operators.token import TokenScope, digest_of, new_secret
from notifier.storage.access import SqlTokenStore
from notifier.storage.operators import SqlOperatorStore
from notifier.storage.schema import feed, item
from notifier.storage.stories import SqlStoryStore
from notifier.stories.story import Grouping, Story
from notifier.telemetry import Metrics
from notifier.web.app import build_app
from notifier.web.console.access import COOKIE, form_token
from notifier.wiring.parts import opened_database, vapid_key
from notifier.wiring.service import Files, Service
from tests.contracts.samples import NOON, a_subscription
from tests.databases import sqlite_database
from tests.web.site import Answer, speak

TOPICS = """\
# Kept by hand.
topics:
  - slug: ships
    title: Ships
    match: ferry OR harbour   # both
  - slug: breaking
    title: Breaking news
    mode: breaking
"""
FEEDS = """\
# Kept by hand.
feeds:
  - url: https://news.example/rss
    publisher: The Example
    section: world   # the whole of it
"""
HEADLINES = ("Ferry aground off the harbour", "Flood closes the old bridge", "Ferry fares to rise")
ALL = frozenset(TokenScope)


class ApiHarness:
    """A service that was started and polls nothing; `app` is what it serves."""

    def __init__(self, folder: Path) -> None:
        self.topics_path, self.feeds_path = folder / "config" / "topics.yaml", folder / "config" / "feeds.yaml"
        self.topics_path.parent.mkdir()
        self.topics_path.write_text(TOPICS, encoding="utf-8")
        self.feeds_path.write_text(FEEDS, encoding="utf-8")
        # Nobody outside is asked; to read all the authorities that there are takes longer than most tests.
        (folder / "authority.pem").write_text(certifi.contents().split("\n\n")[1])
        named = {
            "NOTIFIER_DATA_DIR": str(folder / "data"),
            "NOTIFIER_CONFIG_DIR": str(folder / "config"),
            "NOTIFIER_OUTBOUND_CA_FILE": str(folder / "authority.pem"),
        }
        settings = load_settings(folder / "no.env", named)
        self._resources = ExitStack()
        sqlite_database(folder / "data" / "notifier.db").close()
        self.database = self._resources.enter_context(opened_database(settings))
        self.clock, metrics = ManualClock(NOON), Metrics()
        vapid_key(settings)
        self.service = Service(settings, Files.of(settings, metrics), self.database, metrics, self.clock)
        self.operators, self.tokens = SqlOperatorStore(self.database), SqlTokenStore(self.database)
        self._add_news()
        self.app: FastAPI = build_app(self.service.web_services(None))

    def close(self) -> None:
        """Give everything back."""
        self.service.tester_threads.shutdown()
        self.service.tester.close()
        self._resources.close()

    def operator(self, name: str, role: Role) -> Operator:
        """Somebody of this role, made where there is nobody of this name."""
        known = self.operators.credentials(name)
        return known[0] if known else self.operators.add(name, NONE, role, NOON)

    def token(self, name: str = "Ada", role: Role = Role.ADMIN, scopes: frozenset[TokenScope] = ALL) -> str:
        """A token of an operator of this name."""
        secret = new_secret()
        digest = digest_of(secret)
        assert digest is not None
        self.tokens.add(self.operator(name, role).id, "a test", digest, scopes, NOON, None)
        return secret

    def session(self, name: str = "Ada", role: Role = Role.ADMIN) -> tuple[dict[str, str], str]:
        """The cookie header of a browser in which they are signed in, and its form token."""
        cookie = f"session-of-{name}"
        until = self.service.web_services(None).clock() + timedelta(days=36_500)
        self.operators.open_session(self.operator(name, role).id, sha256(cookie.encode()).digest(), NOON, until)
        return {"cookie": f"{COOKIE}={cookie}"}, form_token(cookie)

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `body` is sent as JSON unless it is bytes."""
        sent = {"host": "127.0.0.1:8000"} | dict(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is not None:
            sent.setdefault("content-type", "application/json")
        return asyncio.run(speak(self.app, method, path, sent, raw))

    def _add_news(self) -> None:
        self.service.subscriptions.subscribe(a_subscription("ada", "ships"), NOON)
        self.service.feeds.sync_config(self.service.files.feeds.content, NOON)
        with self.database.writing() as connection:
            feed_id = connection.scalar(feed.select().with_only_columns(feed.c.id))
            for number, title in enumerate(HEADLINES, start=1):
                at = NOON - timedelta(hours=40 / number)
                connection.execute(
                    insert(item).values(
                        id=number, feed_id=feed_id, guid_hash=bytes([number]), url=f"https://news.example/{number}",
                        title_hash=bytes([number]), canonical_url=f"news.example/{number}", title=title, summary="",
                        first_seen_at=at, seen_at=at, content_hash=b"", may_alert=True,
                    )
                )  # fmt: skip
        news = SqlStoryStore(self.database)
        news.lease_decisions("a test", NOON, 15)
        for found in news.pending(10):
            told = Story(found.id, found, NOON, NOON, ("The Example",), (found.id,))
            dropped = Drop(found.id, "no-topic", "No topic matches it.", Evidence(items=(1,)))
            grouped = (Grouping(found.id, found.id, "new"),)
            news.save([found], DecisionResult(grouped, (told,), (dropped,)), NOON, "a test")
