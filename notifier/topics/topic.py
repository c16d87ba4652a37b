"""A topic as operators write it, and a story's match with one.

Enters: config/topics.yaml. Leaves: `TopicMatch` with the words that matched; next room: subscribers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What a topic's slug looks like, in files, forms and the API."""


class TopicMode(StrEnum):
    """What a match leads to: an alert for every story, only for breaking ones, or one that an editor lets go."""

    EVERY = "every"
    BREAKING = "breaking"
    HELD = "held"


class Then(StrEnum):
    """What becomes of a held alert that nobody looked at."""

    SEND = "send"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Fallback:
    """How long a held topic's alert waits for an editor, in seconds, and what becomes of it `then`."""

    for_s: int
    then: Then

    @property
    def written(self) -> str:
        """The time as operators write it: 15m."""
        unit = next(unit for unit in "hms" if self.for_s % SECONDS[unit] == 0)
        return f"{self.for_s // SECONDS[unit]}{unit}"


SECONDS = {"s": 1, "m": 60, "h": 3600}
SHORTEST_HOLD_S, LONGEST_HOLD_S = 60, 12 * 3600


def seconds_of(written: str) -> int | None:
    """The seconds of a time such as 90s, 15m or 2h; None where it is none, or out of bounds."""
    digits, unit = written.strip()[:-1], written.strip()[-1:]
    if unit not in SECONDS or not (digits.isascii() and digits.isdigit() and len(digits) <= 5):
        return None
    found = int(digits) * SECONDS[unit]
    return found if SHORTEST_HOLD_S <= found <= LONGEST_HOLD_S else None


@dataclass(frozen=True, slots=True)
class Topic:
    """One entry of config/topics.yaml.

    `slug` is its stable name (in the database and in URLs); `match` the expression as written, "" where the topic takes
    every story of its `mode`; `daily_budget` bounds alerts a day (None: no bound). `held` goes with the mode of that
    name: what becomes of an alert that no editor looks at (None: it is never sent).
    """

    slug: str
    title: str
    description: str
    match: str
    mode: TopicMode = TopicMode.EVERY
    daily_budget: int | None = None
    default_on: bool = False
    held: Fallback | None = None


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
