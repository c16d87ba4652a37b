"""What a `Service` says of itself: to people when it starts, and to whoever asks whether it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifier.config.watch import WatchedFile
from notifier.feeds.feed import FeedConfig
from notifier.topics.topic import Topic
from notifier.web.services import Check
from notifier.wiring.parts import site_settings

if TYPE_CHECKING:
    from notifier.wiring.service import Service


def readiness(service: Service) -> dict[str, Check]:
    """What /readyz says of each part."""
    return {
        "database": _database_check(service),
        "feeds.yaml": _file_check(service.files.feeds, "feeds"),
        "topics.yaml": _file_check(service.files.topics, "topics"),
    }


def facts(service: Service) -> dict[str, str]:
    """What a start says of itself."""
    feeds, topics, settings = service.files.feeds.content, service.files.topics.content, service.settings
    return {
        "feeds": f"{len(feeds)} of {len({f.publisher for f in feeds})} publishers; how they are: notifier feeds",
        "topics": f"{len(topics)} in {settings.topics_path}; edit it while the service runs",
        "alerts": "what was sent and why: notifier alerts; why not: notifier stories",
        "console": _console_fact(service),
        "data": f"{settings.data_dir} (back up {settings.vapid_key_path})",
    }


def _console_fact(service: Service) -> str:
    """Where operators go. Only a process that answers there prints the link for the first of them."""
    base = site_settings(service.settings).base_url
    if not service.role.serves:
        return f"{base}/console, by the process that serves it"
    if service.first_secret is None:
        return f"{base}/console"
    return f"{base}/console/first/{service.first_secret} makes the first operator"


def _database_check(service: Service) -> Check:
    try:
        subscriptions, chunks, retries = service.retention.open_work()
    except Exception as away:  # noqa: BLE001 - whatever it is, the database does not answer
        return Check(False, f"does not answer: {type(away).__name__}")
    return Check(True, f"{subscriptions} subscriptions, {chunks} chunks open, {retries} retries waiting")


def _file_check(file: WatchedFile[tuple[FeedConfig, ...]] | WatchedFile[tuple[Topic, ...]], what: str) -> Check:
    if file.error is not None:
        return Check(True, f"the last good version is in force; {file.error}")
    return Check(True, f"{len(file.content)} {what}")
