"""Changes topics.yaml: a topic and a text enter, the text with that topic in it leaves.

Next: `rewrite`, which puts it in the file's place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import LiteralScalarString

from notifier.config.files import load_topics
from notifier.config.rewrite import RewrittenFile, change_entry, parsed, plain, printed
from notifier.errors import NotFound
from notifier.topics.topic import Fallback, Topic, TopicMode, seconds_of

# A rule that is longer is written as a block, as a person would.
LONGEST_ON_ONE_LINE = 80
DEFAULTS: dict[str, Any] = {
    "title": None,
    "description": "",
    "match": "",
    "mode": TopicMode.EVERY.value,
    "daily_budget": None,
    "default_on": False,
    "held": None,
}


class TopicsFile(RewrittenFile):
    """config/topics.yaml, read and replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, load_topics)

    def topics(self) -> tuple[Topic, ...]:
        """The topics as the file has them now. Raises ConfigError."""
        return load_topics(self._path)

    def with_topic(self, text: str, topic: Topic) -> str:
        """The text with this topic in the place of the one with its slug, or at the end."""
        root = parsed(text)
        entry = _entry(root, topic.slug)
        if entry is None:
            root["topics"].append(CommentedMap(_fields(topic)))
        else:
            change_entry(entry, _fields(topic, entry), _defaults(entry))
        return printed(root)

    def without_topic(self, text: str, slug: str) -> str:
        """The text without this topic. Raises NotFound."""
        root = parsed(text)
        entry = _entry(root, slug)
        if entry is None:
            raise NotFound(f"there is no topic {slug}")
        root["topics"].remove(entry)
        return printed(root)


def _entry(root: Any, slug: str) -> CommentedMap | None:
    return next((entry for entry in root["topics"] if entry.get("slug") == slug), None)


def _defaults(entry: CommentedMap) -> dict[str, Any]:
    """A topic that says what becomes of a held alert need not say that it is held."""
    return DEFAULTS | {"mode": TopicMode.HELD.value} if entry.get("held") and "mode" not in entry else DEFAULTS


def _fields(topic: Topic, entry: CommentedMap | None = None) -> dict[str, Any]:
    """What a new entry says; what is as it would be anyway, or is said in other words, is left as it is."""
    fields: dict[str, Any] = {"slug": topic.slug, "title": topic.title}
    if topic.description:
        fields["description"] = topic.description
    if topic.match.strip():
        fields["match"] = _rule(topic.match)
    if topic.mode is not TopicMode.EVERY:
        fields["mode"] = topic.mode.value
    if topic.held is not None:
        fields["held"] = _held(topic.held, entry)
    if topic.daily_budget is not None:
        fields["daily_budget"] = topic.daily_budget
    if topic.default_on:
        fields["default_on"] = True
    return fields


def _held(held: Fallback, entry: CommentedMap | None) -> CommentedMap:
    before = entry.get("held") if entry else None
    if isinstance(before, CommentedMap):
        as_written = seconds_of(str(before.get("for"))) == held.for_s and before.get("then") == held.then.value
        if as_written:
            return before
    said = CommentedMap({"for": held.written, "then": held.then.value})
    said.fa.set_flow_style()
    return said


def _rule(match: str) -> str:
    text = str(plain(match))
    return LiteralScalarString(text) if "\n" in text or len(text) > LONGEST_ON_ONE_LINE else text
