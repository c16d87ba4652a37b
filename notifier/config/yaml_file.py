"""Reads an operator's YAML so that every complaint can point at a line: the tool under `files.py`.

Enters: a path. Leaves: `YamlEntry`s, mappings that know where each of their values stands.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from notifier.config.keys import AnyKey, Flag, Group, Number
from notifier.config.yaml_bounds import MOST_CHARACTERS, bounded_yaml
from notifier.errors import ConfigError

Value = TypeVar("Value")

QUOTE_FIX = "Look at the indentation, and put text with `: ` or `#` in quotes"
TYPE_WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True, slots=True)
class YamlEntry:
    """One mapping of a list, with its place in the file."""

    path: Path
    fields: CommentedMap

    def text(self, key: str, default: str | None = None) -> str:
        """The text under `key`. Raises ConfigError where it is no text, or is missing and has no default.

        Empty text is taken only where the default is empty too.
        """
        value = self._get(key, str, default)
        if default != "" and not value.strip():
            raise self.error(f"`{key}` is empty", fix=f"Write {TYPE_WORDS[str]}", key=key)
        return value

    def optional_text(self, key: str) -> str | None:
        """The text under `key`, or None."""
        return self._get(key, str, "") or None

    def flag(self, key: str) -> bool:
        """The true or false under `key`."""
        return self._get(key, bool, False)

    def optional_number(self, key: str, least: float, most: float) -> float | None:
        """The number under `key` between `least` and `most`, or None."""
        if self.fields.get(key) is None:
            return None
        value = self._get(key, float, None)
        if not least <= value <= most:
            raise self.error(f"{key} is {value:g}", fix=f"Give a number between {least:g} and {most:g}", key=key)
        return value

    def values(self, keys: Mapping[str, AnyKey]) -> dict[str, Any]:
        """What the entry says under each key, None where it says nothing (False for a flag).

        Raises ConfigError at the first key that is not known, or whose value is not as `keys` describe it.
        """
        self.only(keys)
        return {name: self._value(name, key) for name, key in keys.items()}

    def group(self, name: str, key: Group) -> dict[str, Any] | None:
        """What the mapping under `name` says, or None. Raises ConfigError."""
        below = self.fields.get(name)
        if below is None:
            return None
        if not isinstance(below, CommentedMap):
            example = ", ".join(f"{inner}: {key.keys[inner].example}" for inner in key.keys)
            raise self.error(f"`{name}` is not a mapping", fix=f"For example: {name}: {{{example}}}", key=name)
        return YamlEntry(self.path, below).values(key.keys)

    def _value(self, name: str, key: AnyKey) -> Any:
        if isinstance(key, Group):
            return self.group(name, key)
        if isinstance(key, Flag):
            return self.flag(name)
        if isinstance(key, Number):
            number = self.optional_number(name, key.least, key.most)
            if key.whole and number is not None and not number.is_integer():
                raise self.error(f"{name} is {number:g}", fix="Give a whole number", key=name)
            return number
        if key.blank or self.fields.get(name) is not None or key.required:
            value = self.optional_text(name) if key.blank else self.text(name)
        else:
            value = None
        fits = (key.form is None or key.form.fullmatch(value or "")) and (not key.choices or value in key.choices)
        if value is not None and not fits:
            raise self.error(key.wrong.format(key=name, value=value[:60]), fix=key.fix, key=name)
        return value

    def error(self, problem: str, *, fix: str = "", key: str | None = None) -> ConfigError:
        """A ConfigError at `key`'s value, or at the entry's start."""
        row, col = self.place(key)
        return ConfigError(problem, fix=fix, path=self.path, line=row, column=col)

    def place(self, key: str | None = None) -> tuple[int, int]:
        """Line and column, from 1, of a key's value, of a key without a value, or of the entry."""
        row, col = self.fields.lc.line, self.fields.lc.col
        if key is not None and key in self.fields:
            with suppress(KeyError):  # a key that a merge (`<<:`) brought has no place of its own here
                row, col = self.fields.lc.value(key)
        return row + 1, col + 1

    def only(self, known: Collection[str]) -> None:
        """Raises ConfigError at the first key that is not known, with the nearest that is."""
        for key in self.fields:
            if key in known:
                continue
            near = difflib.get_close_matches(str(key), known, n=1)
            fix = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(sorted(known))}"
            row, col = self.fields.lc.line, self.fields.lc.col
            with suppress(KeyError):
                row, col = self.fields.lc.key(key)
            raise ConfigError(f"unknown key `{key}`", fix=fix, path=self.path, line=row + 1, column=col + 1)

    def _get(self, key: str, kind: type[Value], default: Value | None) -> Value:
        value = self.fields.get(key)
        if value is None:
            if default is None:
                raise self.error(f"`{key}` is missing", fix=f"Add `{key}:` with {TYPE_WORDS[kind]}")
            return default
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            try:
                value = float(value)
            except OverflowError as huge:
                raise self.error(f"`{key}` is too large a number", fix="Write it with fewer digits", key=key) from huge
        if not isinstance(value, kind):
            quote = ' (put it in quotes: "…")' if kind is str else ""
            raise self.error(f"`{key}` should be {TYPE_WORDS[kind]}{quote}", key=key)
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            # Half of a UTF-16 pair, as JSON escapes it: no database takes it, and no page could be encoded with it.
            raise self.error(f"`{key}` has half a character in it", fix="Write the character itself", key=key)
        # ruamel gives subclasses that remember how they were written.
        return kind(value)  # type: ignore[call-arg]


def read_entries(path: Path, name: str) -> Iterator[YamlEntry]:
    """The mappings of the list under the top-level key `name`.

    Raises ConfigError where the file is missing, is no YAML, or has another shape.
    """
    root = read_yaml(path)
    example = f"Start the file with `{name}:` and indent each entry with a dash below it"
    if not isinstance(root, CommentedMap) or name not in root:
        raise ConfigError(f"there is no `{name}:` list", fix=example, path=path, line=1)
    entries = root[name]
    if not isinstance(entries, CommentedSeq):
        line = YamlEntry(path, root).place(name)[0]
        raise ConfigError(f"`{name}` is not a list", fix=example, path=path, line=line)
    for index, fields in enumerate(entries):
        if not isinstance(fields, CommentedMap):
            line, column = entries.lc.item(index)
            raise ConfigError(
                "an entry is not a mapping",
                fix="Write `- key: value` lines",
                path=path,
                line=line + 1,
                column=column + 1,
            )
        yield YamlEntry(path, fields)


def read_yaml(path: Path) -> Any:
    """The document with its comments and places. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise ConfigError(
            "the file does not exist", fix="Set NOTIFIER_CONFIG_DIR, or put it back", path=path
        ) from missing
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ConfigError(
            f"the file cannot be read: {unreadable}", fix="Save it as UTF-8 text", path=path
        ) from unreadable
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(f"the file has more than {MOST_CHARACTERS:,} characters", fix="Make it shorter", path=path)
    try:
        return bounded_yaml().load(text)
    except MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        raise ConfigError(
            f"this is not YAML: {broken.problem or broken.context}",
            fix=QUOTE_FIX,
            path=path,
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
        ) from broken
    except ReaderError as broken:
        before = text[: broken.position]
        raise ConfigError(
            f"the character U+{broken.character:04X} cannot stand in YAML",
            fix="Take it out, or write it as an escape in double quotes",
            path=path,
            line=before.count("\n") + 1,
            column=len(before) - before.rfind("\n"),
        ) from broken
    except (YAMLError, ValueError, RecursionError) as broken:
        # A date that is none, a number of a thousand digits, brackets without end.
        why = " ".join(str(broken).split())[:200] or type(broken).__name__
        raise ConfigError(f"this cannot be read as YAML: {why}", fix=QUOTE_FIX, path=path) from broken
