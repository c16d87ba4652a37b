"""Writing the operators' files for programs: never over somebody else's change, and each change is kept."""

from __future__ import annotations

from typing import Any, Protocol

from notifier.errors import ConfigError, Conflict, EntryInvalid
from notifier.operators.change import NewChange, Written, difference
from notifier.operators.token import Grant
from notifier.web.console.services import ConsoleServices

TOPICS, FEEDS = "topics.yaml", "feeds.yaml"


class Replaceable(Protocol):
    """A file that operators edit."""

    def read(self) -> Written:
        """The text as it stands."""

    def replace(self, text: str, started_from: str) -> None:
        """Raises Conflict or ConfigError."""


class Overtaken(Conflict):
    """Somebody else was quicker; the members say what the write would change in the file as it stands."""

    def __init__(self, version: str, lines: list[str]) -> None:
        self.members: dict[str, Any] = {"version": version, "difference": lines}
        super().__init__("the file was changed by somebody else")


def replace_file(
    file: Replaceable,
    name: str,
    now: Written,
    after: str,
    started_from: str,
    grant: Grant,
    console: ConsoleServices,
    what: str,
) -> None:
    """Put `after` in the file's place and keep the change. Raises Overtaken or EntryInvalid."""
    if now.version != started_from:
        raise Overtaken(now.version, difference(now.text, after))
    if after == now.text:
        return
    try:
        file.replace(after, started_from)
    except Conflict as quicker:
        newest = file.read()
        raise Overtaken(newest.version, difference(newest.text, after)) from quicker
    except ConfigError as wrong:
        raise EntryInvalid(wrong) from wrong
    console.changes.record(NewChange(name, grant.operator.name, what, now.text, after), console.wall())
