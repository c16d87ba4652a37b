"""Topics for programs: read, try a rule on the last days, write the file, see and undo what was changed.

A write names the version of the file that it starts from. Where somebody else was quicker it is answered with 409, the
file's version now, and what the write would change in it as it stands: read, decide, and send that version.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from notifier.alerts.preview import WouldSend
from notifier.operations.files import Verb
from notifier.operations.topics import fallback
from notifier.topics.topic import SLUG, Fallback, Then, Topic, TopicMode
from notifier.web.clients import is_gone
from notifier.web.operator_api.access import CHANGED, ROUTER, Reads, WritesTopics
from notifier.web.operator_api.shapes import PRINTABLE, Line, Named, RequestBody, ResponseBody, Version
from notifier.web.services import Operating, Services, WebServices

MOST_DAYS = 14

router = APIRouter(**ROUTER)
Slug = Annotated[str, Path(pattern=f"^{SLUG.pattern}$", examples=["middle-east"])]


class HeldFields(RequestBody):
    """How long an alert waits for an editor, and what becomes of it then."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)

    for_: Annotated[str, StringConstraints(pattern="^[1-9][0-9]{0,4}[smh]$")] = Field(
        alias="for", description="From 1m to 12h", examples=["15m"]
    )
    then: Then = Field(strict=False, examples=["drop"])

    @classmethod
    def of(cls, held: Fallback | None) -> HeldFields | None:
        """As programs read and write it."""
        return None if held is None else cls.model_validate({"for": held.written, "then": held.then})


class TopicFields(RequestBody):
    """A topic as it is to be. What is left out is as it is for a new topic."""

    title: Named = Field(examples=["Nato"])
    description: Line = Field("", examples=["The alliance, its members and its summits."])
    match: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000), PRINTABLE] = Field(
        "", description="The rule (docs/topics.md); empty only with the mode breaking", examples=["Nato AND summit"]
    )
    mode: TopicMode = Field(TopicMode.EVERY, strict=False)
    daily_budget: int | None = Field(None, ge=0, le=1000, description="At most so many alerts a day")
    default_on: bool = Field(False, description="Ticked for new subscribers")
    held: HeldFields | None = Field(
        None, description="With the mode held: what becomes of an alert that no editor looks at; null: it is never sent"
    )

    def topic(self, slug: str) -> Topic:
        """The topic that is meant, not checked yet. Raises EntryInvalid for what is no time to wait."""
        fields = self.model_dump(include=set(TopicFields.model_fields) - {"held"})
        return Topic(slug=slug, held=fallback(self.held.for_, self.held.then) if self.held else None, **fields)


class TopicWrite(TopicFields):
    """A topic to write into the file."""

    version: Version


class RuleToTry(TopicFields):
    """A topic to ask about: nothing is written."""

    title: Named = Field("A rule to try", examples=["Nato"])
    slug: Annotated[str, StringConstraints(pattern=f"^{SLUG.pattern}$")] | None = Field(
        None, description="The topic to compare with, as the file has it"
    )
    days: int = Field(MOST_DAYS, ge=1, le=MOST_DAYS)


class TopicShown(ResponseBody):
    """A topic as the file has it, and how many subscriptions follow it."""

    slug: str
    title: str
    description: str
    match: str
    mode: TopicMode
    daily_budget: int | None
    default_on: bool
    held: HeldFields | None
    audience: int


class Topics(ResponseBody):
    """The topics in the order of the file. Where it is broken, those in force, and `problem` says what to mend."""

    version: str = Field(description="To name in a write")
    topics: list[TopicShown]
    problem: str | None


class TopicNow(ResponseBody):
    """One topic, and the version of the file that it was read from."""

    version: str
    topic: TopicShown


class WouldAlert(ResponseBody):
    """A first alert that the rule would have sent."""

    story: int
    title: str
    url: str
    publisher: str
    at: AwareDatetime
    breaking: bool
    held: bool = Field(description="An editor would have been asked first")
    words: list[str] = Field(description="What matched, as the story has it")
    updates: int = Field(description="Updates and corrections that would have followed")


class RulePreview(ResponseBody):
    """What a rule would have sent, decided by the service's own decider over the stories that it recorded."""

    days: int
    rate_a_day: float
    per_day: dict[date, int]
    alerts: list[WouldAlert]
    gained: list[int] = Field(description="Stories that the topic as the file has it would not have alerted")
    lost: list[int] = Field(description="Stories that only the topic as the file has it would have alerted")
    audience: int = Field(description="Subscriptions that follow the topic now")


@router.get("/topics")
def list_topics(actor: Reads, operations: Operating, services: Services) -> Topics:
    """All topics."""
    listed = operations.topics.listed()
    topics = [_shown(topic, services) for topic in listed.entries]
    return Topics(version=listed.version, topics=topics, problem=listed.problem or None)


@router.post("/topics/preview")
def try_rule(rule: RuleToTry, request: Request, actor: Reads, operations: Operating, services: Services) -> RulePreview:
    """What a rule would have sent in the last days, and what would change beside the topic as it is.

    An operator has one at a time, with all tokens together: 429 says when to ask again. One that takes more work than
    it may is answered with 422 (`too-much-work`).
    """
    topic = rule.topic(rule.slug or "a-rule-to-try")
    before = operations.topics.find(rule.slug) if rule.slug else None
    tried = operations.topics.previewer.attempt(actor, topic, before, rule.days, is_gone(request))
    changes = tried.difference
    return RulePreview(
        days=rule.days,
        rate_a_day=tried.after.rate_a_day,
        per_day=dict(tried.after.per_day),
        alerts=[_would(would) for would in tried.after.alerts],
        gained=_stories(changes.gained if changes else tried.after.alerts),
        lost=_stories(changes.lost if changes else ()),
        audience=services.subscriptions.audience(frozenset({topic.slug})) if before else 0,
    )


@router.get("/topics/{slug}", responses=CHANGED)
def show_topic(slug: Slug, actor: Reads, operations: Operating, services: Services) -> TopicNow:
    """One topic. 409 where the file has a mistake."""
    topic = operations.topics.find(slug)
    return TopicNow(version=operations.topics.listed().version, topic=_shown(topic, services))


@router.put(
    "/topics/{slug}",
    responses=CHANGED | {201: {"model": TopicNow, "description": "A new topic, at the end of the file"}},
)
def write_topic(
    slug: Slug, body: TopicWrite, actor: WritesTopics, operations: Operating, services: Services, response: Response
) -> TopicNow:
    """Change a topic, or add one. Comments, order and quotes of the file stay as they are."""
    topic = body.topic(slug)
    saved = operations.topics.save(actor, topic, body.version)
    response.status_code = 201 if saved.verb is Verb.ADDED else 200
    return TopicNow(version=saved.after.version, topic=_shown(topic, services))


@router.delete("/topics/{slug}", status_code=204, responses=CHANGED)
def remove_topic(slug: Slug, version: Annotated[Version, Query()], actor: WritesTopics, operations: Operating) -> None:
    """Take a topic out of the file; its subscribers are kept for the day it comes back."""
    operations.topics.remove(actor, slug, version)


def _stories(alerts: Sequence[WouldSend]) -> list[int]:
    return [would.alert.story_id for would in alerts]


def _shown(topic: Topic, services: WebServices) -> TopicShown:
    audience = services.subscriptions.audience(frozenset({topic.slug}))
    return TopicShown.of(topic, held=HeldFields.of(topic.held), audience=audience)


def _would(would: WouldSend) -> WouldAlert:
    alert, words = would.alert, [*(word.text for word in would.words), *would.others]
    shown = {name: getattr(alert.message, name) for name in ("title", "url", "publisher")}
    return WouldAlert.of(
        would,
        **shown,
        story=alert.story_id,
        at=alert.decided_at,
        breaking=alert.breaking,
        words=list(dict.fromkeys(words)),
    )
