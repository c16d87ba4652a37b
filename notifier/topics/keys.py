"""What a text must have for a rule to be true, and a table that finds the rules of a text by it.

Enters: trees. Leaves: `Need`s, one of which is in every text that the rule is true of; `Stems`, which looks
stems up by the language of the text; next: match.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Generic, TypeVar

from notifier.text.stems import stem
from notifier.topics.reading import Reading
from notifier.topics.tree import And, FieldScope, In, Near, Node, Or, Term

T = TypeVar("T")


class Where(Enum):
    """What a need is looked up in."""

    WORDS = "words"  # a form, or two neighbours as "one two"
    BEGINNINGS = "beginnings"
    SOURCE = "source"
    SECTION = "section"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Need:
    """Something without which a rule is not true."""

    where: Where
    key: str = ""


LONGEST_BEGINNING = 8
"""Characters of a beginning that the index looks up: each length that there is costs every text a look."""

_WHERE = {FieldScope.TITLE: Where.WORDS, FieldScope.SOURCE: Where.SOURCE, FieldScope.SECTION: Where.SECTION}
_ALWAYS = (Need(Where.ALWAYS),)
_COST = {Where.WORDS: 1, Where.BEGINNINGS: 3, Where.SOURCE: 20, Where.SECTION: 50, Where.ALWAYS: 1000}


def needs(node: Node, where: Where = Where.WORDS) -> tuple[Need, ...]:
    """The needs of a rule: at least one of them is met by every text that it is true of."""
    match node:
        case Term(runs=runs):
            return tuple(_need_of_run(run, where) for run in runs)
        case And(rules):
            return min((needs(rule, where) for rule in rules), key=_cost)
        case Or(rules):
            return tuple(need for rule in rules for need in needs(rule, where))
        case Near(left, right, _):
            return min(needs(left, where), needs(right, where), key=_cost)
        case In(scope, rule) if scope is not FieldScope.LANG:
            return needs(rule, _WHERE[scope])
        case _:
            return _ALWAYS


def _need_of_run(run: tuple[str, ...], where: Where) -> Need:
    whole = [form for form in run if not form.endswith("*")]
    if where is Where.WORDS:
        return Need(where, rarest(run)) if whole else Need(Where.BEGINNINGS, max(run, key=len)[:-1][:LONGEST_BEGINNING])
    return Need(where, max(whole, key=len)) if whole else Need(Where.ALWAYS)


def rarest(run: tuple[str, ...]) -> str:
    """The longest two neighbours of a run as `one two`, or its longest word: long words are rare words."""
    pairs = [f"{one} {two}" for one, two in pairwise(run) if not (one.endswith("*") or two.endswith("*"))]
    return max(pairs or [form for form in run if not form.endswith("*")], key=len)


def _cost(found: tuple[Need, ...]) -> tuple[int, int]:
    """Cheap needs are few, of a kind that few texts meet, and long."""
    return sum(_COST[need.where] for need in found), -min(len(need.key) for need in found)


class Stems(Generic[T]):
    """Values under folded words (one, or two neighbours), found in a text by the stems of its language.

    For each language that a text was asked in, a table of stems is made once and kept up from then on.
    """

    def __init__(self) -> None:
        self._values: dict[str, T] = {}
        self._languages: dict[str, dict[str, tuple[T, ...]]] = {}

    def get(self, key: str) -> T | None:
        """The value under exactly these folded words."""
        return self._values.get(key)

    def __len__(self) -> int:
        return len(self._values)

    def add(self, key: str, value: T) -> None:
        """Put a value where there is none."""
        self._values[key] = value
        for language, table in self._languages.items():
            stems = _stems(key, language)
            table[stems] = (*table.get(stems, ()), value)

    def remove(self, key: str) -> None:
        """Take a value out."""
        value = self._values.pop(key)
        for language, table in self._languages.items():
            stems = _stems(key, language)
            left = tuple(other for other in table[stems] if other is not value)
            if left:
                table[stems] = left
            else:
                del table[stems]

    def found(self, reading: Reading) -> Iterator[T]:
        """The values whose words stand in the text, in any inflection; the same one may come twice."""
        table = self._table(reading.language or "")
        for stems in _asked(reading):
            yield from table.get(stems, ())

    def _table(self, language: str) -> dict[str, tuple[T, ...]]:
        table = self._languages.get(language)
        if table is None:
            table = {}
            for key, value in self._values.items():
                stems = _stems(key, language)
                table[stems] = (*table.get(stems, ()), value)
            self._languages[language] = table
        return table


def _asked(reading: Reading) -> Iterable[str]:
    yield from reading.stems
    yield from reading.pairs()


def _stems(key: str, language: str) -> str:
    return " ".join([stem(form, language) for form in key.split(" ")])
