"""The operations over SQLite and files in a folder, as wiring makes them, and three who ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from notifier.alerts.decide import AlertRules
from notifier.alerts.story_history import StoryHistory
from notifier.clock import ManualClock
from notifier.config.settings import Settings, load_settings
from notifier.operations.actor import Actor
from notifier.operations.feeds import FeedOperations
from notifier.operations.files import ChangeOperations
from notifier.operations.operations import Operations
from notifier.operations.previews import Previews
from notifier.operations.topics import RulePreviewer, TopicOperations
from notifier.operators.operator import Role
from notifier.storage.database import Database
from notifier.wiring.console import service_operations
from notifier.wiring.operations import change_operations, feed_operations, topic_operations
from tests.contracts.samples import NOON
from tests.databases import sqlite_database
from tests.web.operator_api.harness import ApiHarness

TOPICS = """\
# Kept by hand.
topics:
  - slug: ships
    title: Ships
    match: ferry OR harbour   # both
"""
FEEDS = """\
# Kept by hand.
feeds:
  - url: https://news.example/rss
    publisher: The Example
    section: world   # the whole of it
    headers_env: EXAMPLE_HEADERS
"""
ADA = Actor("Ada", Role.EDITOR, "198.51.100.7", 1)
VIC = Actor("Vic", Role.VIEWER, "198.51.100.8", 2)
SERVER = Actor("root (command line)")


@dataclass(frozen=True, slots=True)
class Desk:
    """The operations, and what they write to."""

    settings: Settings
    database: Database
    topics: TopicOperations
    feeds: FeedOperations
    changes: ChangeOperations

    def said(self) -> list[tuple[str, str]]:
        """Who made which changes, the newest first."""
        return [(change.by, change.what) for change in self.changes.recent(50)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "topics.yaml").write_text(TOPICS, encoding="utf-8")
    (tmp_path / "feeds.yaml").write_text(FEEDS, encoding="utf-8")
    named = {"NOTIFIER_DATA_DIR": str(tmp_path / "data"), "NOTIFIER_CONFIG_DIR": str(tmp_path)}
    settings, database = load_settings(tmp_path / "no.env", named), sqlite_database(tmp_path / "notifier.db")
    previewer = RulePreviewer(StoryHistory, AlertRules(), ManualClock(NOON), Previews(wait_s=0))
    topics, feeds = topic_operations(settings, database, tuple, previewer), feed_operations(settings, database)
    yield Desk(settings, database, topics, feeds, change_operations(database, topics, feeds))
    database.close()


@dataclass(slots=True)
class Told:
    """How often the decider was told to look anew, and the engine to send."""

    changed: int = 0
    woken: int = 0

    def change(self) -> None:
        self.changed += 1

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ApiHarness]:
    """A whole service with three stories in it, which polls and sends nothing."""
    harness = ApiHarness(tmp_path)
    harness.operator("Ada", Role.EDITOR)
    harness.operator("Vic", Role.VIEWER)
    yield harness
    harness.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def operations(service: ApiHarness, told: Told) -> Operations:
    """The service's operations, watched."""
    made = service_operations(service.service)
    alerts = replace(made.alerts, changed=told.change, wake=told.wake)
    return replace(made, alerts=alerts, stories=replace(made.stories, changed=told.change))
