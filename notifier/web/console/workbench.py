"""What the workbench shows of a topic that is being edited: what it would have sent, beside what it sends now.

Enters: a form's fields and the topic as the file has it. Leaves: `Look`, or the sentence that says what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal
from weakref import WeakKeyDictionary

from fastapi import Form, Request
from markupsafe import Markup

from notifier.alerts.decide import AlertRules
from notifier.alerts.preview import Difference, Preview, Record, WouldSend, compare, preview
from notifier.errors import ConfigError, PreviewsBusy, QueryError, TooMuchWork
from notifier.topics.topic import SLUG, Fallback, Then, Topic, TopicMode, seconds_of
from notifier.topics.work import Work
from notifier.web.console.access import Session
from notifier.web.console.charts import bars_a_day
from notifier.web.console.services import ConsoleServices
from notifier.web.previews import is_gone, previews_of

DAYS = 14
LISTED = 100
WORDS = 24
KEPT = 8

Line = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True, slots=True)
class Fields:
    """A topic as the form has it: text, nothing checked yet."""

    slug: str
    title: str
    description: str
    match: str
    mode: str
    daily_budget: str
    default_on: bool
    held_then: str = ""
    held_for: str = ""

    @classmethod
    def of(cls, topic: Topic) -> Fields:
        """The fields of a topic."""
        budget = "" if topic.daily_budget is None else str(topic.daily_budget)
        mode = topic.mode.value
        held = (topic.held.then.value, topic.held.written) if topic.held else ("", "")
        return cls(topic.slug, topic.title, topic.description, topic.match, mode, budget, topic.default_on, *held)

    def topic(self) -> Topic:
        """Raises ConfigError with what is wrong and what would be right."""
        if not SLUG.fullmatch(self.slug):
            fix = "Use lower-case letters, digits and hyphens, for example middle-east"
            raise ConfigError(f"“{self.slug}” cannot be an address name", fix=fix)
        if not self.title.strip():
            raise ConfigError("the topic has no title", fix="Write what people see beside the checkbox")
        budget = self.daily_budget.strip()
        if budget and not (budget.isascii() and budget.isdigit() and int(budget) <= 1000):
            raise ConfigError(f"“{budget}” is no number of alerts", fix="Write a number up to 1000, or nothing")
        return Topic(
            slug=self.slug,
            title=self.title.strip(),
            description=self.description.strip(),
            match=self.match.replace("\r\n", "\n").strip(),
            mode=TopicMode(self.mode),
            daily_budget=int(budget) if budget else None,
            default_on=self.default_on,
            held=self._fallback(),
        )

    def _fallback(self) -> Fallback | None:
        """What becomes of a held alert; of other modes' fields nothing is asked."""
        if self.mode != TopicMode.HELD.value or not self.held_then:
            return None
        for_s = seconds_of(self.held_for)
        if for_s is None:
            raise ConfigError(f"“{self.held_for}” is no time to wait", fix="Write one from 1m to 12h, for example 15m")
        return Fallback(for_s, Then(self.held_then))


def fields(
    title: Line = "",
    description: Line = "",
    match: Annotated[str, Form(max_length=20_000)] = "",
    mode: Annotated[TopicMode, Form()] = TopicMode.EVERY,
    daily_budget: Line = "",
    default_on: Annotated[bool, Form()] = False,
    named: Annotated[str, Form(alias="slug", max_length=200)] = "",
    held_then: Annotated[Literal["", "send", "drop"], Form()] = "",
    held_for: Line = "",
) -> Fields:
    """The form's fields (a dependency)."""
    held = (held_then, held_for.strip())
    return Fields(named.strip(), title, description, match, mode.value, daily_budget, default_on, *held)


@dataclass(frozen=True, slots=True)
class Look:
    """What can be seen of an edit. `was` is None for a new topic; `problem` stands where the rule cannot be read.

    `status` is the answer's where there is no preview to show: 422 (too much work) or 429 (too many at once).
    `words` counts the alerts that each matched word brought, the most first; `in_passing` those whose headline has none
    of them: false friends are mostly there.
    """

    problem: str = ""
    status: int = 200
    now: Preview | None = None
    was: Preview | None = None
    difference: Difference | None = None
    chart: Markup | None = None
    since: datetime | None = None
    words: Sequence[tuple[str, int]] = ()
    in_passing: int = 0
    items: int = 0
    stories_known_since: datetime | None = None


def look(
    edited: Fields, before: Topic | None, request: Request, session: Session, console: ConsoleServices, now: datetime
) -> Look:
    """Ask the desk about the last days, under the topic as edited and as it is, in the place of a look before."""
    try:
        with previews_of(request).turn(session.operator.id, is_gone(request), newest=True) as work:
            return _look(edited, before, console, now, work)
    except PreviewsBusy:
        words = "Other previews are being worked out, and each waits for its turn. Try again in a moment"
        return Look(problem=words, status=429)
    except TooMuchWork as stopped:
        return Look(problem=f"{stopped.members['problem']}. {stopped.members['fix']}".capitalize(), status=422)


def _look(edited: Fields, before: Topic | None, console: ConsoleServices, now: datetime, work: Work) -> Look:
    record = console.record()
    # To the end of the minute, so that what the topic sends now is asked once a minute, not at every keystroke.
    until = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    since = until - timedelta(days=DAYS)
    try:
        topic = edited.topic()
        after = preview(topic, record, console.rules, since, until, work)
    except QueryError as wrong:
        where = f"Line {wrong.line}, column {wrong.column}: " if wrong.line else ""
        return Look(problem=f"{where}{wrong.problem}. {wrong.fix}")
    except ConfigError as wrong:
        return Look(problem=str(wrong))
    earlier = _as_it_is(before, record, console.rules, since, until, work) if before else None
    return Look(
        now=after,
        was=earlier,
        difference=compare(earlier, after) if earlier else None,
        chart=_chart(earlier, after),
        since=since,
        words=_words(after.alerts),
        in_passing=sum(map(is_in_passing, after.alerts)),
        items=len(record.items),
        stories_known_since=record.items[0].seen_at if record.items else None,
    )


def _as_it_is(topic: Topic, record: Record, rules: AlertRules, since: datetime, until: datetime, work: Work) -> Preview:
    """The preview of the topic that is being edited, kept for as long as it would be the same."""
    known = _kept.setdefault(record, {})
    key = (topic, until, len(record.items), len(record.alerts))
    if key not in known:
        while len(known) >= KEPT:
            known.pop(next(iter(known)), None)
        known[key] = preview(topic, record, rules, since, until, work)
    return known[key]


_kept: WeakKeyDictionary[Record, dict[tuple[Topic, datetime, int, int], Preview]] = WeakKeyDictionary()


def words_of(would: WouldSend) -> frozenset[str]:
    """The words that brought an alert, in small letters."""
    return frozenset(word.casefold() for word in (*(word.text for word in would.words), *would.others))


def is_in_passing(would: WouldSend) -> bool:
    """Whether the rule's words stand in the text only, though it has some."""
    return bool(words_of(would)) and all(word.field != "title" for word in would.words)


def _words(alerts: Iterable[WouldSend]) -> Sequence[tuple[str, int]]:
    return Counter(word for would in alerts for word in sorted(words_of(would))).most_common(WORDS)


def _chart(was: Preview | None, now: Preview) -> Markup:
    sentence = f"Alerts a day over the last {DAYS} days: {_rate(now)} with this rule"
    series = {"This rule": now.per_day}
    if was is not None and was.per_day != now.per_day:
        series = {"As it is now": was.per_day, "As edited": now.per_day}
        sentence = f"Alerts a day over the last {DAYS} days: {_rate(was)} as it is, {_rate(now)} as edited"
    return bars_a_day(series, sentence)


def _rate(told: Preview) -> str:
    return f"{told.rate_a_day:.1f} a day, at most {max(told.per_day.values(), default=0)}"
