"""A topic as operators write it, and a story's match with one.

Enters: config/topics.yaml. Leaves: `TopicMatch` with the words that matched; next room: subscribers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TopicMode(StrEnum):
    """What a match leads to: an alert for every story, only for breaking ones, or one held for an editor."""

    EVERY = "every"
    BREAKING = "breaking"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Topic:
    """One entry of config/topics.yaml.

    `slug` is its stable name (in the database and in URLs); `match` the expression as written, "" where the topic takes
    every story of its `mode`; `daily_budget` bounds alerts a day (None: no bound).
    """

    slug: str
    title: str
    description: str
    match: str
    mode: TopicMode = TopicMode.EVERY
    daily_budget: int | None = None
    default_on: bool = False


@dataclass(frozen=True, slots=True)
class MatchedWord:
    """A word that made a rule true: `field` is `title`, `summary`, `source` or `section`; `start` and `end` index
    characters of it."""

    field: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class TopicMatch:
    """A story touches a topic, and why."""

    slug: str
    words: tuple[MatchedWord, ...]
