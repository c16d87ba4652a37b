"""What an entry of feeds.yaml or topics.yaml may say: each key once, for whoever reads it and for its JSON Schema.

Leaves: `FEED_KEYS` and `TOPIC_KEYS`. `files` checks entries by them, `json_schema` describes them to editors. What no
schema could say (a rule's grammar, an address given twice) is in `files` alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from notifier.topics.topic import SLUG, Then, TopicMode


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `says` is what editors show; `example` a value that is right.

    A `form` is what all of a text must match, or else `wrong` and `fix` are said; `{value!r}` and `{key}` stand for
    themselves there. `blank` is whether empty text is taken, as if the key were not there.
    """

    says: str
    example: object
    required: bool = False
    blank: bool = False
    form: re.Pattern[str] | None = None
    choices: tuple[str, ...] = ()
    wrong: str = "{key} is {value!r}"
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """A key that is true or false, and false where it is left out."""

    says: str


@dataclass(frozen=True, slots=True)
class Number:
    """A key with a number between two bounds; `whole` leaves out fractions."""

    says: str
    example: float
    least: float
    most: float
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A key with keys of its own below it."""

    says: str
    keys: Mapping[str, Key]


AnyKey = Key | Flag | Number | Group

# From a minute to twelve hours (topics/topic.py).
TIME_TO_WAIT = re.compile(
    "(?:[1-9]|1[0-2])h"
    "|(?:[1-9]|[1-9][0-9]|[1-6][0-9]{2}|7[01][0-9]|720)m"
    "|(?:[6-9][0-9]|[1-9][0-9]{2,3}|[1-3][0-9]{4}|4[0-2][0-9]{3}|43[01][0-9]{2}|43200)s"
)

FEED_KEYS: Mapping[str, AnyKey] = {
    "url": Key("The feed's address, as the publisher gives it", "https://news.example/world/rss", required=True),
    "publisher": Key(
        "Who speaks: feeds of one publisher count as one source when stories are weighed", "The Example", required=True
    ),
    "title": Key("A name for the tables; left out: the publisher's", "The Example, World"),
    "section": Key(
        "A lower-case word that topics can ask for with section:",
        "world",
        form=re.compile(r"[a-z][a-z0-9-]{0,30}"),
        wrong="section {value!r} is not a lower-case word",
        fix="For example: world",
    ),
    "language": Key(
        "Left out: found out from the feed",
        "en",
        blank=True,
        form=re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}"),
        fix="For example: en, or pt-BR",
    ),
    "poll_every_s": Number("Seconds between polls; left out: the feed's own rhythm decides", 300, 1, 86_400),
    "headers_env": Key(
        "An environment variable with extra request headers, one `Name: value` a line",
        "EXAMPLE_HEADERS",
        blank=True,
        form=re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
        fix="Name an environment variable: EXAMPLE_HEADERS",
    ),
    "weight": Number("How much this source's word counts towards breaking; left out: 1", 1, 0, 10),
    "paused": Flag("Not asked at all"),
}

TOPIC_KEYS: Mapping[str, AnyKey] = {
    "slug": Key(
        "Its stable name, in addresses and in the database",
        "middle-east",
        required=True,
        form=SLUG,
        wrong="{value!r} cannot be a slug",
        fix="Use lower-case letters, digits and hyphens, for example middle-east",
    ),
    "title": Key("What people see beside the checkbox", "Middle East", required=True),
    "description": Key("One line that says what it brings", "Israel and the Palestinians, Iran, the Gulf.", blank=True),
    "match": Key(
        'The rule: words, "phrases", AND OR NOT, parentheses, prefix*, NEAR/5, title: source: section: lang:',
        'Nato AND (summit OR "Article 5")',
        blank=True,
    ),
    "mode": Key(
        "every: each story that matches; breaking: only when several outlets tell it; held: an editor lets each go",
        "breaking",
        choices=tuple(mode.value for mode in TopicMode),
        wrong="there is no mode {value!r}",
        fix=f"Write one of: {', '.join(mode.value for mode in TopicMode)}",
    ),
    "held": Group(
        "With the mode held: what becomes of an alert that no editor looks at; left out: it is never sent",
        {
            "for": Key(
                "How long it waits for an editor: 1m to 12h",
                "15m",
                required=True,
                form=TIME_TO_WAIT,
                wrong="{value!r} is no time to wait",
                fix="Write seconds, minutes or hours: 90s, 15m, 2h",
            ),
            "then": Key(
                "send: it goes by itself; drop: nobody gets it",
                "drop",
                required=True,
                choices=tuple(then.value for then in Then),
                wrong="there is no {value!r}",
                fix="Write send or drop",
            ),
        },
    ),
    "daily_budget": Number("At most so many alerts a day; left out: no bound", 8, 0, 1000, whole=True),
    "default_on": Flag("Ticked for new subscribers"),
}
