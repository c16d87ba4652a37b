"""The address that an operator types in, the feeds behind it out, with what the feed has just now.

Enters: the address of a site's page or of a feed. Leaves: `DiscoveredFeed`s, the first ones read, so that it is seen
before anything is saved what would come in, and what the feed would be called. Everything is fetched by the fetcher of
`fetch` (address guard, limits) and read in a process with limits (`workers`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from notifier.errors import NotFound
from notifier.feeds.feed import FeedConfig, FeedItem, ParsedFeed, Unreadable
from notifier.feeds.feed_links import FeedLink, find_feeds
from notifier.feeds.fetch import Fetcher, FetchRequest
from notifier.feeds.fetch_result import Fetched
from notifier.feeds.hosts import site_of
from notifier.feeds.publishers import PublishersBySite, named_by_title
from notifier.feeds.workers import Reader

READ, ITEMS = 6, 5
DEFAULT_SECTION = "general"
_WORD = re.compile(r"[a-z]{2,30}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DiscoveredFeed:
    """A feed that could be followed.

    `publisher`, `title` and `section` are what it would be called. `items` are its last ones, in its own order.
    `problem` says in words why it could not be read; `looked` is False where nobody tried.
    """

    url: str
    publisher: str
    title: str
    section: str = DEFAULT_SECTION
    format: str = ""
    language: str | None = None
    items: tuple[FeedItem, ...] = ()
    problem: str = ""
    looked: bool = True


class FeedDiscovery:
    """Finds the feeds of a site."""

    def __init__(self, fetcher: Fetcher, reader: Reader) -> None:
        self._fetcher, self._reader = fetcher, reader

    async def look(self, address: str, followed: Collection[FeedConfig] = ()) -> list[DiscoveredFeed]:
        """The feeds behind an address, never none; they are put into sections that `followed` feeds are in. Where feeds
        of the site are followed already, what is offered belongs to their publisher.

        Raises NotFound, with what happened and what to do, where there is none.
        """
        offers = await self._offers(address, {feed.section for feed in followed})
        # In a thread, as pages are read below: ten thousand feeds, or megabytes of markup, hold up no poll.
        publishers = await asyncio.to_thread(PublishersBySite, followed)
        return [replace(one, publisher=publishers.of(one.url) or one.publisher) for one in offers]

    async def _offers(self, address: str, sections: Collection[str]) -> list[DiscoveredFeed]:
        url = with_scheme(address)
        answer, parsed = await self._read(url)
        if isinstance(parsed, ParsedFeed):
            return [discovered(answer.url, parsed, sections)]
        found = await asyncio.to_thread(find_feeds, answer.body, answer.url)
        named = [feed for feed in found if feed.url != answer.url]
        if not named:
            raise NotFound(
                f"{url} is no feed and names none. Look on the site for “RSS” or “Feeds”, and give that address"
            )
        read = await asyncio.gather(*(self._offer(feed, sections) for feed in named[:READ]))
        rest = [_unread(feed, sections) for feed in named[READ:]]
        # Those that work come first; otherwise the page's own order.
        return sorted([*read, *rest], key=lambda offer: bool(offer.problem))

    async def _offer(self, found: FeedLink, sections: Collection[str]) -> DiscoveredFeed:
        try:
            answer, parsed = await self._read(found.url)
        except NotFound as wrong:
            return _unread(found, sections, str(wrong))
        if isinstance(parsed, Unreadable):
            return _unread(found, sections, parsed.reason)
        return discovered(answer.url, parsed, sections, found.title)

    async def _read(self, url: str) -> tuple[Fetched, ParsedFeed | Unreadable]:
        answer = await self._fetcher.fetch(FetchRequest(url))
        if not isinstance(answer, Fetched):
            raise NotFound(getattr(answer, "reason", f"{url} has no feed any more"))
        return answer, await self._reader.read(answer.body, content_type=answer.content_type, url=answer.url)


def with_scheme(address: str) -> str:
    """What a person types into a browser's address bar is an address too."""
    text = address.strip()
    return text if _SCHEME.match(text) and "://" in text else f"https://{text}"


def discovered(url: str, parsed: ParsedFeed, sections: Collection[str] = (), page_title: str = "") -> DiscoveredFeed:
    """What a feed that was read would be called: by its own title, which mostly begins with the publisher's name."""
    title = (parsed.title or page_title).strip() or site_of(url)
    section = section_of(url, title, sections)
    return DiscoveredFeed(
        url, named_by_title(title), title, section, parsed.format, parsed.language, parsed.items[:ITEMS]
    )


def section_of(url: str, title: str, sections: Collection[str]) -> str:
    """The first of the known sections that the address or the title names."""
    words = _WORD.findall(f"{urlsplit(url).path} {title}".lower())
    return next((word for word in words if word in sections), DEFAULT_SECTION)


def _unread(found: FeedLink, sections: Collection[str], problem: str = "") -> DiscoveredFeed:
    title = found.title or site_of(found.url)
    section = section_of(found.url, title, sections)
    return DiscoveredFeed(
        found.url, site_of(found.url), title, section, found.format, problem=problem, looked=bool(problem)
    )
