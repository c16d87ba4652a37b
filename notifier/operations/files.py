"""The operators' files: changed under their lock, never over somebody else's change, and each change is kept.

Enters: what to do with a file's text, by whom, and the version that they started from. Leaves: `FileEdit`, written or
only planned; or Overtaken, FileBroken or EntryInvalid, and then nothing is written. Next: `config/rewrite.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from notifier.clock import Clock
from notifier.errors import ConfigError, Conflict, EntryInvalid, FileBroken, NotFound, QueryError
from notifier.operations.actor import Actor
from notifier.operators.change import Change, ChangeStore, NewChange, Written, difference
from notifier.operators.token import TokenScope

TOPICS, FEEDS = "topics.yaml", "feeds.yaml"
TRIES = 3
"""Of an edit that holds whatever else the file says; somebody else may be quicker each time."""
LOOKED_AT = 500
"""Changes that are looked through for those of one file."""

Entry = TypeVar("Entry")


class OperatorsFile(Protocol):
    """A file that operators edit: the truth, whoever writes it."""

    def read(self) -> Written:
        """The text as it stands."""

    def check(self, text: str) -> None:
        """Raises ConfigError where the service would not take `text`."""

    def replace(self, text: str, started_from: str) -> None:
        """Put a text in the file's place. Raises Conflict if somebody else was quicker, or ConfigError."""


class Verb(StrEnum):
    """What was done to an entry, or to the file."""

    ADDED = "Added"
    CHANGED = "Changed"
    MOVED = "Moved"
    PAUSED = "Paused"
    RESUMED = "Resumed"
    REMOVED = "Removed"
    IMPORTED = "Imported"
    UNDONE = "Took back:"


@dataclass(frozen=True, slots=True)
class FileEdit:
    """An edit of a file. `name` is what it is about, as the record of changes says it."""

    verb: Verb
    name: str
    before: Written
    after: Written

    @property
    def what(self) -> str:
        """It in a sentence."""
        return f"{self.verb} {self.name}"

    @property
    def lines(self) -> list[str]:
        """The lines that change, as a unified diff marks them."""
        return difference(self.before.text, self.after.text)


@dataclass(frozen=True, slots=True)
class Listed(Generic[Entry]):
    """A file's entries in its order. Where it is broken they are those in force, and `problem` says what to mend."""

    version: str
    entries: Sequence[Entry]
    problem: str = ""


Edit = Callable[[str], tuple[Verb, str, str]]
"""From a file's text to what is done, to what, and the text with it. Raises ConfigError, FileBroken or NotFound."""


class Overtaken(Conflict):
    """The file was changed since the version that an edit starts from: `edit` is what it would change in it now."""

    def __init__(self, edit: FileEdit) -> None:
        self.edit, self.members = edit, {"version": edit.before.version, "difference": edit.lines}
        super().__init__("the file was changed by somebody else")


class RecordedFile:
    """One file of the operators, with its lock and its record of changes."""

    def __init__(self, name: str, file: OperatorsFile, scope: TokenScope, changes: ChangeStore, wall: Clock) -> None:
        """`scope` is what it takes to change it; `wall` tells the real time, also in a rehearsal."""
        self.name, self.scope = name, scope
        self._file, self._changes, self._wall = file, changes, wall

    def listed(self, entries: Callable[[], Sequence[Entry]], in_force: Callable[[], Sequence[Entry]]) -> Listed[Entry]:
        """What the file says, or where it is broken what is in force."""
        version = self._file.read().version
        try:
            return Listed(version, entries())
        except ConfigError as broken:
            return Listed(version, in_force(), str(FileBroken(broken).members["problem"]))

    def plan(self, edit: Edit) -> FileEdit:
        """What an edit would change. Nothing is written. Raises EntryInvalid where the service would not take it."""
        planned = self._planned(edit)
        with _refused():
            self._file.check(planned.after.text)
        return planned

    def write(self, actor: Actor, edit: Edit, started_from: str | None = None) -> FileEdit:
        """Put the edited text in the file's place and keep the change; what changes nothing is not kept.

        `started_from` is the version that the actor has seen; None for an edit that holds whatever else the file says.
        Raises Overtaken, EntryInvalid, ScopeMissing or RoleTooLow.
        """
        actor.need(self.scope)
        for _ in range(TRIES):
            planned = self._planned(edit)
            if started_from not in {None, planned.before.version}:
                break
            if planned.before == planned.after:
                return planned
            try:
                with _refused():
                    self._file.replace(planned.after.text, planned.before.version)
            except Conflict:
                continue
            change = NewChange(self.name, actor.name, planned.what, planned.before.text, planned.after.text)
            self._changes.record(change, self._wall())
            return planned
        raise Overtaken(planned)

    def undo(self, actor: Actor, change: Change) -> FileEdit:
        """Put back the text from before a change. Raises Overtaken where anything else has happened to it since."""
        return self.write(actor, lambda _text: (Verb.UNDONE, change.what, change.before), Written(change.after).version)

    def newest(self) -> Change | None:
        """The change that was made last."""
        return next((change for change in self._changes.recent(LOOKED_AT) if change.file == self.name), None)

    def _planned(self, edit: Edit) -> FileEdit:
        before = self._file.read()
        with _refused():
            verb, name, after = edit(before.text)
        return FileEdit(verb, name, before, Written(after))


@contextmanager
def _refused() -> Iterator[None]:
    """What the service would not take is the fault of the entry: the file could be read before."""
    try:
        yield
    except QueryError:
        raise
    except ConfigError as wrong:
        raise EntryInvalid(wrong) from wrong


class ChangeOperations:
    """The record of changes: read it, and take one back."""

    def __init__(self, store: ChangeStore, *files: RecordedFile) -> None:
        self._store, self._files = store, {file.name: file for file in files}

    def recent(self, limit: int, before: int | None = None, file: str = "") -> Sequence[Change]:
        """The newest first, of one file where it is named; `before` pages on from a change's id."""
        if not file:
            return self._store.recent(limit, before)
        return [change for change in self._store.recent(LOOKED_AT, before) if change.file == file][:limit]

    def find(self, change_id: int) -> Change:
        """One change. Raises NotFound."""
        found = self._store.find(change_id)
        if found is None:
            raise NotFound("no such change")
        return found

    def undo(self, actor: Actor, change_id: int) -> tuple[Change, FileEdit]:
        """Put back a file's text from before a change; it takes the scope that the file takes.

        Raises NotFound, Overtaken where anything else has happened to the file since, or EntryInvalid.
        """
        if not any(actor.may(file.scope) for file in self._files.values()):
            actor.need(TokenScope.TOPICS)
        change = self.find(change_id)
        if change.file not in self._files:
            raise NotFound(f"there is no file {change.file} any more")
        return change, self._files[change.file].undo(actor, change)
