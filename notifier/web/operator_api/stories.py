"""Stories for programs: what came in, what came of it and why; and an operator's word on one of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from notifier.alerts.news import StoryReport
from notifier.web.console.services import Console
from notifier.web.operator_api.access import ROUTER, Reads, WritesStories
from notifier.web.operator_api.shapes import PAGE, Cursor, Id, Limit, Page, Shown, cursor_of, places_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

router = APIRouter(**ROUTER)


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
    silenced_by: str | None = Field(description="The operator who said never")
    why: Why

    @classmethod
    def of(cls, report: StoryReport, silenced: Mapping[int, str]) -> StoryShown:
        """The report as programs read it."""
        lead, verdict = report.lead, report.verdict
        evidence = verdict.get("evidence")
        return cls(
            id=report.id,
            headline=lead.title,
            summary=lead.summary,
            url=lead.url,
            publisher=lead.publisher,
            publishers=list(report.publishers),
            section=lead.section,
            language=lead.language,
            published_at=lead.published_at,
            seen_at=lead.seen_at,
            updated_at=report.updated_at,
            state=report.state,
            silenced_by=silenced.get(report.id),
            why=Why(
                code=str(verdict.get("code", "")),
                words=str(verdict.get("words", "")),
                evidence=dict(evidence) if isinstance(evidence, Mapping) else {},
            ),
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
    silenced, wanted = console.newsroom.silenced(), q.casefold().split()
    shown = [r for r in found if all(word in r.lead.title.casefold() for word in wanted)]
    more = len(found) == limit
    return Page(
        items=[StoryShown.of(report, silenced) for report in shown],
        next=cursor_of((found[-1].updated_at - EPOCH) // MICROSECOND, found[-1].id) if more else None,
    )


@router.get("/stories/{story_id}")
def show_story(story_id: Id, grant: Reads, console: Console) -> StoryShown:
    """One story."""
    return StoryShown.of(console.newsroom.story(story_id), console.newsroom.silenced())


@router.put("/stories/{story_id}/never")
def silence_story(story_id: Id, grant: WritesStories, console: Console) -> StoryShown:
    """Never alert this story, whatever comes."""
    console.newsroom.silence(story_id, grant.operator.name, console.wall())
    console.changed()
    return StoryShown.of(console.newsroom.story(story_id), console.newsroom.silenced())


@router.delete("/stories/{story_id}/never")
def leave_story_to_the_rules(story_id: Id, grant: WritesStories, console: Console) -> StoryShown:
    """Take “never” back: the rules decide again. No error where nobody had said it."""
    story = console.newsroom.story(story_id)
    console.newsroom.unsilence(story_id)
    console.changed()
    return StoryShown.of(story, console.newsroom.silenced())
