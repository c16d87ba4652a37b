"""Feeds: how each one is, what it brought, and changes of the list; feeds.yaml is the truth.

A change goes through two pages, as for topics: what is to be, then the lines of the file that it changes, with the
version of the file that it started from. A pause is one word in the file, and is made with one click.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from notifier.errors import EntryInvalid, NotFound
from notifier.feeds.discovery import DiscoveredFeed
from notifier.feeds.feed import FeedConfig
from notifier.operations.files import FileEdit, Overtaken
from notifier.operations.operations import Operations
from notifier.text.spans import span
from notifier.web.bodies import Id
from notifier.web.console.access import CHANGES, Editor, Session, Viewer
from notifier.web.console.feed_form import FeedForm, feed_fields
from notifier.web.console.feed_list import STATES, feed_rows
from notifier.web.console.page import page
from notifier.web.services import Operating, Services

ITEMS = 40
NONE_KNOWN: Mapping[str, FeedConfig] = MappingProxyType({})
ADDED, CHANGED, REMOVED = "added", "changed", "removed"
Edited = Annotated[FeedForm, Depends(feed_fields)]
Flag = Annotated[bool, Form()]

router = APIRouter(prefix="/console/feeds", include_in_schema=False, max_body_size=32 * 1024)


@router.get("")
def feeds(
    request: Request, session: Viewer, operations: Operating, services: Services, state: str = "", saved: str = ""
) -> Response:
    """Each feed of the file with its health, those that need attention first; `state` keeps those in it."""
    rows = feed_rows(operations.feeds.listed().entries, operations.feeds.health(), operations.feeds.archive.ids())
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
        complaints=operations.complaints(),
        now=services.clock(),
        span=span,
    )


@router.get("/add")
def add(request: Request, session: Editor) -> Response:
    """The form that asks for an address."""
    return _found(request, session)


@router.post("/find", dependencies=CHANGES)
async def find(
    request: Request,
    session: Editor,
    operations: Operating,
    services: Services,
    site: Annotated[str, Form(max_length=2000)],
) -> Response:
    """The feeds behind an address, with what they have just now."""
    try:
        offers = await operations.feeds.discover(session.actor, site)
    except NotFound as problem:
        return _found(request, session, site, problem=str(problem), status=422)
    listed = await run_in_threadpool(operations.feeds.listed)
    found = [(offer, FeedForm(offer.url, offer.publisher, offer.title, offer.section)) for offer in offers]
    known = {feed.url: feed for feed in listed.entries}
    return _found(request, session, site, offers=found, known=known, now=services.clock())


@router.post("/check", dependencies=CHANGES)
def check(request: Request, session: Editor, edited: Edited, operations: Operating, remove: Flag = False) -> Response:
    """Before anything is written: the lines of the file that change."""
    planned, problem = None, ""
    try:
        was = edited.was or None
        planned = (
            operations.feeds.plan_removal(edited.was)
            if remove
            else operations.feeds.plan(_feed(operations, edited), was)
        )
    except EntryInvalid as wrong:
        problem = wrong.sentence
    return _check(request, session, operations, edited, planned, remove=remove, problem=problem)


@router.post("/save", dependencies=CHANGES)
def save(
    request: Request,
    session: Editor,
    edited: Edited,
    started_from: Annotated[str, Form(max_length=64)],
    operations: Operating,
    remove: Flag = False,
) -> Response:
    """Write the file, unless somebody else did since the page before was made."""
    try:
        if remove:
            operations.feeds.remove(session.actor, edited.was, started_from)
        else:
            operations.feeds.save(session.actor, _feed(operations, edited), edited.was or None, started_from)
    except Overtaken as quicker:
        return _check(request, session, operations, edited, quicker.edit, remove=remove, overtaken=True)
    return RedirectResponse(f"/console/feeds?saved={REMOVED if remove else CHANGED if edited.was else ADDED}", 303)


@router.get("/{feed_id}")
def one(feed_id: Id, request: Request, session: Viewer, operations: Operating, services: Services) -> Response:
    """One feed: how it is, what to do about it, and its last items."""
    record = operations.feeds.archive.record(feed_id)
    feeds = operations.feeds.listed().entries
    listed = next((feed for feed in feeds if feed.url == record.url), None)
    return page(
        request,
        "feed.html",
        session,
        here="feeds",
        record=record,
        feed=listed,
        health=next((one for one in operations.feeds.health() if one.feed_id == feed_id), None),
        edited=FeedForm.of(listed) if listed else None,
        sections=_sections(feeds),
        items=operations.feeds.archive.items(feed_id, ITEMS),
        states=STATES,
        now=services.clock(),
        span=span,
    )


@router.post("/{feed_id}/pause", dependencies=CHANGES)
def pause(feed_id: Id, session: Editor, operations: Operating, paused: Flag = False) -> Response:
    """Ask a feed no more for a while (`paused`), or again. What it brought stays."""
    operations.feeds.pause(session.actor, operations.feeds.by_id(feed_id).url, paused=paused)
    return RedirectResponse(f"/console/feeds/{feed_id}", 303)


def _feed(operations: Operations, edited: FeedForm) -> FeedConfig:
    """What goes into the file. Raises EntryInvalid, NotFound or FileBroken."""
    return edited.config(operations.feeds.find(edited.was) if edited.was else None)


def _check(
    request: Request,
    session: Session,
    operations: Operations,
    edited: FeedForm,
    planned: FileEdit | None,
    *,
    remove: bool,
    overtaken: bool = False,
    problem: str = "",
) -> Response:
    return page(
        request,
        "feed-check.html",
        session,
        status=422 if problem else 409 if overtaken else 200,
        here="feeds",
        edited=edited,
        feed_id=operations.feeds.archive.ids().get(edited.was),
        remove=remove,
        moved=bool(edited.was) and edited.was != edited.url.strip(),
        what=planned.what if planned else "This cannot be saved",
        problem=problem,
        lines=planned.lines if planned else (),
        version=planned.before.version if planned else "",
        overtaken=overtaken,
        newest=operations.feeds.recorded.newest(),
        sections=_sections(operations.feeds.listed().entries),
    )


def _found(
    request: Request,
    session: Session,
    address: str = "",
    *,
    status: int = 200,
    problem: str = "",
    offers: Sequence[tuple[DiscoveredFeed, FeedForm]] = (),
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


def _sections(feeds: Iterable[FeedConfig]) -> list[str]:
    return sorted({feed.section for feed in feeds})
