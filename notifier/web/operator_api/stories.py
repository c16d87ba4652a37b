"""Stories for programs: what came in, what came of it and why; and an operator's word on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from notifier.alerts.news import Ruling, StoryReport
from notifier.text.fold import fold
from notifier.web.bodies import LARGEST_ID, Id
from notifier.web.console.services import Console, ConsoleServices
from notifier.web.operator_api.access import CHANGED, ROUTER, Reads, WritesStories
from notifier.web.operator_api.shapes import PAGE, Cursor, Limit, Page, Sent, Shown, cursor_of, places_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

router = APIRouter(**ROUTER)


class Choice(StrEnum):
    """What an operator says of a whole story: no alert, or its alerts wait for an editor."""

    NEVER = "never"
    HOLD = "hold"


class Why(Shown):
    """Why a story was alerted, or was not."""

    code: str = Field(description="Stable", examples=["no-topic"])
    words: str = Field(examples=["No topic matches it."])
    evidence: dict[str, Any] = Field(description="The figures behind it; more may be added")


class StoryShown(Shown):
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

    @classmethod
    def fields_of(cls, report: StoryReport) -> dict[str, Any]:
        """The members of this model."""
        lead, verdict = report.lead, report.verdict
        evidence = verdict.get("evidence")
        return {
            "id": report.id,
            "headline": lead.title,
            "summary": lead.summary,
            "url": lead.url,
            "publisher": lead.publisher,
            "publishers": list(report.publishers),
            "section": lead.section,
            "language": lead.language,
            "published_at": lead.published_at,
            "seen_at": lead.seen_at,
            "updated_at": report.updated_at,
            "state": report.state,
            "choice": report.choice or None,
            "chosen_by": report.chosen_by or None,
            "why": Why(
                code=str(verdict.get("code", "")),
                words=str(verdict.get("words", "")),
                evidence=dict(evidence) if isinstance(evidence, Mapping) else {},
            ),
        }


class ItemShown(Shown):
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

    items: list[ItemShown]


class ChoiceToMake(Sent):
    """An operator's word on a story."""

    choice: Choice = Field(strict=False)


class OtherStory(Sent):
    """The story that tells the same event."""

    story: int = Field(ge=1, le=LARGEST_ID, examples=[18])


class RulingMade(Shown):
    """The desk carries it out within a second or two."""

    ruling: int = Field(description="To take it back")


class RulingShown(Shown):
    """What an operator called the same story, or not."""

    id: int
    same: bool
    headlines: list[str] = Field(description="Of a split, the first is the one that was taken out")
    items: list[int]
    by: str
    at: AwareDatetime
    taken_back_at: AwareDatetime | None
    taken_back_by: str | None

    @classmethod
    def of(cls, ruling: Ruling) -> RulingShown:
        """As programs read it."""
        return cls(
            id=ruling.act,
            same=ruling.same,
            headlines=list(ruling.leads),
            items=list(ruling.items),
            by=ruling.by,
            at=ruling.at,
            taken_back_at=ruling.taken_back_at,
            taken_back_by=ruling.taken_back_by,
        )


@router.get("/stories")
def list_stories(
    grant: Reads,
    console: Console,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    q: Annotated[str, Query(max_length=200, description="Only those whose headline has all of these words")] = "",
) -> Page[StoryShown]:
    """The stories that changed last. With `q` a page may have fewer than `limit`, or none, and still have a `next`."""
    before = None
    if (places := places_of(cursor, 2)) is not None:
        before = (EPOCH + places[0] * MICROSECOND, places[1])
    found = console.newsroom.stories(limit, before)
    wanted = fold(q).split()
    shown = [r for r in found if all(word in fold(r.lead.title) for word in wanted)]
    more = len(found) == limit
    return Page(
        items=[StoryShown(**StoryShown.fields_of(report)) for report in shown],
        next=cursor_of((found[-1].updated_at - EPOCH) // MICROSECOND, found[-1].id) if more else None,
    )


@router.get("/stories/{story_id}")
def show_story(story_id: Id, grant: Reads, console: Console) -> StoryInFull:
    """One story, with its items."""
    return _in_full(story_id, console)


@router.put("/stories/{story_id}/choice")
def choose(story_id: Id, body: ChoiceToMake, grant: WritesStories, console: Console) -> StoryInFull:
    """Never alert this story, whatever comes; or let its alerts wait for an editor."""
    say = console.newsroom.silence if body.choice is Choice.NEVER else console.wire.hold
    say(story_id, grant.operator.name, console.wall())
    console.changed()
    return _in_full(story_id, console)


@router.delete("/stories/{story_id}/choice")
def leave_to_the_rules(story_id: Id, grant: WritesStories, console: Console) -> StoryInFull:
    """Take the word back: the rules decide again. No error where nobody had said one."""
    console.newsroom.story(story_id)
    console.newsroom.unsilence(story_id)
    console.changed()
    return _in_full(story_id, console)


@router.post("/stories/{story_id}/merge", status_code=202, responses=CHANGED)
def merge(story_id: Id, body: OtherStory, grant: WritesStories, console: Console) -> RulingMade:
    """Make two stories one, for good. 409 where they are already."""
    return RulingMade(ruling=console.wire.merge(story_id, body.story, grant.operator.name, console.wall()))


@router.post("/items/{item_id}/split", status_code=202, responses=CHANGED)
def split(item_id: Id, grant: WritesStories, console: Console) -> RulingMade:
    """Take an item out of its story, for good. 409 where it is alone."""
    return RulingMade(ruling=console.wire.split(item_id, grant.operator.name, console.wall()))


@router.get("/rulings")
def list_rulings(grant: Reads, console: Console, limit: Limit = PAGE) -> list[RulingShown]:
    """The newest merges and splits, those that were taken back too."""
    return [RulingShown.of(ruling) for ruling in console.wire.rulings(limit)]


@router.delete("/rulings/{ruling_id}", status_code=204, responses=CHANGED)
def take_ruling_back(ruling_id: Id, grant: WritesStories, console: Console) -> None:
    """As if it had not been said. 409 where it was taken back before."""
    console.wire.take_back(ruling_id, grant.operator.name, console.wall())


def _in_full(story_id: int, console: ConsoleServices) -> StoryInFull:
    report = console.newsroom.story(story_id)
    items = [
        ItemShown(
            id=member.item.id,
            headline=member.item.title,
            url=member.item.url,
            publisher=member.item.publisher,
            seen_at=member.item.seen_at,
            signal=member.signal,
            evidence=dict(member.evidence),
        )
        for member in console.wire.members(story_id)
    ]
    return StoryInFull(**StoryShown.fields_of(report), items=items)
