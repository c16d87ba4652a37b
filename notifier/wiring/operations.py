"""The operations over a database and the operators' files: the same for a service and for the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from notifier.clock import system_clock
from notifier.config.edit import TopicsFile
from notifier.config.edit_feeds import FeedsFile
from notifier.config.settings import Settings
from notifier.errors import NotFound
from notifier.feeds.discovery import DiscoveredFeed
from notifier.feeds.feed import FeedConfig
from notifier.feeds.health import FeedHealth
from notifier.operations.access import AccessOperations
from notifier.operations.feeds import FeedOperations, Finder
from notifier.operations.files import FEEDS, TOPICS, ChangeOperations, RecordedFile
from notifier.operations.stories import StoryOperations
from notifier.operations.topics import RulePreviewer, TopicOperations
from notifier.operators.token import TokenScope
from notifier.storage.access import SqlTokenStore
from notifier.storage.audit import SqlAuditLog
from notifier.storage.database import Database
from notifier.storage.feed_archive import SqlFeedArchive
from notifier.storage.operators import SqlChangeStore, SqlOperatorStore
from notifier.storage.story_reports import SqlStoryReports
from notifier.topics.topic import Topic


async def finds_nothing(_address: str) -> Sequence[DiscoveredFeed]:
    """The finder of a process that asks no feeds. Raises NotFound."""
    raise NotFound("This process follows no feeds. Open the console of one that does (--role all, web or poll)")


def topic_operations(
    settings: Settings, database: Database, in_force: Callable[[], Sequence[Topic]], previewer: RulePreviewer
) -> TopicOperations:
    """Topics over topics.yaml."""
    file = TopicsFile(settings.topics_path)
    recorded = RecordedFile(TOPICS, file, TokenScope.TOPICS, SqlChangeStore(database), system_clock)
    return TopicOperations(file, recorded, in_force, previewer)


def feed_operations(
    settings: Settings,
    database: Database,
    in_force: Callable[[], Sequence[FeedConfig]] = tuple,
    health: Callable[[], Sequence[FeedHealth]] = tuple,
    finder: Finder = finds_nothing,
) -> FeedOperations:
    """Feeds over feeds.yaml."""
    file = FeedsFile(settings.feeds_path)
    recorded = RecordedFile(FEEDS, file, TokenScope.FEEDS, SqlChangeStore(database), system_clock)
    return FeedOperations(file, recorded, in_force, SqlFeedArchive(database), health, finder)


def change_operations(database: Database, topics: TopicOperations, feeds: FeedOperations) -> ChangeOperations:
    """The record of changes of both files."""
    return ChangeOperations(SqlChangeStore(database), topics.recorded, feeds.recorded)


def story_operations(database: Database, changed: Callable[[], None] = lambda: None) -> StoryOperations:
    """Stories over the database; a decider that is not told by `changed` looks by itself within a second or two."""
    return StoryOperations(SqlStoryReports(database), system_clock, changed)


def access_operations(database: Database, first_secret: str | None = None) -> AccessOperations:
    """Operators, sessions and tokens over the database."""
    stores = SqlOperatorStore(database), SqlTokenStore(database), SqlAuditLog(database)
    return AccessOperations(*stores, system_clock, first_secret)
