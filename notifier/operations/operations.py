"""All operations of one process, as wiring makes them and surfaces are given them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from notifier.operations.access import AccessOperations
from notifier.operations.alerts import AlertOperations
from notifier.operations.feeds import FeedOperations
from notifier.operations.files import ChangeOperations
from notifier.operations.stories import StoryOperations
from notifier.operations.system import SystemState
from notifier.operations.topics import TopicOperations
from notifier.subscribers.audience import AudienceStore


@dataclass(frozen=True, slots=True)
class Operations:
    """One object for each kind of thing. `complaints` say which files are broken."""

    topics: TopicOperations
    feeds: FeedOperations
    changes: ChangeOperations
    alerts: AlertOperations
    stories: StoryOperations
    access: AccessOperations
    audience: AudienceStore
    system: Callable[[], SystemState]
    complaints: Callable[[], Sequence[str]]
