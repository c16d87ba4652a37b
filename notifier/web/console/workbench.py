"""What the workbench shows of a topic that is being edited: what it would have sent, beside what it sends now.

Enters: a form's fields and the topic as the file has it. Leaves: `Look`, or the sentence that says what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Form, Request
from markupsafe import Markup

from notifier.alerts.preview import Difference, Preview, WouldSend
from notifier.errors import EntryInvalid, PreviewsBusy, QueryError, TooMuchWork
from notifier.operations.operations import Operations
from notifier.operations.topics import fallback
from notifier.topics.topic import Topic, TopicMode
from notifier.web.clients import is_gone
from notifier.web.console.access import Session
from notifier.web.console.charts import bars_a_day

DAYS = 14
LISTED = 100
WORDS = 24

Line = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True, slots=True)
class TopicForm:
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
    def of(cls, topic: Topic) -> TopicForm:
        """The fields of a topic."""
        budget = "" if topic.daily_budget is None else str(topic.daily_budget)
        mode = topic.mode.value
        held = (topic.held.then.value, topic.held.written) if topic.held else ("", "")
        return cls(topic.slug, topic.title, topic.description, topic.match, mode, budget, topic.default_on, *held)

    def topic(self) -> Topic:
        """The topic that is meant, not checked yet. Raises EntryInvalid for what is no number or no time."""
        budget = self.daily_budget.strip()
        if budget and not (budget.isascii() and budget.isdigit() and int(budget) <= 1000):
            raise EntryInvalid(f"“{budget}” is no number of alerts", "Write a number up to 1000, or nothing")
        return Topic(
            slug=self.slug,
            title=self.title.strip(),
            description=self.description.strip(),
            match=self.match.replace("\r\n", "\n").strip(),
            mode=TopicMode(self.mode),
            daily_budget=int(budget) if budget else None,
            default_on=self.default_on,
            # Of other modes' fields nothing is asked.
            held=fallback(self.held_for, self.held_then) if self.held_then and self.mode == TopicMode.HELD else None,
        )


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
) -> TopicForm:
    """The form's fields (a dependency)."""
    held = (held_then, held_for.strip())
    return TopicForm(named.strip(), title, description, match, mode.value, daily_budget, default_on, *held)


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


def look(edited: TopicForm, before: Topic | None, request: Request, session: Session, operations: Operations) -> Look:
    """Ask the decider about the last days, under the topic as edited and as it is, in the place of a look before."""
    try:
        previewer, gone = operations.topics.previewer, is_gone(request)
        tried = previewer.attempt(session.actor, edited.topic(), before, DAYS, gone, newest=True)
    except PreviewsBusy:
        words = "Other previews are being worked out, and each waits for its turn. Try again in a moment"
        return Look(problem=words, status=429)
    except TooMuchWork as stopped:
        return Look(problem=f"{stopped.members['problem']}. {stopped.members['fix']}".capitalize(), status=422)
    except (QueryError, EntryInvalid) as wrong:
        return Look(problem=in_words(wrong))
    return Look(
        now=tried.after,
        was=tried.before,
        difference=tried.difference,
        chart=_chart(tried.before, tried.after),
        since=tried.since,
        words=_words(tried.after.alerts),
        in_passing=sum(map(is_in_passing, tried.after.alerts)),
        items=tried.items,
        stories_known_since=tried.known_since,
    )


def in_words(wrong: QueryError | EntryInvalid) -> str:
    """What is wrong with a topic and what would be right, in a sentence."""
    if isinstance(wrong, EntryInvalid):
        return wrong.sentence
    where = f"Line {wrong.line}, column {wrong.column}: " if wrong.line else ""
    return f"{where}{wrong.problem}. {wrong.fix}"


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
