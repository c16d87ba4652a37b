"""The published JSON Schemas: current, and of one mind with what reads the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from notifier.config.files import load_feeds, load_topics
from notifier.config.json_schema import SchemaFile, json_schema, schema_text
from notifier.errors import ConfigError
from tests.examples import examples

CONFIG = Path(__file__).parents[2] / "config"
LOAD = {SchemaFile.FEEDS: load_feeds, SchemaFile.TOPICS: load_topics}
VALIDATORS = {file: jsonschema_rs.validator_for(json_schema(file)) for file in SchemaFile}
FILES = pytest.mark.parametrize("file", list(SchemaFile))

FEED = {"url": "https://news.example/rss", "publisher": "The Example"}
TOPIC = {"slug": "ships", "title": "Ships", "match": "ferry"}
TEXTS = [
    "World",
    "world",
    "en",
    "pt-BR",
    "",
    " ",
    "every",
    "breaking",
    "held",
    "7",
    "EXAMPLE_HEADERS",
    "über",
    "x" * 70,
]
ADDRESSES = [
    "https://news.example/rss",
    "HTTP://news.example",
    "ftp://news.example",
    "https://",
    "https://me:pw@news.example/",
    "https://me@news.example/a:b@c",
    "news.example",
]
NUMBERS = [0, 1, 5.0, 1.5, -1, 10, 11, 1000, 1001, 86_400, 90_000]
ANYTHING: st.SearchStrategy[Any] = st.sampled_from([None, True, False, *NUMBERS, [], {}, *TEXTS])


def ours(file: SchemaFile, root: Any, folder: Path) -> bool:
    """Whether the service takes the file."""
    path = folder / f"{file.value}.yaml"
    path.write_text(json.dumps(root), encoding="utf-8")  # JSON is YAML
    try:
        LOAD[file](path)
    except ConfigError:
        return False
    return True


@FILES
def test_the_published_schema_is_current(file: SchemaFile) -> None:
    published = (CONFIG / "schema" / f"{file.value}.json").read_text(encoding="utf-8")

    assert published == schema_text(file), "notifier check --schema prints what belongs there"


@FILES
def test_the_shipped_file_names_its_schema_and_fits_it(file: SchemaFile) -> None:
    text = (CONFIG / f"{file.value}.yaml").read_text(encoding="utf-8")

    assert text.startswith(f"# yaml-language-server: $schema=schema/{file.value}.json\n")
    errors = [error.message for error in VALIDATORS[file].iter_errors(YAML(typ="safe").load(text))]
    assert errors == []


@FILES
def test_every_key_is_explained_with_an_example_that_is_right(file: SchemaFile, tmp_path: Path) -> None:
    entry = json_schema(file)["properties"][file.value]["items"]
    examples = {name: key["examples"][0] for name, key in entry["properties"].items() if "examples" in key}

    assert all(key["description"] for key in entry["properties"].values())
    assert ours(file, {file.value: [examples]}, tmp_path)
    assert VALIDATORS[file].is_valid({file.value: [examples]})


MISTAKES: list[tuple[SchemaFile, Any]] = [
    (SchemaFile.FEEDS, {}),
    (SchemaFile.FEEDS, []),
    (SchemaFile.FEEDS, {"feeds": None}),
    (SchemaFile.FEEDS, {"feeds": ["just text"]}),
    (SchemaFile.FEEDS, {"feeds": [{"publisher": "X"}]}),
    (SchemaFile.FEEDS, {"feeds": [FEED | {"publsher": "X"}]}),
    (SchemaFile.FEEDS, {"feeds": [FEED | {"poll_every_s": 0}]}),
    (SchemaFile.FEEDS, {"feeds": [FEED | {"weight": "heavy"}]}),
    (SchemaFile.FEEDS, {"feeds": [FEED | {"paused": "yes"}]}),
    (SchemaFile.FEEDS, {"feeds": [FEED | {"section": "World News"}]}),
    (SchemaFile.TOPICS, {"topics": []}),
    (SchemaFile.TOPICS, {"topics": [TOPIC | {"slug": "Middle East"}]}),
    (SchemaFile.TOPICS, {"topics": [TOPIC | {"mode": "sometimes"}]}),
    (SchemaFile.TOPICS, {"topics": [TOPIC | {"daily_budget": 1.5}]}),
    (SchemaFile.TOPICS, {"topics": [{"slug": "all", "title": "All"}]}),
    (SchemaFile.TOPICS, {"topics": [{"slug": "all", "title": "All", "mode": "held", "match": " "}]}),
    (SchemaFile.TOPICS, {"topics": [TOPIC | {"default_on": 1}]}),
]


@pytest.mark.parametrize(("file", "root"), MISTAKES)
def test_a_mistake_is_one_for_both(file: SchemaFile, root: Any, tmp_path: Path) -> None:
    assert (ours(file, root, tmp_path), VALIDATORS[file].is_valid(root)) == (False, False)


def entries(file: SchemaFile) -> st.SearchStrategy[dict[str, Any]]:
    """Entries that are right but for some keys, which have anything, or are not there."""
    names = list(json_schema(file)["properties"][file.value]["items"]["properties"])
    whole = FEED if file is SchemaFile.FEEDS else TOPIC
    values = {name: ANYTHING for name in names if name != "match"} | {"slug": st.sampled_from(["a", "A", "a_b", "9-"])}
    if file is SchemaFile.FEEDS:
        values = {name: value for name, value in values.items() if name != "slug"}
        values["url"] = st.sampled_from(ADDRESSES)
    else:
        values["match"] = st.sampled_from(["ferry", "", " ", None])  # a rule's grammar is beyond a schema
    changed = st.fixed_dictionaries({}, optional=values)
    return st.builds(
        lambda change, dropped: {k: v for k, v in (whole | change).items() if k not in dropped},
        changed,
        st.sets(st.sampled_from(names), max_size=1),
    )


@FILES
@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
@example(data=None)
def test_schema_and_service_are_of_one_mind(file: SchemaFile, data: Any, tmp_path: Path) -> None:
    root = {file.value: [FEED if file is SchemaFile.FEEDS else TOPIC] if data is None else [data.draw(entries(file))]}

    assert VALIDATORS[file].is_valid(root) == ours(file, root, tmp_path), root
