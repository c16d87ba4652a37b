"""The tree of a rule: what the operator's expression says, as data.

Enters: parse (query). Leaves: nodes that evaluate, match, corpus and print walk. Nodes are equal when they say the
same; where a node was written is kept beside it for errors, and does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from notifier.topics.forms import combined, spellings


class FieldScope(StrEnum):
    """What a field searches instead of title and summary."""

    TITLE = "title"
    SOURCE = "source"
    SECTION = "section"
    LANG = "lang"


@dataclass(frozen=True, slots=True)
class Term:
    """A word or, `quoted`, a phrase, as written. A word ending in * is a beginning; `exact` takes no other inflection.

    `runs` are its spellings: each is a run of folded forms that stand one after the other.
    """

    words: str
    quoted: bool = False
    exact: bool = False
    runs: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Fold once, when the rule is read."""
        object.__setattr__(self, "runs", _runs(self.words))


def _runs(words: str) -> tuple[tuple[str, ...], ...]:
    """The spellings of words, some of which may end in *."""
    runs: list[tuple[str, ...]] = [()]
    for word in words.split():
        more = spellings(word)
        if more and word.endswith("*"):
            more = tuple((*run[:-1], f"{run[-1]}*") for run in more)
        runs = combined(runs, more or ((),))
    return tuple(run for run in runs if run)


@dataclass(frozen=True, slots=True)
class Near:
    """Both within `distance` words of each other, in any order, in one field; neighbours are within 1."""

    left: Node
    right: Node
    distance: int


@dataclass(frozen=True, slots=True)
class In:
    """A rule about one field."""

    scope: FieldScope
    rule: Node


@dataclass(frozen=True, slots=True)
class Not:
    """True where the rule is not."""

    rule: Node
    line: int = field(default=1, repr=False, compare=False)
    column: int = field(default=1, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """True where all are."""

    rules: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where any is."""

    rules: tuple[Node, ...]


Node: TypeAlias = Term | Near | In | Not | And | Or


def is_open(node: Node) -> bool:
    """Whether the rule is true of a story that has none of its words: it would match nearly everything."""
    match node:
        case Not(rule):
            return not is_open(rule)
        case And(rules):
            return all(map(is_open, rules))
        case Or(rules):
            return any(map(is_open, rules))
        case _:
            return False


def first_open_not(node: Node) -> Not | None:
    """The NOT to point at in a rule that `is_open`."""
    match node:
        case Not():
            return node
        case And(rules) | Or(rules):
            return next((found for rule in rules if is_open(rule) and (found := first_open_not(rule))), None)
        case _:
            return None
