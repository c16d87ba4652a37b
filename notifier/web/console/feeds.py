"""Feeds: how each one is, what it brought, and changes of the list; feeds.yaml is the truth.

A change goes through two pages, as for topics: what is to be, then the lines of the file that it changes, with the
version of the file that it started from. A pause is one word in the file, and is made with one click.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from notifier.errors import ConfigError, Conflict, EntryInvalid, NotFound
from notifier.feeds.feed import FeedConfig
from notifier.feeds.survey import Offer
from notifier.operators.change import difference
from notifier.text.spans import span
from notifier.web.bodies import Id
from notifier.web.console.access import CHANGES, Editor, Session, Viewer
from notifier.web.console.changes import FEEDS, keep
from notifier.web.console.feed_fields import STATES, FeedFields, feed_fields, feed_rows
from notifier.web.console.page import page
from notifier.web.console.services import Console, ConsoleServices
from notifier.web.services import Services

ITEMS = 40
NONE_KNOWN: Mapping[str, FeedConfig] = MappingProxyType({})
ADDED, CHANGED, REMOVED = "added", "changed", "removed"
Edited = Annotated[FeedFields, Depends(feed_fields)]
Flag = Annotated[bool, Form()]

router = APIRouter(prefix="/console/feeds", include_in_schema=False, max_body_size=32 * 1024)


@router.get("")
def feeds(
    request: Request, session: Viewer, console: Console, services: Services, state: str = "", saved: str = ""
) -> Response:
    """Each feed of the file with its health, those that need attention first; `state` keeps those in it."""
    rows = feed_rows(_feeds(console), console.feeds(), console.archive.ids())
    return page(
        request,
        "feeds.html",
        session,
        here="feeds",
        rows=[row for row in rows if state in ("", row.state)],
        total=len(rows),
        counts=Counter(row.state for row in rows),
        states=STATES,
        state=state,
        saved=saved,
        complaints=console.complaints(),
        now=services.clock(),
        span=span,
    )


@router.get("/add")
def add(request: Request, session: Editor) -> Response:
    """The form that asks for an address."""
    return _found(request, session)


@router.post("/find", dependencies=CHANGES)
async def find(
    request: Request, session: Editor, console: Console, services: Services, site: Annotated[str, Form(max_length=2000)]
) -> Response:
    """The feeds behind an address, with what they have just now."""
    known = {feed.url: feed for feed in await run_in_threadpool(_feeds, console)}
    try:
        offers = await console.find_feeds(site, {feed.section for feed in known.values()})
    except NotFound as problem:
        return _found(request, session, site, problem=str(problem), status=422)
    found = [(offer, FeedFields(offer.url, offer.publisher, offer.title, offer.section)) for offer in offers]
    return _found(request, session, site, offers=found, known=known, now=services.clock())


@router.post("/check", dependencies=CHANGES)
def check(request: Request, session: Editor, edited: Edited, console: Console, remove: Flag = False) -> Response:
    """Before anything is written: the lines of the file that change."""
    return _check(request, session, console, edited, remove=remove)


@router.post("/save", dependencies=CHANGES)
def save(
    request: Request,
    session: Editor,
    edited: Edited,
    started_from: Annotated[str, Form(max_length=64)],
    console: Console,
    remove: Flag = False,
) -> Response:
    """Write the file, unless somebody else did since the page before was made."""
    text = console.feeds_file.read()
    try:
        what, after = _edit(console, text.text, edited, remove=remove)
        console.feeds_file.replace(after, started_from)
    except Conflict:
        return _check(request, session, console, edited, remove=remove, overtaken=True)
    except ConfigError as wrong:  # the page before has shown it; whoever sends it all the same is told again
        raise EntryInvalid(wrong) from wrong
    keep(console, session, FEEDS, what, text.text, after)
    return RedirectResponse(f"/console/feeds?saved={REMOVED if remove else CHANGED if edited.was else ADDED}", 303)


@router.get("/{feed_id}")
def one(feed_id: Id, request: Request, session: Viewer, console: Console, services: Services) -> Response:
    """One feed: how it is, what to do about it, and its last items."""
    record = console.archive.record(feed_id)
    listed = next((feed for feed in _feeds(console) if feed.url == record.url), None)
    health = next((one for one in console.feeds() if one.feed_id == feed_id), None)
    return page(
        request,
        "feed.html",
        session,
        here="feeds",
        record=record,
        feed=listed,
        health=health,
        edited=FeedFields.of(listed) if listed else None,
        sections=_sections(_feeds(console)),
        items=console.archive.items(feed_id, ITEMS),
        states=STATES,
        now=services.clock(),
        span=span,
    )


@router.post("/{feed_id}/pause", dependencies=CHANGES)
def pause(feed_id: Id, session: Editor, console: Console, paused: Flag = False) -> Response:
    """Ask a feed no more for a while (`paused`), or again. What it brought stays."""
    url = console.archive.record(feed_id).url
    feed = _find(console, url)
    text = console.feeds_file.read()
    after = console.feeds_file.with_feed(text.text, replace(feed, paused=paused), url)
    console.feeds_file.replace(after, text.version)
    keep(console, session, FEEDS, f"{'Paused' if paused else 'Resumed'} {feed.title}", text.text, after)
    return RedirectResponse(f"/console/feeds/{feed_id}", 303)


def _check(
    request: Request,
    session: Session,
    console: ConsoleServices,
    edited: FeedFields,
    *,
    remove: bool,
    overtaken: bool = False,
) -> Response:
    text = console.feeds_file.read()
    lines: Sequence[str] = ()
    problem = ""
    try:
        what, after = _edit(console, text.text, edited, remove=remove)
        console.feeds_file.check(after)
        lines = difference(text.text, after)
    except ConfigError as wrong:
        what, problem = "This cannot be saved", f"{wrong.problem}. {wrong.fix}" if wrong.fix else wrong.problem
    return page(
        request,
        "feed-check.html",
        session,
        status=422 if problem else 409 if overtaken else 200,
        here="feeds",
        edited=edited,
        feed_id=console.archive.ids().get(edited.was),
        remove=remove,
        moved=bool(edited.was) and edited.was != edited.url.strip(),
        what=what,
        problem=problem,
        lines=lines,
        version=text.version,
        overtaken=overtaken,
        newest=next((change for change in console.changes.recent(50) if change.file == FEEDS), None),
        sections=_sections(_feeds(console)),
    )


def _edit(console: ConsoleServices, text: str, edited: FeedFields, *, remove: bool) -> tuple[str, str]:
    """What is done, in words, and the file's text with it. Raises ConfigError and NotFound."""
    before = _find(console, edited.was) if edited.was else None
    if before is not None and remove:
        return f"Removed {before.title}", console.feeds_file.without_feed(text, before.url)
    feed = edited.config(before)
    if not feed.publisher:
        raise ConfigError("the publisher has no name", fix="Write who speaks: stories count publishers")
    moved = before is not None and before.url != feed.url
    words = "Moved" if moved else "Changed" if before else "Added"
    return f"{words} {feed.title}", console.feeds_file.with_feed(text, feed, before.url if before else None)


def _found(
    request: Request,
    session: Session,
    address: str = "",
    *,
    status: int = 200,
    problem: str = "",
    offers: Sequence[tuple[Offer, FeedFields]] = (),
    known: Mapping[str, FeedConfig] = NONE_KNOWN,
    now: datetime | None = None,
) -> Response:
    return page(
        request,
        "feed-add.html",
        session,
        status=status,
        here="feeds",
        address=address,
        problem=problem,
        offers=offers,
        known=known,
        sections=_sections(known.values()),
        now=now,
    )


def _feeds(console: ConsoleServices) -> Sequence[FeedConfig]:
    """The file's feeds; none where it is broken, which the page says."""
    try:
        return console.feeds_file.feeds()
    except ConfigError:
        return ()


def _find(console: ConsoleServices, url: str) -> FeedConfig:
    found = next((feed for feed in _feeds(console) if feed.url == url), None)
    if found is None:
        raise NotFound(f"feeds.yaml has no feed {url} any more")
    return found


def _sections(feeds: Iterable[FeedConfig]) -> list[str]:
    return sorted({feed.section for feed in feeds})
