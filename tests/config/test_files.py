"""The operators' files: what is read, and how each mistake is told."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.config.files import load_feeds, load_topics
from notifier.config.yaml_file import read_yaml
from notifier.errors import ConfigError
from notifier.topics.topic import TopicMode

SHIPPED = Path(__file__).parents[2] / "config"


def written(folder: Path, text: str) -> Path:
    path = folder / "file.yaml"
    path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def test_the_shipped_feeds_are_real_and_many() -> None:
    feeds = load_feeds(SHIPPED / "feeds.yaml")
    assert len(feeds) >= 15
    assert {"The Independent", "BBC", "The Guardian", "Al Jazeera", "NPR", "France 24", "DW", "Sky News"} <= {
        feed.publisher for feed in feeds
    }
    assert all(feed.url.startswith("https://") for feed in feeds)


def test_the_shipped_topics_are_those_that_people_expect() -> None:
    assert {topic.slug for topic in load_topics(SHIPPED / "topics.yaml")} >= {
        "breaking", "world", "uk", "us", "politics", "business", "technology", "science", "sport", "climate",
        "nato", "middle-east",
    }  # fmt: skip


def test_a_feed_has_its_publishers_name_unless_it_has_its_own(tmp_path: Path) -> None:
    (feed,) = load_feeds(
        written(
            tmp_path,
            """
            feeds:
              - url: https://news.example/rss
                publisher: The Example
                section: world
                poll_every_s: 90
            """,
        )
    )
    assert (feed.title, feed.section, feed.poll_every_s, feed.paused) == ("The Example", "world", 90.0, False)


def test_a_publisher_is_one_however_it_is_spelled(tmp_path: Path) -> None:
    names = ("BBC News", "bbc news", '"BBC  News "')
    entries = "".join(f"  - {{url: https://{n}.example/, publisher: {name}}}\n" for n, name in enumerate(names))
    assert {feed.publisher for feed in load_feeds(written(tmp_path, f"feeds:\n{entries}"))} == {"BBC News"}


def test_a_topic_that_takes_whatever_breaks_needs_no_match(tmp_path: Path) -> None:
    (topic,) = load_topics(written(tmp_path, "topics:\n  - {slug: breaking, title: Breaking, mode: breaking}\n"))
    assert (topic.mode, topic.match) == (TopicMode.BREAKING, "")


FEED_MISTAKES = [
    ("feeds:\n  - publisher: X\n", "`url` is missing", (2, 5)),
    ("feeds:\n  - url: ftp://x.example\n    publisher: X\n", "is not a web address", (2, 10)),
    ("feeds:\n  - url: https://me:pw@x.example\n    publisher: X\n", "password has no place", (2, 10)),
    ("feeds:\n  - url: https://x.example\n    publsher: X\n", "Did you mean `publisher`?", (3, 5)),
    ("feeds:\n  - url: https://x.example\n    publisher: 7\n", "should be text", (3, 16)),
    ("feeds:\n  - url: https://x.example\n    publisher: X\n    section: World News\n", "lower-case word", (4, 14)),
    ("feeds:\n  - url: https://x.example\n    publisher: X\n    poll_every_s: 0\n", "between 1 and", (4, 19)),
    ("feeds:\n  - url: https://x.example\n    publisher: X\n    paused: sometimes\n", "true or false", (4, 13)),
    ("feeds:\n  - {url: 'https://x.example', publisher: X}\n  - {url: 'https://x.example', publisher: Y}\n",
     "listed twice", (3, 11)),
    ("feeds:\n  - just text\n", "not a mapping", (2, 5)),
    ("feeds: none\n", "is not a list", (1, None)),
    ("feds:\n", "no `feeds:` list", (1, None)),
    ("feeds: [\n", "not YAML", (2, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words", "place"), FEED_MISTAKES, ids=[words for _, words, _ in FEED_MISTAKES])
def test_a_mistake_in_the_feeds_is_told_with_its_place(
    tmp_path: Path, text: str, words: str, place: tuple[int, int | None]
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as told:
        load_feeds(path)
    assert words in str(told.value)
    assert (told.value.path, told.value.line, told.value.column) == (path, *place)


TOPIC_MISTAKES = [
    ("topics:\n  - {slug: Middle East, title: X, match: x}\n", "cannot be a slug", (2, 12)),
    ("topics:\n  - {slug: a, title: X, match: x, mode: always}\n", "every, breaking, held", (2, 41)),
    ("topics:\n  - {slug: a, title: X}\n", "every story", (2, 5)),
    ("topics:\n  - {slug: a, title: X, match: x}\n  - {slug: a, title: Y, match: y}\n", "used twice", (3, 12)),
    ("topics: []\n", "at least one", (1, None)),
]


@pytest.mark.parametrize(("text", "words", "place"), TOPIC_MISTAKES, ids=[words for _, words, _ in TOPIC_MISTAKES])
def test_a_mistake_in_the_topics_is_told_with_its_place(
    tmp_path: Path, text: str, words: str, place: tuple[int, int | None]
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as told:
        load_topics(path)
    assert words in str(told.value)
    assert (told.value.path, told.value.line, told.value.column) == (path, *place)


def test_an_error_within_a_rule_stands_where_the_rule_does(tmp_path: Path) -> None:
    path = written(tmp_path, "topics:\n  - slug: a\n    title: A\n    match: nato AND (summit\n")
    with pytest.raises(ConfigError) as told:
        load_topics(path)
    assert (told.value.line, told.value.column) == (4, 12 + len("nato AND "))
    assert told.value.fix


def test_an_error_within_a_literal_block_names_the_blocks_line(tmp_path: Path) -> None:
    path = written(tmp_path, "topics:\n  - slug: a\n    title: A\n    match: |\n      nato\n      AND (summit\n")
    with pytest.raises(ConfigError) as told:
        load_topics(path)
    assert (told.value.line, told.value.column) == (6, 7 + len("AND "))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="NOTIFIER_CONFIG_DIR"):
        load_feeds(tmp_path / "nothing.yaml")


def test_a_file_that_is_no_text_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_feeds(path)


HOSTILE = [
    "feeds:\n  - url: \x01\n",
    "feeds:\n  - url: 2026-99-99\n",
    "feeds:\n  - url: !!int abc\n",
    "feeds:\n  - url: " + "9" * 5000 + "\n",
    "[" * 5000,
    "feeds:\n  - url: http://[\n    publisher: X\n",
    "feeds:\n  - {url: 'https://x.example', publisher: X, language: " + "a" * 100 + "}\n",
    "feeds:\n  - {url: 'https://x.example', publisher: ''}\n",
    "feeds:\n  - {url: 'https://x.example', publisher: X, headers_env: 'A B'}\n",
    "feeds:\n  - {url: 'https://x.example', publisher: X, title: ''}\n",
    "feeds:\n  - {url: 'https://x.example:99999', publisher: X}\n",
    "feeds:\n  - {url: 'https://x.example', publisher: \"\\uD800\"}\n",
    "feeds:\n  - {url: 'https://x.example', publisher: X, weight: " + "9" * 400 + "}\n",
    "x: &x {feeds: 3}\n<<: *x\n",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_is_in_the_file_the_answer_is_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        load_feeds(path)


@given(st.text(max_size=60))
def test_any_text_alone_is_a_value_or_a_mistake(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "alone.yaml"
    path.write_text(text, encoding="utf-8", errors="ignore")
    with suppress(ConfigError):
        read_yaml(path)


@given(st.text(max_size=60))
@example("&0")
def test_any_text_is_a_file_or_a_mistake(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(f"topics:\n  - slug: a\n    title: {text}\n    match: {text}\n", encoding="utf-8", errors="ignore")
    with suppress(ConfigError):
        assert load_topics(path)


def test_a_weight_of_nothing_is_kept(tmp_path: Path) -> None:
    (feed,) = load_feeds(written(tmp_path, "feeds:\n  - {url: 'https://x.example', publisher: X, weight: 0}\n"))
    assert feed.weight == 0.0


def test_a_rule_that_a_merge_brought_is_told_at_its_entry(tmp_path: Path) -> None:
    path = written(tmp_path, "x: &x {match: river AND}\ntopics:\n  - {<<: *x, slug: a, title: A}\n")
    with pytest.raises(ConfigError) as told:
        load_topics(path)
    assert told.value.line == 3


def test_a_control_character_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"U\+0001") as told:
        load_feeds(written(tmp_path, "feeds:\n  - url: \x01\n"))
    assert (told.value.line, told.value.column) == (2, 10)


@pytest.mark.parametrize("match", ["dam " + "NOT " * 20_000 + "x", "dam AND ("])
def test_a_rule_that_cannot_be_read_is_told_at_its_line(tmp_path: Path, match: str) -> None:
    with pytest.raises(ConfigError) as told:
        load_topics(written(tmp_path, f"topics:\n  - slug: a\n    title: A\n    match: {match}\n"))
    assert told.value.line == 4


def test_a_daily_budget_is_whole(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="whole number"):
        load_topics(written(tmp_path, "topics:\n  - {slug: a, title: A, match: a, daily_budget: 0.5}\n"))
