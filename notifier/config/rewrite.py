"""Replaces an operators' file as a careful person would: comments and order stay, and nobody is overwritten.

Enters: a whole new text and the version that its editor started from. Leaves: the file, replaced in one step, or
Conflict where somebody else was quicker, or ConfigError where the text would be broken (nothing is written then). What
stands in the text is up to `edit` (topics) and `edit_feeds`.
"""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import FoldedScalarString, LiteralScalarString

from notifier.config.yaml_bounds import bounded_yaml
from notifier.errors import ConfigError, Conflict
from notifier.operators.change import Written


class RewrittenFile:
    """A YAML file that is read as text and replaced whole."""

    def __init__(self, path: Path, load: Callable[[Path], object]) -> None:
        """`load` raises ConfigError for a file that the service would not take."""
        self._path, self._load = path, load

    def read(self) -> Written:
        """The text as it stands."""
        return Written(self._path.read_text(encoding="utf-8"))

    def check(self, text: str) -> None:
        """Raises ConfigError where the service would not take `text`; nothing is written in the file's place."""
        with TemporaryDirectory() as folder:
            fresh = Path(folder) / self._path.name
            fresh.write_text(text, encoding="utf-8")
            self._check(fresh)

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
            self._load(fresh)
        except ConfigError as wrong:
            at = {"path": self._path, "line": wrong.line, "column": wrong.column}
            raise ConfigError(wrong.problem, fix=wrong.fix, **at) from wrong  # type: ignore[arg-type]


def parsed(text: str) -> Any:
    """The text as ruamel's round-trip tree."""
    return _yaml().load(text)


def printed(root: Any) -> str:
    """The tree as text: byte for byte what was parsed, where nobody changed it."""
    out = io.StringIO()
    _yaml().dump(root, out)
    return out.getvalue()


def change_entry(entry: CommentedMap, wanted: dict[str, Any], defaults: dict[str, Any]) -> None:
    """Touch only what differs, so that the rest keeps its quotes, its folding and its comments.

    `defaults` has every key that may be changed, with what it means where it is left out.
    """
    for key, default in defaults.items():
        if plain(entry.get(key, default)) == plain(wanted.get(key, default)):
            continue
        if key in wanted:
            entry[key] = wanted[key]
        else:
            _remove(entry, key)


def plain(value: Any) -> Any:
    """Blank ends and the kind of line break mean nothing in a rule; a browser's form changes both."""
    return "\n".join(line.rstrip() for line in value.strip().splitlines()) if isinstance(value, str) else value


def _yaml() -> YAML:
    """ruamel as it has to be so that a file that nobody changed comes out byte for byte."""
    yaml = bounded_yaml()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _remove(entry: CommentedMap, key: str) -> None:
    """Take a key out; the blank lines and comments behind it stay."""
    behind = entry.ca.items.pop(key, None)
    del entry[key]
    last = next(reversed(entry))
    if behind is not None and last not in entry.ca.items:
        if isinstance(entry[last], FoldedScalarString | LiteralScalarString):
            behind[2].value = behind[2].value.removeprefix("\n")  # a block has ended its line already
        entry.ca.items[last] = behind


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One saver at a time on this machine; an editor that knows nothing of it is noticed by the version."""
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
