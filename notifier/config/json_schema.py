"""The operators' files as JSON Schema (draft 2020-12), so that editors complete keys and underline mistakes.

Made from the same `keys` that the service checks entries by; `notifier check --schema` prints them, config/schema/ has
them. What a schema cannot say (a rule's grammar, a slug used twice) `notifier check` says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from notifier.config.keys import FEED_KEYS, TOPIC_KEYS, AnyKey, Flag, Group, Key, Number
from notifier.topics.topic import TopicMode

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ADDRESS = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]"
WITH_PASSWORD = r"^[^/]*//[^/?#]*:[^/?#@]+@"  # noqa: S105 - a pattern


class SchemaFile(StrEnum):
    """A file that has a schema."""

    FEEDS = "feeds"
    TOPICS = "topics"


def json_schema(file: SchemaFile) -> dict[str, Any]:
    """The schema of a file."""
    keys = {SchemaFile.FEEDS: FEED_KEYS, SchemaFile.TOPICS: TOPIC_KEYS}[file]
    entry = _entry(keys)
    if file is SchemaFile.TOPICS:
        entry |= {"allOf": [_rule_unless_breaking(), _held_only()]}
    else:
        entry["properties"]["url"] |= {"pattern": ADDRESS, "not": {"pattern": WITH_PASSWORD}}
    entries = {"type": "array", "items": entry}
    return {
        "$schema": DIALECT,
        "title": f"{file.value}.yaml of Notifier",
        "type": "object",
        "required": [file.value],
        "properties": {file.value: entries | ({"minItems": 1} if file is SchemaFile.TOPICS else {})},
    }


def schema_text(file: SchemaFile) -> str:
    """The schema as config/schema/ has it."""
    return json.dumps(json_schema(file), indent=2, ensure_ascii=False) + "\n"


def _entry(keys: Mapping[str, AnyKey]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, key in keys.items() if isinstance(key, Key) and key.required],
        "properties": {name: {"description": key.says} | _value(key) for name, key in keys.items()},
    }


def _value(key: AnyKey) -> dict[str, Any]:
    """A key without a value (`title:`) says nothing, as if it were left out: hence null."""
    if isinstance(key, Group):
        group = _entry(key.keys)
        del group["type"]
        return {"type": ["object", "null"], **group}
    if isinstance(key, Flag):
        return {"type": ["boolean", "null"], "default": False}
    if isinstance(key, Number):
        kind = "integer" if key.whole else "number"
        bounds = {"minimum": key.least, "maximum": key.most}
        return {"type": [kind, "null"], **bounds, "examples": [key.example]}
    return {"type": "string" if key.required else ["string", "null"], "examples": [key.example]} | _text(key)


def _text(key: Key) -> dict[str, Any]:
    if key.choices:
        return {"enum": list(key.choices) if key.required else [*key.choices, None]}
    form = rf"(?:{key.form.pattern})" if key.form else ""
    if key.blank:
        return {"pattern": f"^{form}?$"} if form else {}
    return {"pattern": f"^{form}$" if form else r"\S"}


def _held_only() -> dict[str, Any]:
    """What becomes of a held alert is said for held topics only; saying it makes a topic one."""
    said = {"required": ["held"], "properties": {"held": {"type": "object"}}}
    held = {"properties": {"mode": {"enum": [TopicMode.HELD.value, None]}}}
    return {"if": said, "then": held}


def _rule_unless_breaking() -> dict[str, Any]:
    """A topic without a rule would take every story: only `breaking` may be without."""
    breaking = {"required": ["mode"], "properties": {"mode": {"const": TopicMode.BREAKING.value}}}
    rule = {"required": ["match"], "properties": {"match": {"type": "string", "pattern": r"\S"}}}
    return {"if": {"not": breaking}, "then": rule}
