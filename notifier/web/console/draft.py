"""An alert as it is being written by hand: a form in, what is wrong with it or the alert out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Form

from notifier.alerts.alert import Alert, AlertKind, Message, NewAlert
from notifier.alerts.by_hand import NO_STORY, NO_WORDS, ByHand, is_web_address
from notifier.alerts.decide import AlertRules
from notifier.text.line import has_words, one_line, visible
from notifier.web.bodies import LARGEST_ID

MOST_TITLE, MOST_BODY = 160, 400
Replacing = Literal["correction", "update"]
CORRECTED, TAKEN_BACK = "Correction: ", "Taken back: "


@dataclass(frozen=True, slots=True)
class Draft:
    """`story` and `replaces` are 0 where it is about neither; `kind` matters where it replaces an alert."""

    title: str = ""
    body: str = ""
    url: str = ""
    topics: tuple[str, ...] = ()
    breaking: bool = False
    story: int = NO_STORY
    replaces: int = 0
    kind: Replacing = "correction"

    def problem(self, known: set[str]) -> str:
        """What is wrong with it, in a sentence, or nothing."""
        if not has_words(self.title):
            return NO_WORDS
        if not is_web_address(self.url):
            return "Give the address that a tap opens, with https://."
        if not self.topics or not set(self.topics) <= known:
            return "Choose who gets it: one topic or more."
        return ""

    def digest(self) -> bytes:
        """SHA-256 of all of it."""
        return hashlib.sha256(repr(self).encode()).digest()

    def message(self, publisher: str, now: datetime, tag: str) -> Message:
        """Exactly what a screen will show."""
        return Message(self.title, self.body, self.url, publisher, now, tag)

    def alert(self, by: str, publisher: str, old: Alert | None, rules: AlertRules, now: datetime) -> NewAlert:
        """The alert; `old` is the one whose place on the screens it takes."""
        written = ByHand(
            title=self.title,
            body=self.body,
            url=self.url,
            topics=frozenset(self.topics),
            breaking=self.breaking,
            who={"by hand": by},
            story_id=self.story,
            replaces=old,
            kind=AlertKind(self.kind),
        )
        return written.alert(publisher, rules, now)


def replacing(old: Alert, way: str) -> Draft:
    """A draft that begins with the words of the alert it replaces; `way`: correction, update, or back.

    A browser does not say of a notification that it corrects another: the headline has to.
    """
    words = old.message
    title, body, kind = words.title, words.body, "update" if way == "update" else "correction"
    if way == "correction" and not title.startswith(CORRECTED):
        title = CORRECTED + title
    elif way == "back":
        title, body = TAKEN_BACK + title, "We sent this alert in error."
    topics = tuple(sorted(old.topics))
    return Draft(title[:MOST_TITLE], body, words.url, topics, old.breaking, old.story_id, old.id, kind)  # type: ignore[arg-type]


def draft_fields(
    title: Annotated[str, Form(max_length=MOST_TITLE)] = "",
    body: Annotated[str, Form(max_length=MOST_BODY)] = "",
    url: Annotated[str, Form(max_length=2000)] = "",
    topics: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    breaking: Annotated[bool, Form()] = False,
    story: Annotated[int, Form(ge=0, le=LARGEST_ID)] = NO_STORY,
    replaces: Annotated[int, Form(ge=0, le=LARGEST_ID)] = 0,
    kind: Annotated[Replacing, Form()] = "correction",
) -> Draft:
    """The form's fields (a dependency)."""
    chosen = tuple(sorted(set(topics)))
    return Draft(one_line(title), visible(body).strip(), url.strip(), chosen, breaking, story, replaces, kind)
