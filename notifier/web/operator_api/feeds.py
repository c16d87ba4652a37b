"""Feeds for programs: how each does; add one by its site's address, change, pause or remove it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field, StringConstraints

from notifier.feeds.feed import FeedConfig
from notifier.feeds.health import FeedHealth
from notifier.operations.actor import Actor
from notifier.operations.operations import Operations
from notifier.web.bodies import Id
from notifier.web.operator_api.access import CHANGED, ROUTER, Reads, WritesFeeds
from notifier.web.operator_api.shapes import PRINTABLE, Line, Named, RequestBody, ResponseBody, Version
from notifier.web.services import Operating

LAST_ITEMS = 20

router = APIRouter(**ROUTER)
Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), PRINTABLE]


class FeedFields(RequestBody):
    """A feed as it is to be (docs/feeds.md). What is left out is as it is for a new feed."""

    url: Url = Field(examples=["https://news.example/world/rss"])
    publisher: Named = Field(
        description="Who speaks: feeds of one publisher count as one source", examples=["The Harbour Post"]
    )
    title: Line | None = Field(None, description="A name for tables; left out: the publisher's")
    section: Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9-]{0,30}$")] = Field("general", examples=["world"])
    language: Annotated[str, StringConstraints(pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$")] | None = Field(
        None, examples=["en"], description="Left out: found out from the feed"
    )
    poll_every_s: float | None = Field(None, ge=1, le=86_400, description="Left out: the feed's own rhythm decides")
    paused: bool = Field(False, description="Not asked at all")
    weight: float = Field(1.0, ge=0, le=10, description="How much its word counts towards breaking")


class FeedWrite(FeedFields):
    """A feed to write into the file."""

    version: Version


class FeedShown(ResponseBody):
    """A feed as the file has it, and how it does."""

    id: int | None = Field(description="Null until the service has taken it up, a second or two")
    url: str
    publisher: str
    title: str
    section: str
    language: str | None
    poll_every_s: float | None
    paused: bool
    weight: float
    state: str | None = Field(description="new, ok, quiet, failing or retired; null while it is not followed")
    error: str | None = Field(description="What is wrong, and what to do")
    notes: list[str]
    pace: str | None = Field(description="How often it is asked, and why")
    last_success_at: AwareDatetime | None
    last_change_at: AwareDatetime | None
    next_poll_at: AwareDatetime | None


class Feeds(ResponseBody):
    """The feeds in the order of the file. Where it is broken, those in force, and `problem` says what to mend."""

    version: str = Field(description="To name in a write")
    feeds: list[FeedShown]
    problem: str | None


class FeedItemShown(ResponseBody):
    """An item that a feed brought."""

    title: str
    url: str
    published_at: AwareDatetime | None
    story: int | None
    why_not: str | None = Field(description="Why it could not alert, where it could not")


class FeedNow(ResponseBody):
    """One feed, the version of the file that it was read from, and its last items."""

    version: str
    feed: FeedShown
    items: list[FeedItemShown]


class FeedWritten(ResponseBody):
    """The feed as it was written; the service takes it up within two seconds."""

    version: str
    feed: FeedShown


class Site(RequestBody):
    """The address of a site's page, or of a feed."""

    address: Url = Field(examples=["news.example"])


class FeedFound(ResponseBody):
    """A feed that could be followed."""

    url: str
    publisher: str
    title: str
    section: str
    format: str
    language: str | None
    headlines: list[str] = Field(description="Its last items")
    problem: str = Field(description="Why it could not be read; empty where it could")


@router.get("/feeds")
def list_feeds(actor: Reads, operations: Operating) -> Feeds:
    """Every feed of the file, and how it does."""
    listed, ids, health = operations.feeds.listed(), operations.feeds.archive.ids(), _health(operations)
    feeds = [_shown(feed, ids.get(feed.url), health.get(feed.url)) for feed in listed.entries]
    return Feeds(version=listed.version, feeds=feeds, problem=listed.problem or None)


@router.post("/feeds/find")
async def find_feeds(site: Site, actor: WritesFeeds, operations: Operating) -> list[FeedFound]:
    """The feeds behind an address, read once, the best first. Nothing is written. 404 where there is none."""
    offers = await operations.feeds.discover(actor, site.address)
    return [FeedFound.of(offer, headlines=[item.title or "" for item in offer.items]) for offer in offers]


@router.post("/feeds", status_code=201, responses=CHANGED)
def add_feed(body: FeedWrite, actor: WritesFeeds, operations: Operating) -> FeedWritten:
    """Add a feed at the end of the file."""
    return _write(body, None, actor, operations)


@router.get("/feeds/{feed_id}", responses=CHANGED)
def show_feed(feed_id: Id, actor: Reads, operations: Operating) -> FeedNow:
    """One feed and its last items. 409 where the file has a mistake."""
    feed, items = operations.feeds.by_id(feed_id), operations.feeds.archive.items(feed_id, LAST_ITEMS)
    return FeedNow(
        version=operations.feeds.listed().version,
        feed=_shown(feed, feed_id, _health(operations).get(feed.url)),
        items=[FeedItemShown.of(item, story=item.story_id) for item in items],
    )


@router.put("/feeds/{feed_id}", responses=CHANGED)
def write_feed(feed_id: Id, body: FeedWrite, actor: WritesFeeds, operations: Operating) -> FeedWritten:
    """Change a feed: pause it, name it, move it to another address. Comments and order of the file stay."""
    return _write(body, operations.feeds.by_id(feed_id).url, actor, operations)


@router.delete("/feeds/{feed_id}", status_code=204, responses=CHANGED)
def remove_feed(feed_id: Id, version: Annotated[Version, Query()], actor: WritesFeeds, operations: Operating) -> None:
    """Take a feed out of the file; what it brought is kept."""
    operations.feeds.remove(actor, operations.feeds.by_id(feed_id).url, version)


def _write(body: FeedWrite, was: str | None, actor: Actor, operations: Operations) -> FeedWritten:
    feed = FeedConfig(**body.model_dump(exclude={"version", "title"}), title=body.title or body.publisher)
    saved = operations.feeds.save(actor, feed, was, body.version)
    known = operations.feeds.archive.ids()
    return FeedWritten(version=saved.after.version, feed=_shown(feed, known.get(feed.url), None))


def _health(operations: Operations) -> Mapping[str, FeedHealth]:
    return {health.url: health for health in operations.feeds.health()}


def _shown(feed: FeedConfig, feed_id: int | None, health: FeedHealth | None) -> FeedShown:
    """A feed with its health, of which a paused one has only what came before."""
    shown = health if health is not None and not feed.paused else None
    return FeedShown.of(
        feed,
        id=feed_id,
        state=shown.state.value if shown else None,
        error=shown.error if shown else None,
        notes=list(shown.notes) if shown else [],
        pace=shown.pace if shown else None,
        last_success_at=health.last_success_at if health else None,
        last_change_at=health.last_change_at if health else None,
        next_poll_at=shown.next_poll_at if shown else None,
    )
