"""The console's edits of feeds.yaml: comments and order stay, and nothing is written that was not asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from notifier.config.edit_feeds import FeedsFile
from notifier.config.files import load_feeds
from notifier.errors import ConfigError, Conflict, NotFound
from notifier.feeds.feed import FeedConfig
from notifier.operators.change import difference

SHIPPED = Path(__file__).parents[2] / "config" / "feeds.yaml"
POST, GAZETTE = "https://post.example/rss", "https://gazette.example/feed"
TEXT = f"""\
# Whom we follow.
feeds:
  # --- the coast
  - url: {POST}   # since the spring
    publisher: "The Harbour Post"
    section: world
    poll_every_s: 60

  - url: {GAZETTE}
    publisher: Gazette
    title: Gazette, the hills
    section: uk
# the end
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "feeds.yaml"
    path.write_text(TEXT)
    return path


def changed(after: str) -> list[str]:
    return [line for line in difference(TEXT, after) if line[0] in "+-"]


def test_every_shipped_feed_put_back_as_it_is_changes_no_byte() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    file = FeedsFile(SHIPPED)

    for feed in load_feeds(SHIPPED):
        assert file.with_feed(text, feed, feed.url) == text, feed.url


def test_a_pause_is_one_line_and_so_is_its_end(path: Path) -> None:
    file = FeedsFile(path)
    post, _ = file.feeds()

    paused = file.with_feed(TEXT, replace(post, paused=True), POST)

    assert changed(paused) == ["+    paused: true"]
    assert file.with_feed(paused, post, POST) == TEXT


def test_a_feed_that_moves_keeps_its_place_and_its_comment(path: Path) -> None:
    post, _ = load_feeds(path)
    new = "https://post.example/all"

    after = FeedsFile(path).with_feed(TEXT, replace(post, url=new), POST)

    assert changed(after) == [f"-  - url: {POST}   # since the spring", f"+  - url: {new}   # since the spring"]


def test_what_is_as_it_would_be_anyway_is_not_written(path: Path) -> None:
    file = FeedsFile(path)
    new = FeedConfig("https://quay.example/rss", "The Quay", "The Quay", "general", language="en", weight=2.0)

    file.replace(file.with_feed(TEXT, new), file.read().version)

    assert file.feeds()[-1] == new
    assert changed(path.read_text()) == [
        "+  - url: https://quay.example/rss",
        "+    publisher: The Quay",
        "+    section: general",
        "+    language: en",
        "+    weight: 2",
    ]


def test_text_that_means_something_to_yaml_stays_text(path: Path) -> None:
    file = FeedsFile(path)
    odd = FeedConfig("https://odd.example/rss", "no: # [1]", "2024", "world")

    file.replace(file.with_feed(TEXT, odd), file.read().version)

    assert file.feeds()[-1] == odd


def test_the_first_feed_of_an_empty_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_text("# None yet.\nfeeds: []\n")
    file = FeedsFile(tmp_path / "feeds.yaml")
    new = FeedConfig(POST, "Post", "Post", "world")

    file.replace(file.with_feed(file.read().text, new), file.read().version)

    assert file.feeds() == (new,)


def test_a_feed_is_taken_out_and_the_rest_stays(path: Path) -> None:
    file = FeedsFile(path)

    after = file.without_feed(TEXT, POST)

    assert POST not in after
    assert "Gazette, the hills" in after
    with pytest.raises(NotFound):
        file.without_feed(after, POST)


def test_nobody_is_overwritten_and_nothing_broken_is_written(path: Path) -> None:
    file = FeedsFile(path)
    version = file.read().version

    with pytest.raises(ConfigError):
        file.replace(TEXT.replace(GAZETTE, POST), version)
    path.write_text(TEXT + "# by hand\n")
    with pytest.raises(Conflict):
        file.replace(TEXT, version)

    assert path.read_text() == TEXT + "# by hand\n"
