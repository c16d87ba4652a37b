"""The two files that operators edit: config/feeds.yaml and config/topics.yaml.

Enters: paths. Leaves: `FeedConfig`s and `Topic`s, or a ConfigError that names file, line, column and fix.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from notifier.config.keys import FEED_KEYS, TOPIC_KEYS
from notifier.config.yaml_file import YamlEntry, read_entries
from notifier.errors import ConfigError, QueryError
from notifier.feeds.feed import FeedConfig
from notifier.feeds.publishers import one_spelling
from notifier.text.line import one_line
from notifier.topics.query import parse
from notifier.topics.topic import Fallback, Then, Topic, TopicMode, seconds_of


def load_feeds(path: Path) -> tuple[FeedConfig, ...]:
    """All feeds of the file, in its order. Raises ConfigError."""
    feeds: dict[str, FeedConfig] = {}
    for entry in read_entries(path, "feeds"):
        feed = _feed(entry)
        if feed.url in feeds:
            raise entry.error(f"{feed.url} is listed twice", fix="Remove one of the two", key="url")
        feeds[feed.url] = feed
    return one_spelling(tuple(feeds.values()))


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


def _feed(entry: YamlEntry) -> FeedConfig:
    said = entry.values(FEED_KEYS)
    _check_address(entry, said["url"])
    publisher, weight = one_line(said["publisher"]) or said["publisher"], said["weight"]
    return FeedConfig(
        url=said["url"],
        title=said["title"] or publisher,
        publisher=publisher,
        section=said["section"] or "general",
        language=said["language"],
        poll_every_s=said["poll_every_s"],
        headers_env=said["headers_env"],
        paused=said["paused"],
        weight=1.0 if weight is None else weight,
    )


def _check_address(entry: YamlEntry, url: str) -> None:
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


def _topic(entry: YamlEntry) -> Topic:
    said = entry.values(TOPIC_KEYS)
    fallback, budget = _fallback(entry, said["held"]), said["daily_budget"]
    mode = TopicMode(said["mode"] or (TopicMode.HELD if fallback else TopicMode.EVERY))
    if fallback and mode is not TopicMode.HELD:
        raise entry.error(
            f"`held` does not go with the mode {mode}", fix="Write `mode: held`, or take it out", key="held"
        )
    return Topic(
        slug=said["slug"],
        title=said["title"],
        description=said["description"] or "",
        match=_match(entry, mode),
        mode=mode,
        daily_budget=None if budget is None else int(budget),
        default_on=said["default_on"],
        held=fallback,
    )


def _fallback(entry: YamlEntry, said: Mapping[str, Any] | None) -> Fallback | None:
    if said is None:
        return None
    for_s = seconds_of(said["for"])
    if for_s is None:
        raise entry.error(
            f"{said['for']} is no time to wait", fix="Write one from 1m to 12h, for example 15m", key="held"
        )
    return Fallback(for_s, Then(said["then"]))


def _match(entry: YamlEntry, mode: TopicMode) -> str:
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


def _in_file(entry: YamlEntry, wrong: QueryError) -> tuple[int, int | None]:
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
