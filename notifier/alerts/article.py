"""An alert as anybody may read it: what was sent of its story, who tells it, what is near it; and all of some days.

Enters: a story's alerts and items as they are stored. Leaves: an `Article`, or None where nothing was sent yet, and
`SentAlerts`. Nothing that waits for an editor, was withdrawn or is a test is ever in them. Pure; the Protocol of their
store is here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifier.alerts.alert import Alert, AlertKind
from notifier.stories.agency_copy import publisher_key
from notifier.stories.story import StoryItem
from notifier.text.line import has_words

MOST_OUTLETS = 30


@dataclass(frozen=True, slots=True)
class RelatedArticle:
    """Another story that may tell the same event; `alert_id` where it was alerted too."""

    title: str
    publisher: str
    url: str
    alert_id: int | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """What was sent of one story, oldest first and never nothing; and the first item of each outlet that tells it.

    `item` is the one in whose words it was sent last; None for an alert that an operator wrote.
    """

    states: tuple[Alert, ...]
    outlets: tuple[StoryItem, ...] = ()
    related: tuple[RelatedArticle, ...] = ()
    item: StoryItem | None = None

    @property
    def first(self) -> Alert:
        """The first alert of the story: its page has one address, whichever of them was clicked."""
        return self.states[0]

    @property
    def newest(self) -> Alert:
        """How it stands."""
        return self.states[-1]


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert that anybody may read. It went to followers of its topics, but for those of `except_topics`."""

    alert: Alert
    except_topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SentCount:
    """How many alerts of one kind went to the same followers: a `SentAlert` without words."""

    kind: AlertKind
    topics: frozenset[str]
    except_topics: frozenset[str]
    count: int


@dataclass(frozen=True, slots=True)
class SentAlerts:
    """What was sent since a time, the newest first; `older` counts those of that time that are too many for a list.

    Nothing is known of what was before `known_since`: the service began then or, where `kept_only`, keeps no more.
    """

    known_since: datetime
    alerts: tuple[SentAlert, ...]
    older: tuple[SentCount, ...] = ()
    kept_only: bool = False


class ArticleStore(Protocol):
    """Alerts as anybody may read them. Synchronous: callers run it in a worker thread."""

    def article(self, alert_id: int, now: datetime) -> Article | None:
        """The article that this alert is a state of; None where there is nothing that anybody may read."""

    def sent(self, since: datetime, now: datetime) -> SentAlerts:
        """What might go to its audience since then. `known_since` is later where the service began later, or keeps
        things for a shorter time."""


def counted(alerts: Iterable[SentAlert]) -> tuple[SentCount, ...]:
    """How many there are of each kind for the same followers, the most first."""
    same = Counter((one.alert.kind, one.alert.topics, one.except_topics) for one in alerts)
    return tuple(SentCount(*whom, count) for whom, count in same.most_common())


def article(
    alerts: Iterable[Alert], items: Sequence[StoryItem], related: Sequence[RelatedArticle], now: datetime
) -> Article | None:
    """All of it as of now. `alerts` are those of one tag, oldest first; `items` in the order in which they came."""
    states = tuple(alert for alert in alerts if is_public(alert, now))
    if not states:
        return None
    told = [item for item in items if item.url == states[-1].message.url]
    return Article(states, outlets(items), tuple(related), told[-1] if told else None)


def is_public(alert: Alert, now: datetime) -> bool:
    """Whether it was sent, or would have been had anybody followed its topics."""
    withdrawn = alert.withdrawn_at is not None
    return alert.kind is not AlertKind.TEST and not withdrawn and not alert.is_held(now) and alert.released_at <= now


def outlets(items: Iterable[StoryItem]) -> tuple[StoryItem, ...]:
    """The first item of each outlet that can be opened and read."""
    first: dict[str, StoryItem] = {}
    for item in items:
        if item.url and has_words(item.title):
            first.setdefault(publisher_key(item.publisher), item)
    return tuple(sorted(first.values(), key=when))[:MOST_OUTLETS]


def when(item: StoryItem) -> datetime:
    """When an outlet had it; a time after we fetched it is a wrong clock's."""
    return min(item.published_at or item.first_seen, item.first_seen)
