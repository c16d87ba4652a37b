"""Under which forms a rule finds a word: each lexeme (text/tokens) is read as one or more folded forms.

Enters: lexemes. Leaves: `Piece`s, each a form with its place; and the spellings of what is written in a rule. Case,
accents, apostrophes and hyphens do not matter. Next: reading.

    Trump's     trump, trumps           l'Ukraine   lukraine, ukraine
    anti-war    anti + war, antiwar     U.S.        us, u.s.        US (in a text that is not all capitals)  us, u.s.
    北京        北 + 京 (scripts without spaces are read letter by letter, which makes every word a substring)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from notifier.text.fold import fold
from notifier.text.stems import stem_of_any
from notifier.text.tokens import HYPHENS, LEXEME, is_spaceless, plain_apostrophes

_part = re.compile(f"[^{HYPHENS}]+")
_elision = re.compile("[cdjlmnst]|(?:jus|lors|puis|quoi)?qu|un|d?all|[dnq]u?ell|sull").fullmatch
_LONGEST_ACRONYM = 5
LONGEST_KEPT = 64
"""Characters of a lexeme whose reading is worth keeping: what is longer is seldom a word, and seldom comes again."""
MOST_SPELLINGS = 64
"""Each hyphen doubles the ways to write a phrase; nobody means so many. A rule with more is refused (query)."""


class Piece(NamedTuple):
    """One form of a lexeme and its stem: `first` and `last` count words, `start` and `end` characters, from the
    lexeme's start."""

    form: str
    stem: str
    first: int
    last: int
    start: int
    end: int


def read_anew(lexeme: str, language: str, capitals_speak: bool) -> tuple[Piece, ...]:
    """Every form under which a lexeme is found, with its stem in a primary language; none if nothing of it is left.

    `capitals_speak`: the text has small letters too, so that a word in capitals is an acronym (US, not us).
    """
    if lexeme.isascii() and lexeme[1:].islower() and lexeme.isalpha():  # most words, so they go straight
        form = lexeme.lower()
        return (Piece(form, stem_of_any(form, language), 0, 0, 0, len(lexeme)),)
    parts = [part for part in _part.finditer(lexeme) if fold(_bare(part.group()))]
    pieces = [
        Piece(form, stem_of_any(form, language), place, place, part.start(), part.end())
        for place, part in enumerate(parts)
        for form in _forms(part.group(), capitals_speak)
    ]
    if len(parts) > 1:
        joined = fold("".join(_bare(part.group()) for part in parts))
        pieces.append(Piece(joined, stem_of_any(joined, language), 0, len(parts) - 1, 0, len(lexeme)))
    return tuple(pieces)


read = lru_cache(maxsize=1 << 17)(read_anew)
"""The same, remembered: for lexemes of up to LONGEST_KEPT characters."""


def spellings(words: str) -> tuple[tuple[str, ...], ...]:
    """The runs of forms that are as good as `words`, which is written in a rule: `anti-war` is anti + war or antiwar.

    An acronym with dots means the acronym alone: `U.S.` finds U.S. and US, not us. Empty if nothing can be found.
    """
    runs: list[tuple[str, ...]] = [()]
    for match in LEXEME.finditer(words):
        runs = combined(runs, _written(match.group()))
    return tuple(run for run in runs if run)


def combined(runs: Iterable[tuple[str, ...]], more: Collection[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Each run with each of the others behind it: the first MOST_SPELLINGS."""
    return list(islice((run + other for run in runs for other in more), MOST_SPELLINGS))


def ways(words: str) -> int:
    """How many spellings there are, of which `spellings` gives the first."""
    hyphenated = sum(len(_part.findall(match.group())) > 1 for match in LEXEME.finditer(words))
    return 1 << min(hyphenated, 30)


def _written(lexeme: str) -> list[tuple[str, ...]]:
    parts = [part.group() for part in _part.finditer(lexeme)]
    folded = (_acronym(part, capitals_speak=False) or fold(_bare(part)) for part in parts)
    apart = tuple(form for form in folded if form)  # marks and fillers alone leave nothing to look for
    return [apart, (fold("".join(map(_bare, parts))),)] if len(parts) > 1 else [apart]


def _forms(part: str, capitals_speak: bool) -> list[str]:
    forms = [fold(_bare(part))]
    before, _, after = plain_apostrophes(part).rpartition("'")
    if before and after in {"s", "S"}:
        forms.append(fold(_bare(before)))
        part = before
    elif _elision(fold(before)):
        forms.append(fold(after))
        part = after
    acronym = _acronym(part, capitals_speak)
    return [*forms, acronym] if acronym else forms


def _bare(part: str) -> str:
    return plain_apostrophes(part).replace("'", "").replace(".", "")


def _acronym(part: str, capitals_speak: bool) -> str | None:
    letters = part.replace(".", "")
    dotted = "." in part
    if not letters.isalpha() or not letters.isupper() or is_spaceless(letters):
        return None
    if dotted or (capitals_speak and 2 <= len(letters) <= _LONGEST_ACRONYM):
        return "".join(f"{letter}." for letter in fold(letters))
    return None
