"""A recording through the real deciders, by its own clock: what would have been alerted, and why.

Enters: lines of a recording (JSON objects with `first_seen`, `source`, `category`, `title`, `link`, `published`,
`summary`, `lang`). Leaves: each decision as it would have been taken. No network, no push, no wall clock; the service's
own `Decider` decides, so a replay shows what the service does. `group_stream` does the same for the grouping alone.
"""

from __future__ import annotations

import gzip
import html
import itertools
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nh3
import orjson

from notifier.alerts.alert import NewAlert
from notifier.alerts.decide import Drop, Hold, Send, Verdict
from notifier.alerts.decider import Decider
from notifier.errors import ConfigError
from notifier.feeds.dates import parse
from notifier.stories.canonical import canonical_url
from notifier.stories.cluster import Grouper
from notifier.stories.story import Story, StoryItem

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Lines whose `ds` is this are the world in which every other set is grouped.
BACKGROUND = "distractor"


@dataclass(frozen=True, slots=True)
class Decision:
    """One verdict at its moment, with the story as it stood. `links` are those of the story's members then."""

    at: datetime
    story: Story
    verdict: Verdict
    links: tuple[str, ...]

    @property
    def alert(self) -> NewAlert | None:
        """What was sent or held, if anything."""
        return self.verdict.alert if isinstance(self.verdict, Send | Hold) else None

    def as_json(self) -> dict[str, Any]:
        """The line that `notifier replay --json` prints for an alert."""
        if isinstance(self.verdict, Drop):
            kind, title = self.verdict.code, self.story.lead.title
        else:
            kind, title = self.verdict.alert.kind.value, self.verdict.alert.message.title
        return {
            "at": self.at.isoformat(),
            "story": self.story.id,
            "kind": kind,
            "links": list(self.links),
            "title": title,
        }


def read_recording(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a recording, plain or gzipped, in its order. Raises ConfigError where it is none."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            yield from (recorded(line, number, path) for number, line in enumerate(lines, 1))
    except (EOFError, zlib.error, gzip.BadGzipFile) as broken:
        raise ConfigError("the file is no whole gzip archive", fix="Copy it again", path=path) from broken


def recorded(line: bytes, number: int, path: Path | None = None) -> dict[str, Any]:
    """One line of a recording. Raises ConfigError where it has no `first_seen`, in whole seconds since 1970."""
    try:
        found: Any = orjson.loads(line)
        _ = EPOCH + timedelta(seconds=int(found["first_seen"]))
    except (ValueError, TypeError, KeyError, OverflowError) as wrong:
        fix = "A recording has one JSON object a line, each with `first_seen` in seconds"
        raise ConfigError("the line is not one of a recording", fix=fix, path=path, line=number) from wrong
    return dict(found)


def polls(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[datetime, list[Mapping[str, Any]]]]:
    """The lines of each poll together, with its time."""
    for seen, together in itertools.groupby(lines, key=lambda line: int(line["first_seen"])):
        yield EPOCH + timedelta(seconds=seen), list(together)


class RecordedItems:
    """Gives recorded lines the ids and versions that the database would have given them.

    A source's first poll is its backlog: nothing in it may alert.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], int] = {}
        self._first_seen: dict[int, datetime] = {}
        self._versions: defaultdict[int, int] = defaultdict(int)
        self._first_poll: dict[str, datetime] = {}
        self._backlog: set[int] = set()

    def item(self, line: Mapping[str, Any], at: datetime) -> StoryItem:
        """The line as an item seen at `at`."""
        source, url = str(line.get("source") or ""), str(line.get("link") or "")
        key = (source, url or str(line.get("title")))
        item_id = self._ids.setdefault(key, len(self._ids) + 1)
        self._versions[item_id] += 1
        if self._first_poll.setdefault(source, at) == at:
            self._backlog.add(item_id)
        return StoryItem(
            id=item_id,
            feed_id=0,
            publisher=source,
            section=str(line.get("category") or ""),
            url=url,
            canonical_url=canonical_url(url) if url else "",
            title=_clean(line.get("title")),
            summary=_clean(line.get("summary")),
            seen_at=at,
            published_at=parse(str(line.get("published") or "")),
            language=line.get("lang"),
            version=self._versions[item_id],
            may_alert=item_id not in self._backlog,
            first_seen_at=self._first_seen.setdefault(item_id, at),
        )


def replay(lines: Iterable[Mapping[str, Any]], decider: Decider) -> Iterator[tuple[datetime, Sequence[Decision]]]:
    """Each poll's time and the decisions that it led to; drops too, since they say why nothing was sent."""
    recorder = RecordedItems()
    links: dict[int, str] = {}
    for at, together in polls(lines):
        newest = {item.id: item for item in (recorder.item(line, at) for line in together)}
        links.update((item.id, item.url) for item in newest.values())
        result = decider.take(list(newest.values()), at)
        stories = {story.id: story for story in result.stories}
        yield at, [_decision(at, verdict, stories, links) for verdict in result.verdicts]


def _decision(at: datetime, verdict: Verdict, stories: Mapping[int, Story], links: Mapping[int, str]) -> Decision:
    story = stories[verdict.story_id if isinstance(verdict, Drop) else verdict.alert.story_id]
    return Decision(at, story, verdict, tuple(links[i] for i in story.item_ids if i in links))


def group_stream(lines: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """`{"cluster": name}` for each line, in order, by the service's grouping and shipped thresholds.

    A line has `title`, `summary`, `source`, `link`, `t`. Each value of `ds` is a world of its own beside the lines
    whose `ds` is "distractor"; lines without `ds` are one world. A line without a time was seen when the stream had
    got to it.
    """
    rows = list(lines)
    background = [i for i, row in enumerate(rows) if row.get("ds") == BACKGROUND]
    cluster = _group(rows, background, set())
    for world in dict.fromkeys(str(row.get("ds", "")) for row in rows if row.get("ds") != BACKGROUND):
        own = [i for i, row in enumerate(rows) if str(row.get("ds", "")) == world]
        # The background is decided first in every world, so its stories have the same ids in all of them.
        shared = {cluster[i] for i in background}
        grouped = _group(rows, background + own, shared, world)
        cluster |= {i: grouped[i] for i in own}
    yield from ({"cluster": cluster[i]} for i in range(len(rows)))


def _group(
    rows: Sequence[Mapping[str, Any]],
    order: Sequence[int],
    shared: set[str],
    world: str = "",
) -> dict[int, str]:
    """The cluster's name of each row; names of `shared` clusters are kept as they are, others carry their world."""
    grouper, found = Grouper(), {}
    for i, (item, _) in zip(order, line_items([rows[i] for i in order]), strict=True):
        (grouping,) = grouper.place([item])
        name = str(grouping.story_id)
        found[i] = name if not world or name in shared else f"{world}:{name}"
    return found


def line_items(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[StoryItem, Mapping[str, Any]]]:
    """Lines to group as items, each with its line. One without a time was seen when the stream had got to it."""
    now = EPOCH
    for i, line in enumerate(lines, start=1):
        at = parse(str(line.get("t") or ""))
        now = max(now, at) if at else now
        yield _line_item(i, line, at, now), line


def _line_item(item_id: int, line: Mapping[str, Any], at: datetime | None, now: datetime) -> StoryItem:
    url = str(line.get("link") or "")
    return StoryItem(
        id=item_id,
        feed_id=0,
        publisher=str(line.get("source") or ""),
        section="",
        url=url,
        canonical_url=canonical_url(url) if url else "",
        title=_clean(line.get("title")),
        summary=_clean(line.get("summary")),
        seen_at=now,
        published_at=at,
    )


def _clean(text: Any) -> str:
    """Text without markup and entities, whitespace collapsed; uncut, as the labels were given (not feeds/markup)."""
    return " ".join(html.unescape(nh3.clean(str(text or ""), tags=set())).split())
