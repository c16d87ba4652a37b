"""Writes down who got in and who changed what others may do: into the log, structured, and for the page Access."""

from __future__ import annotations

import structlog
from fastapi import Request

from notifier.operators.audit import Act, Entry
from notifier.web.clients import client_of
from notifier.web.console.services import ConsoleServices

log = structlog.get_logger(__name__)


def note(request: Request, console: ConsoleServices, act: Act, who: str, *, by: str = "", detail: str = "") -> None:
    """Keep an entry. `by` is left out where it is `who` themselves."""
    entry = Entry(console.wall(), act, who, by or who, client_of(request.scope), detail)
    write = log.warning if act.is_refusal else log.info
    write(f"audit.{act.value}", who=entry.who, by=entry.by, client=entry.client, detail=detail)
    console.audit.record(entry)
