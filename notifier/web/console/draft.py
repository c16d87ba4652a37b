"""An alert as it is being written by hand: a form in, what is wrong with it or the alert out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import Form

from notifier.alerts.alert import Alert, AlertKind, Message, NewAlert, Urgency
from notifier.alerts.decide import AlertRules

NO_STORY = 0
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
        if not self.title:
            return "Write a headline."
        if not self.has_address:
            return "Give the address that a tap opens, with https://."
        if not self.topics or not set(self.topics) <= known:
            return "Choose who gets it: one topic or more."
        return ""

    @property
    def has_address(self) -> bool:
        """Whether a tap would open something."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and bool(parts.hostname)

    def message(self, publisher: str, now: datetime, tag: str) -> Message:
        """Exactly what a screen will show."""
        return Message(self.title, self.body, self.url, publisher, now, tag)

    def alert(self, by: str, publisher: str, old: Alert | None, rules: AlertRules, now: datetime) -> NewAlert:
        """The alert; `old` is the one whose place on the screens it takes."""
        by_hand = f"story-{self.story}" if self.story else f"by-hand-{secrets.token_hex(6)}"
        return NewAlert(
            story_id=old.story_id if old else self.story,
            kind=AlertKind(self.kind) if old else AlertKind.NEW,
            message=self.message(publisher, now, old.message.tag if old else by_hand),
            topics=frozenset(self.topics),
            breaking=self.breaking,
            urgency=Urgency.HIGH if self.breaking else Urgency.NORMAL,
            ttl_s=rules.breaking_ttl_s if self.breaking else rules.normal_ttl_s,
            why={"by hand": by} | ({"replaces": self.replaces} if old else {}),
            decided_at=now,
        )


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
    story: Annotated[int, Form(ge=0)] = NO_STORY,
    replaces: Annotated[int, Form(ge=0)] = 0,
    kind: Annotated[Replacing, Form()] = "correction",
) -> Draft:
    """The form's fields (a dependency)."""
    chosen = tuple(sorted(set(topics)))
    return Draft(title.strip(), body.strip(), url.strip(), chosen, breaking, story, replaces, kind)
