"""Console templates to answers: with the operator, the menu, and a policy that lets our own forms be sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

from notifier.topics.topic import MatchedWord
from notifier.web.console.access import Session
from notifier.web.security import PAGE_POLICY
from notifier.web.templating import render

POLICY = PAGE_POLICY.replace("form-action 'none'", "form-action 'self'")
# A signed-out operator's pages are not to be found with the back button.
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
MENU = (
    ("stories", "Stories"),
    ("topics", "Topics"),
    ("alerts", "Alerts"),
    ("feeds", "Feeds"),
    ("audience", "Audience"),
    ("system", "System"),
)


def page(
    request: Request, template: str, session: Session | None = None, *, status: int = 200, here: str = "", **names: Any
) -> HTMLResponse:
    """A console page; `here` marks its place in the menu."""
    shown = {"session": session, "menu": MENU, "here": here, "clock": clock_time, "marked": marked} | names
    return render(request, f"console/{template}", status=status, headers=HEADERS, **shown)


def clock_time(at: datetime) -> str:
    """A UTC time as tables show it."""
    return at.astimezone(UTC).strftime("%d %b %H:%M")


def marked(text: str, words: tuple[MatchedWord, ...], field: str) -> Markup:
    """The text with the matched words of one field in <mark>."""
    parts, end = [Markup()], 0
    for word in words:
        if word.field == field and word.start >= end:
            parts += [escape(text[end : word.start]), Markup("<mark>{}</mark>").format(text[word.start : word.end])]
            end = word.end
    return Markup().join([*parts, escape(text[end:])])
