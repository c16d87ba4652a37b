"""Changes feeds.yaml: a feed and a text enter, the text with that feed in it leaves.

Next: `rewrite`, which puts it in the file's place. A feed is known by its address; a new address under an old entry is
a move, and the service keeps what it knows of the feed (feeds/moves.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from notifier.config.files import load_feeds
from notifier.config.rewrite import RewrittenFile, change_entry, parsed, printed
from notifier.errors import NotFound
from notifier.feeds.feed import FeedConfig

DEFAULTS: dict[str, Any] = {
    "url": None,
    "publisher": None,
    "title": None,
    "section": "general",
    "language": None,
    "poll_every_s": None,
    "headers_env": None,
    "weight": 1,
    "paused": False,
}


class FeedsFile(RewrittenFile):
    """config/feeds.yaml, read and replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, load_feeds)

    def feeds(self) -> tuple[FeedConfig, ...]:
        """The feeds as the file has them now. Raises ConfigError."""
        return load_feeds(self._path)

    def with_feed(self, text: str, feed: FeedConfig, was: str | None = None) -> str:
        """The text with this feed in the place of the one with the address `was`, or at the end. Raises NotFound."""
        if was is None:
            return self.with_feeds(text, [feed])
        root = parsed(text)
        entry = _entry(root, was)
        # A title that only repeats the publisher's name is left as the file has it.
        titled = DEFAULTS | {"title": entry.get("publisher")}
        change_entry(entry, _fields_of(feed) | ({"title": feed.title} if "title" in entry else {}), titled)
        return printed(root)

    def with_feeds(self, text: str, feeds: Sequence[FeedConfig]) -> str:
        """The text with these feeds at the end."""
        root = parsed(text)
        if not root.get("feeds"):
            root["feeds"] = CommentedSeq()
        root["feeds"].extend(CommentedMap(_fields_of(feed)) for feed in feeds)
        return printed(root)

    def without_feed(self, text: str, url: str) -> str:
        """The text without this feed. Raises NotFound."""
        root = parsed(text)
        root["feeds"].remove(_entry(root, url))
        return printed(root)


def _entry(root: Any, url: str) -> CommentedMap:
    found: CommentedMap | None = next((entry for entry in root.get("feeds") or () if entry.get("url") == url), None)
    if found is None:
        raise NotFound(f"feeds.yaml has no feed {url}")
    return found


def _fields_of(feed: FeedConfig) -> dict[str, Any]:
    """What a new entry says; what is as it would be anyway is left out."""
    fields: dict[str, Any] = {"url": feed.url, "publisher": feed.publisher}
    if feed.title != feed.publisher:
        fields["title"] = feed.title
    fields["section"] = feed.section
    if feed.language:
        fields["language"] = feed.language
    if feed.poll_every_s is not None:
        fields["poll_every_s"] = _number(feed.poll_every_s)
    if feed.headers_env:
        fields["headers_env"] = feed.headers_env
    if feed.weight != 1:
        fields["weight"] = _number(feed.weight)
    if feed.paused:
        fields["paused"] = True
    return fields


def _number(value: float) -> float:
    """Whole numbers without their point, as a person writes them."""
    return int(value) if value.is_integer() else value
