"""Changes the operators' files as a careful person would: comments and order stay, and nobody is overwritten.

Enters: a topic and the text that its editor started from. Leaves: the file, replaced in one step, or Conflict where
somebody else was quicker, or ConfigError where the result would be broken (nothing is written then).
"""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import FoldedScalarString, LiteralScalarString

from notifier.config.files import load_topics
from notifier.errors import ConfigError, Conflict, NotFound
from notifier.operators.change import Written
from notifier.topics.topic import Topic, TopicMode

# A rule that is longer is written as a block, as a person would.
LONGEST_ON_ONE_LINE = 80


class TopicsFile:
    """config/topics.yaml, read and replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Written:
        """The text as it stands."""
        return Written(self._path.read_text(encoding="utf-8"))

    def topics(self) -> tuple[Topic, ...]:
        """The topics as the file has them now. Raises ConfigError."""
        return load_topics(self._path)

    def with_topic(self, text: str, topic: Topic) -> str:
        """The text with this topic in the place of the one with its slug, or at the end."""
        root = _yaml().load(text)
        entry = _entry(root, topic.slug)
        if entry is None:
            root["topics"].append(CommentedMap(_fields(topic)))
        else:
            _change(entry, topic)
        return _dump(root)

    def without_topic(self, text: str, slug: str) -> str:
        """The text without this topic. Raises NotFound."""
        root = _yaml().load(text)
        entry = _entry(root, slug)
        if entry is None:
            raise NotFound(f"there is no topic {slug}")
        root["topics"].remove(entry)
        return _dump(root)

    def replace(self, text: str, started_from: str) -> None:
        """Put `text` in the file's place. Raises Conflict if its version is not `started_from`, or ConfigError."""
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with _locked(self._path):
            if self.read().version != started_from:
                raise Conflict(f"{self._path.name} was changed by somebody else")
            try:
                fresh.write_text(text, encoding="utf-8")
                self._check(fresh)
                fresh.chmod(self._path.stat().st_mode & 0o777)
                fresh.replace(self._path)
            finally:
                fresh.unlink(missing_ok=True)

    def _check(self, fresh: Path) -> None:
        try:
            load_topics(fresh)
        except ConfigError as wrong:
            at = {"path": self._path, "line": wrong.line, "column": wrong.column}
            raise ConfigError(wrong.problem, fix=wrong.fix, **at) from wrong  # type: ignore[arg-type]


def _yaml() -> YAML:
    """ruamel as it has to be so that a file that nobody changed comes out byte for byte."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _dump(root: Any) -> str:
    out = io.StringIO()
    _yaml().dump(root, out)
    return out.getvalue()


def _entry(root: Any, slug: str) -> CommentedMap | None:
    return next((entry for entry in root["topics"] if entry.get("slug") == slug), None)


def _fields(topic: Topic) -> dict[str, Any]:
    """What a new entry says; what is as it would be anyway is left out."""
    fields: dict[str, Any] = {"slug": topic.slug, "title": topic.title}
    if topic.description:
        fields["description"] = topic.description
    if topic.match.strip():
        fields["match"] = _rule(topic.match)
    if topic.mode is not TopicMode.EVERY:
        fields["mode"] = topic.mode.value
    if topic.daily_budget is not None:
        fields["daily_budget"] = topic.daily_budget
    if topic.default_on:
        fields["default_on"] = True
    return fields


def _change(entry: CommentedMap, topic: Topic) -> None:
    """Touch only what differs, so that the rest keeps its quotes, its folding and its comments."""
    wanted = _fields(topic)
    defaults = {"description": "", "match": "", "mode": "every", "default_on": False}
    for key in ("title", "description", "match", "mode", "daily_budget", "default_on"):
        now, then = entry.get(key, defaults.get(key)), wanted.get(key, defaults.get(key))
        if _plain(now) == _plain(then):
            continue
        if key in wanted:
            entry[key] = wanted[key]
        else:
            _remove(entry, key)


def _remove(entry: CommentedMap, key: str) -> None:
    """Take a key out; the blank lines and comments behind it stay."""
    behind = entry.ca.items.pop(key, None)
    del entry[key]
    last = next(reversed(entry))
    if behind is not None and last not in entry.ca.items:
        if isinstance(entry[last], FoldedScalarString | LiteralScalarString):
            behind[2].value = behind[2].value.removeprefix("\n")  # a block has ended its line already
        entry.ca.items[last] = behind


def _plain(value: Any) -> Any:
    """Blank ends and the kind of line break mean nothing in a rule; a browser's form changes both."""
    return "\n".join(line.rstrip() for line in value.strip().splitlines()) if isinstance(value, str) else value


def _rule(match: str) -> str:
    text = str(_plain(match))
    return LiteralScalarString(text) if "\n" in text or len(text) > LONGEST_ON_ONE_LINE else text


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One saver at a time on this machine; an editor that knows nothing of it is noticed by the version."""
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
