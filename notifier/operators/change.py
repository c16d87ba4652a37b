"""A change that an operator made to a file: who, when, what it was before and after, so that it can be undone."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Written:
    """A file's text as it was read; `version` changes with every character of it."""

    text: str

    @property
    def version(self) -> str:
        """What a saver names as the text they started from."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class NewChange:
    """A change before it has an id. `by` is the operator's name; `what` says it in a sentence."""

    file: str
    by: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was made."""

    id: int
    at: datetime
    file: str
    by: str
    what: str
    before: str
    after: str

    @property
    def lines(self) -> list[str]:
        """The difference, line by line, as `difflib` marks it."""
        return difference(self.before, self.after)


def difference(before: str, after: str) -> list[str]:
    """What changed between two texts: lines that begin with `+`, `-`, a space, or `@@` for where."""
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]


class ChangeStore(Protocol):
    """The history of the operators' files. Synchronous."""

    def record(self, change: NewChange, now: datetime) -> int:
        """Keep a change; returns its id."""

    def recent(self, limit: int, before: int | None = None) -> Sequence[Change]:
        """The newest first; `before` pages on from a change's id."""

    def find(self, change_id: int) -> Change | None:
        """One change, or None."""
