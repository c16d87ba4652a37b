"""Stories for programs: what came in, what came of it and why; and an operator's override on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from notifier.alerts.evidence_json import evidence_to_json
from notifier.alerts.story_store import StoryReport
from notifier.operations.operations import Operations
from notifier.operations.stories import with_words
from notifier.web.bodies import LARGEST_ID, Id
from notifier.web.operator_api.access import CHANGED, ROUTER, Reads, WritesStories
from notifier.web.operator_api.shapes import PAGE, Cursor, Limit, Page, RequestBody, ResponseBody, cursor_of, places_of
from notifier.web.services import Operating

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

router = APIRouter(**ROUTER)


class Choice(StrEnum):
    """What an operator says of a whole story: no alert, or its alerts wait for an editor."""

    NEVER = "never"
    HOLD = "hold"


class Why(ResponseBody):
    """Why a story was alerted, or was not."""

    code: str = Field(description="Stable", examples=["no-topic"])
    words: str = Field(examples=["No topic matches it."])
    evidence: dict[str, Any] = Field(description="The figures behind it; more may be added")


class StoryShown(ResponseBody):
    """One event as outlets tell it."""

    id: int
    headline: str = Field(examples=["Ferry aground off the harbour"])
    summary: str
    url: str
    publisher: str = Field(description="Whose words these are")
    publishers: list[str] = Field(description="All who have it, in the order in which they came")
    section: str = Field(examples=["world"])
    language: str | None
    published_at: AwareDatetime | None
    seen_at: AwareDatetime
    updated_at: AwareDatetime
    state: str = Field(description="new, update, correction (alerted), held, or dropped", examples=["dropped"])
    choice: Choice | None = Field(description="What an operator said of it: never alert it, or hold its alerts")
    chosen_by: str | None
    why: Why


class ItemShown(ResponseBody):
    """An item of a story, and why it is in it."""

    id: int
    headline: str
    url: str
    publisher: str
    seen_at: AwareDatetime
    signal: str = Field(description="new, url, headline, wire, event, operator", examples=["event"])
    evidence: dict[str, Any]


class StoryInFull(StoryShown):
    """A story with its items."""

    items: list[ItemShown] = Field(description="In the order in which they came; of more than 256 the first and last")


class ChoiceToMake(RequestBody):
    """An operator's override on a story."""

    choice: Choice = Field(strict=False)


class OtherStory(RequestBody):
    """The story that tells the same event."""

    story: int = Field(ge=1, le=LARGEST_ID, examples=[18])


class RulingMade(ResponseBody):
    """The decider carries it out within a second or two."""

    ruling: int = Field(description="To undo it")


class RulingShown(ResponseBody):
    """What an operator called the same story, or not."""

    id: int
    same: bool
    headlines: list[str] = Field(description="Of a split, the first is the one that was taken out")
    items: list[int]
    by: str
    at: AwareDatetime
    undone_at: AwareDatetime | None
    undone_by: str | None


@router.get("/stories")
def list_stories(
    actor: Reads,
    operations: Operating,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    q: Annotated[str, Query(max_length=200, description="Only those whose headline has all of these words")] = "",
) -> Page[StoryShown]:
    """The stories that changed last. With `q` a page may have fewer than `limit`, or none, and still have a `next`."""
    before = None
    if (places := places_of(cursor, 2)) is not None:
        before = (EPOCH + places[0] * MICROSECOND, places[1])
    found = operations.stories.book.stories(limit, before)
    more = len(found) == limit
    return Page(
        items=[StoryShown.of(report, **_words(report)) for report in with_words(found, q)],
        next=cursor_of((found[-1].updated_at - EPOCH) // MICROSECOND, found[-1].id) if more else None,
    )


@router.get("/stories/{story_id}")
def show_story(story_id: Id, actor: Reads, operations: Operating) -> StoryInFull:
    """One story, with its items."""
    return _in_full(story_id, operations)


@router.put("/stories/{story_id}/choice")
def choose(story_id: Id, body: ChoiceToMake, actor: WritesStories, operations: Operating) -> StoryInFull:
    """Never alert this story, whatever comes; or let its alerts wait for an editor."""
    say = operations.stories.never if body.choice is Choice.NEVER else operations.stories.hold
    say(actor, story_id)
    return _in_full(story_id, operations)


@router.delete("/stories/{story_id}/choice")
def leave_to_the_rules(story_id: Id, actor: WritesStories, operations: Operating) -> StoryInFull:
    """Take the word back: the rules decide again. No error where nobody had said one."""
    operations.stories.leave_to_the_rules(actor, story_id)
    return _in_full(story_id, operations)


@router.post("/stories/{story_id}/merge", status_code=202, responses=CHANGED)
def merge(story_id: Id, body: OtherStory, actor: WritesStories, operations: Operating) -> RulingMade:
    """Make two stories one, for good. 409 where they are already."""
    return RulingMade(ruling=operations.stories.merge(actor, story_id, body.story))


@router.post("/items/{item_id}/split", status_code=202, responses=CHANGED)
def split(item_id: Id, actor: WritesStories, operations: Operating) -> RulingMade:
    """Take an item out of its story, for good. 409 where it is alone."""
    ruling, _ = operations.stories.split(actor, str(item_id))
    return RulingMade(ruling=ruling)


@router.get("/rulings")
def list_rulings(actor: Reads, operations: Operating, limit: Limit = PAGE) -> list[RulingShown]:
    """The newest merges and splits, those that were undone too."""
    return [
        RulingShown.of(ruling, id=ruling.act, headlines=list(ruling.leads), items=list(ruling.items))
        for ruling in operations.stories.book.rulings(limit)
    ]


@router.delete("/rulings/{ruling_id}", status_code=204, responses=CHANGED)
def take_ruling_back(ruling_id: Id, actor: WritesStories, operations: Operating) -> None:
    """As if it had not been said. 409 where it was undone before."""
    operations.stories.undo(actor, ruling_id)


def _in_full(story_id: int, operations: Operations) -> StoryInFull:
    report = operations.stories.book.story(story_id)
    items = [
        ItemShown.of(m.item, headline=m.item.title, signal=m.signal, evidence=dict(m.evidence))
        for m in operations.stories.book.members(story_id)
    ]
    return StoryInFull.of(report, **_words(report), items=items)


def _words(report: StoryReport) -> dict[str, Any]:
    """What a story says in the words of the item that leads it, and why it was alerted or was not."""
    lead, verdict = report.lead, report.verdict
    words = ("summary", "url", "publisher", "section", "language", "published_at", "seen_at")
    return {name: getattr(lead, name) for name in words} | {
        "headline": lead.title,
        "publishers": list(report.publishers),
        "choice": report.choice or None,
        "chosen_by": report.chosen_by or None,
        "why": Why(code=verdict.code, words=verdict.words, evidence=evidence_to_json(verdict.evidence)),
    }
