"""Feeds: what operators do with them, on whichever surface; feeds.yaml is the truth.

Enters: a feed as it is to be, another reader's list, and who asks. Leaves: `FileEdit`, `Imported`, offers; or a refusal
of `errors.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from notifier.errors import ConfigError, EntryInvalid, FileBroken, NotFound
from notifier.feeds.archive import FeedArchive
from notifier.feeds.discovery import DiscoveredFeed
from notifier.feeds.feed import FeedConfig, Unreadable
from notifier.feeds.health import FeedHealth
from notifier.feeds.opml import from_opml
from notifier.operations.actor import Actor
from notifier.operations.files import FileEdit, Listed, OperatorsFile, RecordedFile, Verb
from notifier.operators.token import TokenScope

Finder = Callable[[str], Awaitable[Sequence[DiscoveredFeed]]]
"""Looks behind an address. Raises NotFound with what to do."""


class EditableFeedsFile(OperatorsFile, Protocol):
    """config/feeds.yaml."""

    def feeds(self) -> tuple[FeedConfig, ...]:
        """The feeds that the text says. Raises ConfigError."""

    def with_feed(self, text: str, feed: FeedConfig, was: str | None = None) -> str:
        """The text with this feed in the place of the one with the address `was`, or at the end. Raises NotFound."""

    def with_feeds(self, text: str, feeds: Sequence[FeedConfig]) -> str:
        """The text with these feeds at the end."""

    def without_feed(self, text: str, url: str) -> str:
        """The text without this feed. Raises NotFound."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of another reader's list: feeds that were added, and how many were there already."""

    added: Sequence[FeedConfig]
    known: int


@dataclass(frozen=True, slots=True)
class FeedOperations:
    """Each verb on feeds, once. `in_force` are the feeds that are followed now."""

    file: EditableFeedsFile
    recorded: RecordedFile
    in_force: Callable[[], Sequence[FeedConfig]]
    archive: FeedArchive
    health: Callable[[], Sequence[FeedHealth]]
    finder: Finder

    def listed(self) -> Listed[FeedConfig]:
        """All feeds."""
        return self.recorded.listed(self.file.feeds, self.in_force)

    def find(self, url: str) -> FeedConfig:
        """The feed of the file with this address. Raises NotFound, or FileBroken."""
        found = self._known().get(url)
        if found is None:
            raise NotFound(f"feeds.yaml has no feed {url}")
        return found

    def by_id(self, feed_id: int) -> FeedConfig:
        """The feed of the file that the service knows by this id. Raises NotFound, or FileBroken."""
        return self.find(self.archive.record(feed_id).url)

    async def discover(self, actor: Actor, address: str) -> Sequence[DiscoveredFeed]:
        """The feeds behind an address, read once, the best first; nothing is written. Raises NotFound."""
        actor.need(TokenScope.FEEDS)
        return await self.finder(address)

    def plan(self, feed: FeedConfig, was: str | None = None) -> FileEdit:
        """What `save` would change in the file. Raises what it raises."""
        return self.recorded.plan(lambda text: self._with(text, feed, was))

    def save(self, actor: Actor, feed: FeedConfig, was: str | None = None, started_from: str | None = None) -> FileEdit:
        """Add a feed, or change the one with the address `was`: name it, pause it, move it to another address.

        Raises NotFound, EntryInvalid, FileBroken, Overtaken, ScopeMissing or RoleTooLow.
        """
        return self.recorded.write(actor, lambda text: self._with(text, feed, was), started_from)

    def pause(self, actor: Actor, url: str, *, paused: bool) -> FileEdit:
        """Ask a feed no more for a while, or again; what it brought stays. Raises as `save`."""
        return self.recorded.write(actor, lambda text: self._with(text, replace(self.find(url), paused=paused), url))

    def plan_removal(self, url: str) -> FileEdit:
        """What `remove` would change in the file. Raises what it raises."""
        return self.recorded.plan(lambda text: self._without(text, url))

    def remove(self, actor: Actor, url: str, started_from: str | None = None) -> FileEdit:
        """Take a feed out of the file; what it brought is kept. Raises as `save`."""
        return self.recorded.write(actor, lambda text: self._without(text, url), started_from)

    def bring(self, actor: Actor, document: bytes) -> Imported:
        """Add the feeds of an OPML file; what is there already stays as it is. Raises as `save`."""
        imported = Imported((), 0)

        def with_all(text: str) -> tuple[Verb, str, str]:
            nonlocal imported
            known = self._known()
            found = from_opml(document, known.values())
            if isinstance(found, Unreadable):
                raise EntryInvalid(found.reason.rstrip("."), "Export it from the other reader anew")
            fresh = [feed for feed in found if feed.url not in known]
            imported = Imported(fresh, len(found) - len(fresh))
            name = f"{len(fresh)} feed{'' if len(fresh) == 1 else 's'}"
            return Verb.IMPORTED, name, self.file.with_feeds(text, fresh) if fresh else text

        self.recorded.write(actor, with_all)
        return imported

    def _with(self, text: str, feed: FeedConfig, was: str | None) -> tuple[Verb, str, str]:
        before = self.find(was) if was is not None else None
        if not feed.publisher:
            raise EntryInvalid("the publisher has no name", "Write who speaks: stories count publishers")
        if before is None:
            self._known()
            return Verb.ADDED, feed.title, self.file.with_feed(text, feed)
        # The variable with a feed's headers is named in the file itself only: it leads to secrets.
        feed = replace(feed, headers_env=before.headers_env)
        return _verb(before, feed), feed.title, self.file.with_feed(text, feed, was)

    def _without(self, text: str, url: str) -> tuple[Verb, str, str]:
        return Verb.REMOVED, self.find(url).title, self.file.without_feed(text, url)

    def _known(self) -> Mapping[str, FeedConfig]:
        try:
            return {feed.url: feed for feed in self.file.feeds()}
        except ConfigError as broken:
            raise FileBroken(broken) from broken


def _verb(before: FeedConfig, after: FeedConfig) -> Verb:
    """How the record of changes calls a change of a feed."""
    if before.url != after.url:
        return Verb.MOVED
    if replace(before, paused=after.paused) != after or before.paused == after.paused:
        return Verb.CHANGED
    return Verb.PAUSED if after.paused else Verb.RESUMED
