"""What stands behind the address that an operator types in: feeds with their items, or a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from threading import current_thread

import pytest

from notifier.errors import NotFound
from notifier.feeds.discovery import DiscoveredFeed, FeedDiscovery, section_of, with_scheme
from notifier.feeds.feed import FeedConfig, FeedItem, ParsedFeed, Unreadable
from notifier.feeds.fetch import Fetcher, FetchRequest
from notifier.feeds.fetch_result import FailureKind, Fetched, FetchFailed, FetchResult
from notifier.feeds.workers import Reader

SITE = "https://post.example/"
PAGE = b"""<html><head>
<link rel="alternate" type="application/rss+xml" href="/broken.xml" title="Broken">
<link rel="alternate" type="application/rss+xml" href="/world/rss.xml" title="World">
</head></html>"""
ITEMS = tuple(FeedItem(str(n), f"https://post.example/{n}", f"Story {n}") for n in range(9))
WORLD = ParsedFeed("The Harbour Post | World", ITEMS, "rss20", language="en")


class Web(Fetcher):
    """A fetcher without a net: answers with what was put under each address."""

    def __init__(self, bodies: Mapping[str, bytes | ParsedFeed | str]) -> None:
        self.bodies = bodies
        self.asked: list[str] = []

    async def fetch(self, request: FetchRequest) -> FetchResult:
        self.asked.append(request.url)
        body = self.bodies.get(request.url, "HTTP 404. Look for the feed's new address")
        if isinstance(body, str):
            return FetchFailed(body, FailureKind.SERVER)
        return Fetched(url=request.url, body=body if isinstance(body, bytes) else b"<rss/>")


class Pages(Reader):
    """A reader without processes: what was put under each address; a page is not a feed."""

    def __init__(self, bodies: Mapping[str, bytes | ParsedFeed | str]) -> None:
        self._bodies = bodies

    async def read(
        self, body: bytes, *, content_type: str | None, url: str, known: Collection[bytes] = ()
    ) -> ParsedFeed | Unreadable:
        found = self._bodies[url]
        return found if isinstance(found, ParsedFeed) else Unreadable("This is a page for people")


def discovery(web: Web) -> FeedDiscovery:
    return FeedDiscovery(web, Pages(web.bodies))


def look(web: Web, address: str, *sections: str) -> list[DiscoveredFeed]:
    followed = [FeedConfig(f"https://other.example/{section}", "Other", "Other", section) for section in sections]
    return asyncio.run(discovery(web).look(address, followed))


def test_a_sites_page_leads_to_its_feeds_those_that_work_first() -> None:
    web = Web({SITE: PAGE, f"{SITE}world/rss.xml": WORLD})

    world, broken = look(web, SITE, "world", "sport")

    assert (world.publisher, world.title, world.section) == ("The Harbour Post", "The Harbour Post | World", "world")
    assert [item.title for item in world.items] == [f"Story {n}" for n in range(5)]
    assert (broken.url, broken.problem) == (f"{SITE}broken.xml", "HTTP 404. Look for the feed's new address")


def test_another_feed_of_a_site_that_is_followed_is_its_publishers() -> None:
    web = Web({SITE: PAGE, f"{SITE}world/rss.xml": WORLD})
    followed = [FeedConfig("https://feeds.post.example/uk", "Post, UK", "The Post", "uk")]
    offers = asyncio.run(discovery(web).look(SITE, followed))
    assert {offer.publisher for offer in offers} == {"The Post"}


def test_a_feeds_own_address_is_taken_as_it_is() -> None:
    (offer,) = look(Web({f"{SITE}rss": WORLD}), f"{SITE}rss")

    assert (offer.url, offer.section, offer.language) == (f"{SITE}rss", "general", "en")


@pytest.mark.parametrize(
    ("bodies", "said"),
    [({SITE: b"<html></html>"}, "is no feed and names none"), ({SITE: "HTTP 403. It does not let us in"}, "HTTP 403")],
)
def test_where_there_is_none_a_sentence_says_why(bodies: dict[str, bytes | ParsedFeed | str], said: str) -> None:
    with pytest.raises(NotFound, match=said):
        look(Web(bodies), SITE)


def test_only_the_first_feeds_of_a_page_are_read() -> None:
    links = "".join(f'<link rel="alternate" type="application/rss+xml" href="/{n}.xml">' for n in range(12))
    web = Web({SITE: f"<html><head>{links}</head></html>".encode()})

    offers = look(web, SITE)

    assert len(web.asked) == 1 + 6
    assert [offer.looked for offer in offers].count(False) == 6


def test_an_address_as_people_type_it() -> None:
    assert with_scheme(" post.example/news ") == "https://post.example/news"
    assert with_scheme("http://post.example") == "http://post.example"
    assert with_scheme("localhost:8000/x") == "https://localhost:8000/x"


def test_a_section_is_only_one_that_is_in_use() -> None:
    assert section_of("https://a.example/business/rss", "A: World", ["world", "uk"]) == "world"
    assert section_of("https://a.example/rss", "A", ["world"]) == "general"


class Followed(list[FeedConfig]):
    """Tells in which thread it is gone through."""

    threads: set[str]

    def __iter__(self) -> Iterator[FeedConfig]:
        self.threads.add(current_thread().name)
        return super().__iter__()


def test_however_many_feeds_are_followed_the_loop_does_not_wait_while_they_are_compared() -> None:
    followed = Followed([FeedConfig("https://other.example/rss", "Other", "Other", "world")])
    followed.threads = set()
    web = Web({SITE: PAGE, f"{SITE}world/rss.xml": WORLD})

    async def run() -> set[str]:
        sections_are_read_in = {current_thread().name}
        await discovery(web).look(SITE, followed)
        return followed.threads - sections_are_read_in

    assert len(asyncio.run(run())) == 1
