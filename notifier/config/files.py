"""The two files that operators edit: config/feeds.yaml and config/topics.yaml.

Enters: paths. Leaves: `FeedConfig`s and `Topic`s, or a ConfigError that names file, line, column and fix.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from notifier.config.yaml_file import Entry, read_entries
from notifier.errors import ConfigError, QueryError
from notifier.feeds.feed import FeedConfig
from notifier.topics.query import parse
from notifier.topics.topic import Topic, TopicMode

FEED_KEYS = frozenset(
    {"url", "title", "publisher", "section", "language", "poll_every_s", "headers_env", "paused", "weight"}
)
TOPIC_KEYS = frozenset({"slug", "title", "description", "match", "mode", "daily_budget", "default_on"})
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECTION = re.compile(r"[a-z][a-z0-9-]{0,30}")


def load_feeds(path: Path) -> tuple[FeedConfig, ...]:
    """All feeds of the file, in its order. Raises ConfigError."""
    feeds: dict[str, FeedConfig] = {}
    for entry in read_entries(path, "feeds"):
        feed = _feed(entry)
        if feed.url in feeds:
            raise entry.error(f"{feed.url} is listed twice", fix="Remove one of the two", key="url")
        feeds[feed.url] = feed
    return tuple(feeds.values())


def load_topics(path: Path) -> tuple[Topic, ...]:
    """All topics of the file, in its order. Raises ConfigError."""
    topics: dict[str, Topic] = {}
    for entry in read_entries(path, "topics"):
        topic = _topic(entry)
        if topic.slug in topics:
            raise entry.error(f"the slug {topic.slug} is used twice", fix="Give each topic its own", key="slug")
        topics[topic.slug] = topic
    if not topics:
        raise ConfigError("there is no topic", fix="Add at least one: subscribers choose from them", path=path, line=1)
    return tuple(topics.values())


def _feed(entry: Entry) -> FeedConfig:
    entry.only(FEED_KEYS)
    url, section = entry.text("url"), entry.text("section", "general")
    try:
        parts = urlsplit(url)
        _ = parts.port  # looked at only when asked for
    except ValueError as wrong:
        raise entry.error(f"{url!r} is not a web address", fix="Write it with https://", key="url") from wrong
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise entry.error(f"{url!r} is not a web address", fix="Write it with https://", key="url")
    if parts.password:
        fix = "Put `Authorization: Basic …` in an environment variable and name it in `headers_env`"
        raise entry.error("a password has no place in this file", fix=fix, key="url")
    if not SECTION.fullmatch(section):
        raise entry.error(f"section {section!r} is not a lower-case word", fix="For example: world", key="section")
    publisher, weight = entry.text("publisher"), entry.optional_number("weight", 0, 10)
    return FeedConfig(
        url=url,
        title=entry.text("title", publisher),
        publisher=publisher,
        section=section,
        language=_matching(entry, "language", LANGUAGE, "For example: en, or pt-BR"),
        poll_every_s=entry.optional_number("poll_every_s", 1, 86_400),
        headers_env=_matching(entry, "headers_env", VARIABLE, "Name an environment variable: EXAMPLE_HEADERS"),
        paused=entry.flag("paused"),
        weight=1.0 if weight is None else weight,
    )


def _matching(entry: Entry, key: str, form: re.Pattern[str], fix: str) -> str | None:
    value = entry.optional_text(key)
    if value is not None and not form.fullmatch(value):
        raise entry.error(f"{key} is {value[:60]!r}", fix=fix, key=key)
    return value


def _topic(entry: Entry) -> Topic:
    entry.only(TOPIC_KEYS)
    slug = entry.text("slug")
    if not SLUG.fullmatch(slug):
        fix = "Use lower-case letters, digits and hyphens, for example middle-east"
        raise entry.error(f"{slug!r} cannot be a slug", fix=fix, key="slug")
    mode = _mode(entry)
    budget = entry.optional_number("daily_budget", 0, 1000)
    if budget is not None and not budget.is_integer():
        raise entry.error(f"daily_budget is {budget:g}", fix="Give a whole number", key="daily_budget")
    return Topic(
        slug=slug,
        title=entry.text("title"),
        description=entry.text("description", ""),
        match=_match(entry, mode),
        mode=mode,
        daily_budget=None if budget is None else int(budget),
        default_on=entry.flag("default_on"),
    )


def _mode(entry: Entry) -> TopicMode:
    word = entry.text("mode", TopicMode.EVERY.value)
    try:
        return TopicMode(word)
    except ValueError as unknown:
        fix = f"Write one of: {', '.join(mode.value for mode in TopicMode)}"
        raise entry.error(f"there is no mode {word!r}", fix=fix, key="mode") from unknown


def _match(entry: Entry, mode: TopicMode) -> str:
    expression = entry.text("match", "")
    if not expression.strip():
        if mode is TopicMode.BREAKING:
            return ""  # whatever is breaking
        fix = "Add `match:` with words, or set `mode: breaking`"
        raise entry.error("a topic without `match` would take every story", fix=fix)
    try:
        parse(expression)
    except QueryError as wrong:
        line, column = _in_file(entry, wrong)
        raise ConfigError(wrong.problem, fix=wrong.fix, path=entry.path, line=line, column=column) from wrong
    except RecursionError as deep:
        raise entry.error("the rule is nested too deeply", fix="Make it shorter", key="match") from deep
    return expression


def _in_file(entry: Entry, wrong: QueryError) -> tuple[int, int | None]:
    """Where an error within `match` stands in the file.

    A block (`match: |` or `>`) begins on the line after the key; its column is as good as unknown once YAML has
    folded its lines, so only a literal block and a one-line text give a column.
    """
    row, column = entry.place("match")
    source = entry.path.read_text(encoding="utf-8").splitlines()
    written = source[row - 1][column - 1 :].lstrip()
    within_line, within_column = wrong.line or 1, wrong.column or 1
    if written[:1] == "|":
        line = row + within_line
        indent = len(source[line - 1]) - len(source[line - 1].lstrip()) if line <= len(source) else 0
        return line, indent + within_column
    if written[:1] == ">":
        return row + within_line, None
    quote = 1 if written[:1] in "\"'" else 0
    return row, column + quote + within_column - 1
