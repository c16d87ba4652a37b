"""Topics for programs: read, try a rule on the last days, write the file, see and take back what was changed.

A write names the version of the file that it starts from. Where somebody else was quicker it is answered with 409, the
file's version now, and what the write would change in it as it stands: read, decide, and send that version.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from notifier.alerts.preview import Preview, WouldSend, compare, preview
from notifier.errors import ConfigError, EntryInvalid, FileBroken, NotFound
from notifier.operators.change import Written
from notifier.topics.query import parse
from notifier.topics.topic import SLUG, Fallback, Then, Topic, TopicMode, seconds_of
from notifier.web.console.services import Console, ConsoleServices
from notifier.web.operator_api.access import CHANGED, ROUTER, Reads, WritesTopics
from notifier.web.operator_api.files import TOPICS, replace_file
from notifier.web.operator_api.shapes import PRINTABLE, Line, Named, Sent, Shown, Version
from notifier.web.previews import is_gone, previews_of
from notifier.web.services import Services, WebServices

MOST_DAYS = 14

router = APIRouter(**ROUTER)
Slug = Annotated[str, Path(pattern=f"^{SLUG.pattern}$", examples=["middle-east"])]


class HeldFields(Sent):
    """How long an alert waits for an editor, and what becomes of it then."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)

    for_: Annotated[str, StringConstraints(pattern="^[1-9][0-9]{0,4}[smh]$")] = Field(
        alias="for", description="From 1m to 12h", examples=["15m"]
    )
    then: Then = Field(strict=False, examples=["drop"])

    def fallback(self) -> Fallback:
        """Raises EntryInvalid for a time that is too short or too long."""
        for_s = seconds_of(self.for_)
        if for_s is None:
            raise EntryInvalid(ConfigError(f"{self.for_} is no time to wait", fix="Write one from 1m to 12h"))
        return Fallback(for_s, self.then)

    @classmethod
    def of(cls, held: Fallback | None) -> HeldFields | None:
        """As programs read and write it."""
        return None if held is None else cls.model_validate({"for": held.written, "then": held.then})


class TopicFields(Sent):
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
        """Raises QueryError, or EntryInvalid for a topic that would take every story."""
        if self.match:
            parse(self.match)
        elif self.mode is not TopicMode.BREAKING:
            fix = "Write `match`, or set `mode` to breaking"
            raise EntryInvalid(ConfigError("a topic without a rule would take every story", fix=fix))
        if self.held and self.mode is not TopicMode.HELD:
            raise EntryInvalid(ConfigError("`held` goes with the mode held", fix="Set `mode` to held, or leave it out"))
        fields = self.model_dump(include=set(TopicFields.model_fields) - {"held"})
        return Topic(slug=slug, held=self.held.fallback() if self.held else None, **fields)


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


class TopicShown(Shown):
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

    @classmethod
    def of(cls, topic: Topic, services: WebServices) -> TopicShown:
        """The topic as programs read it."""
        fields = {name: getattr(topic, name) for name in Topic.__slots__} | {"held": HeldFields.of(topic.held)}
        return cls(**fields, audience=services.subscriptions.audience(frozenset({topic.slug})))


class Topics(Shown):
    """The topics in the order of the file. Where it is broken, those in force, and `problem` says what to mend."""

    version: str = Field(description="To name in a write")
    topics: list[TopicShown]
    problem: str | None


class TopicNow(Shown):
    """One topic, and the version of the file that it was read from."""

    version: str
    topic: TopicShown


class WouldAlert(Shown):
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

    @classmethod
    def of(cls, would: WouldSend) -> WouldAlert:
        """As programs read it."""
        alert = would.alert
        return cls(
            story=alert.story_id,
            title=alert.message.title,
            url=alert.message.url,
            publisher=alert.message.publisher,
            at=alert.decided_at,
            breaking=alert.breaking,
            held=would.held,
            words=list(dict.fromkeys([*(word.text for word in would.words), *would.others])),
            updates=would.updates,
        )


class RulePreview(Shown):
    """What a rule would have sent, decided by the service's own desk over the stories that it recorded."""

    days: int
    rate_a_day: float
    per_day: dict[date, int]
    alerts: list[WouldAlert]
    gained: list[int] = Field(description="Stories that the topic as the file has it would not have alerted")
    lost: list[int] = Field(description="Stories that only the topic as the file has it would have alerted")
    audience: int = Field(description="Subscriptions that follow the topic now")


@router.get("/topics")
def list_topics(grant: Reads, console: Console, services: Services) -> Topics:
    """All topics."""
    written = console.topics_file.read()
    try:
        topics: Sequence[Topic] = console.topics_file.topics()
        problem = None
    except ConfigError as broken:
        topics, problem = services.topics(), str(FileBroken(broken).members["problem"])
    return Topics(version=written.version, topics=[TopicShown.of(topic, services) for topic in topics], problem=problem)


@router.post("/topics/preview")
def try_rule(rule: RuleToTry, request: Request, grant: Reads, console: Console, services: Services) -> RulePreview:
    """What a rule would have sent in the last days, and what would change beside the topic as it is.

    An operator has one at a time, with all tokens together: 429 says when to ask again. One that takes more work than
    it may is answered with 422 (`too-much-work`).
    """
    topic = rule.topic(rule.slug or "a-rule-to-try")
    before = _find(console, rule.slug) if rule.slug else None
    now = services.clock()
    since = now - timedelta(days=rule.days)
    with previews_of(request).turn(grant.operator.id, is_gone(request)) as work:
        record = console.record()
        after = preview(topic, record, console.rules, since, now, work)
        changes = compare(preview(before, record, console.rules, since, now, work), after) if before else None
    return RulePreview(
        days=rule.days,
        rate_a_day=after.rate_a_day,
        per_day=dict(after.per_day),
        alerts=[WouldAlert.of(would) for would in after.alerts],
        gained=_stories(changes.gained) if changes else _stories(after.alerts),
        lost=_stories(changes.lost) if changes else [],
        audience=services.subscriptions.audience(frozenset({topic.slug})) if before else 0,
    )


@router.get("/topics/{slug}")
def show_topic(slug: Slug, grant: Reads, console: Console, services: Services) -> TopicNow:
    """One topic."""
    return TopicNow(version=console.topics_file.read().version, topic=TopicShown.of(_find(console, slug), services))


@router.put(
    "/topics/{slug}",
    responses=CHANGED | {201: {"model": TopicNow, "description": "A new topic, at the end of the file"}},
)
def write_topic(
    slug: Slug, body: TopicWrite, grant: WritesTopics, console: Console, services: Services, response: Response
) -> TopicNow:
    """Change a topic, or add one. Comments, order and quotes of the file stay as they are."""
    topic = body.topic(slug)
    known = _topics(console)
    written = console.topics_file.read()
    after = console.topics_file.with_topic(written.text, topic)
    made = all(topic.slug != slug for topic in known)
    what = f"{'Added' if made else 'Changed'} {slug}"
    replace_file(console.topics_file, TOPICS, written, after, body.version, grant, console, what)
    response.status_code = 201 if made else 200
    return TopicNow(version=Written(after).version, topic=TopicShown.of(topic, services))


@router.delete("/topics/{slug}", status_code=204, responses=CHANGED)
def remove_topic(slug: Slug, version: Annotated[Version, Query()], grant: WritesTopics, console: Console) -> None:
    """Take a topic out of the file; its subscribers are kept for the day it comes back."""
    _find(console, slug)
    written = console.topics_file.read()
    after = console.topics_file.without_topic(written.text, slug)
    replace_file(console.topics_file, TOPICS, written, after, version, grant, console, f"Removed {slug}")


def _topics(console: ConsoleServices) -> Sequence[Topic]:
    """The topics of the file. Raises FileBroken: it is mended by hand before a program may write it."""
    try:
        return console.topics_file.topics()
    except ConfigError as broken:
        raise FileBroken(broken) from broken


def _find(console: ConsoleServices, slug: str) -> Topic:
    found = next((topic for topic in _topics(console) if topic.slug == slug), None)
    if found is None:
        raise NotFound(f"there is no topic {slug}")
    return found


def _stories(alerts: Sequence[WouldSend] | Preview) -> list[int]:
    return [would.alert.story_id for would in (alerts.alerts if isinstance(alerts, Preview) else alerts)]
