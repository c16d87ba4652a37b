"""An alert as it is being written in the console: a form's fields, or the words of the alert that it replaces."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Form

from notifier.alerts.alert import Alert, AlertKind
from notifier.alerts.draft import NO_STORY, Draft
from notifier.operations.alerts import MOST_BODY, MOST_TITLE, MOST_URL
from notifier.text.line import one_line, visible
from notifier.web.bodies import LARGEST_ID

CORRECTED, RETRACTED = "Correction: ", "Retracted: "


def replacing(old: Alert, way: str) -> Draft:
    """A draft that begins with the words of the alert it replaces; `way`: correction, update, or back.

    A browser does not say of a notification that it corrects another: the headline has to.
    """
    words = old.message
    title, body = words.title, words.body
    kind = AlertKind.UPDATE if way == "update" else AlertKind.CORRECTION
    if way == "correction" and not title.startswith(CORRECTED):
        title = CORRECTED + title
    elif way == "back":
        title, body = RETRACTED + title, "We sent this alert in error."
    topics = tuple(sorted(old.topics))
    return Draft(title[:MOST_TITLE], body, words.url, topics, old.breaking, old.story_id, old.id, kind)


def draft_fields(
    title: Annotated[str, Form(max_length=MOST_TITLE)] = "",
    body: Annotated[str, Form(max_length=MOST_BODY)] = "",
    url: Annotated[str, Form(max_length=MOST_URL)] = "",
    topics: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    breaking: Annotated[bool, Form()] = False,
    story: Annotated[int, Form(ge=0, le=LARGEST_ID)] = NO_STORY,
    replaces: Annotated[int, Form(ge=0, le=LARGEST_ID)] = 0,
    kind: Annotated[Literal["correction", "update"], Form()] = "correction",
) -> Draft:
    """The form's fields (a dependency)."""
    chosen = tuple(sorted(set(topics)))
    return Draft(
        one_line(title), visible(body).strip(), url.strip(), chosen, breaking, story, replaces, AlertKind(kind)
    )
