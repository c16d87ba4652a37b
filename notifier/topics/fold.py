"""How words are compared: text is cut into lexemes, and each lexeme is read as one or more folded forms.

Enters: any text. Leaves: lexemes with their place in the text, and the forms under which a rule finds each of them:
case, accents, apostrophes and hyphens do not matter. Next: text.

    Trump's     trump, trumps           l'Ukraine   lukraine, ukraine
    anti-war    anti + war, antiwar     U.S.        us, u.s.        US (in a text that is not all capitals)  us, u.s.
    北京        北 + 京 (scripts without spaces are read letter by letter, which makes every word a substring)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from notifier.topics.stem import LONGEST_STEMMED, stem

_SPACELESS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7a3"  # Hangul has spaces, but hangs particles onto its nouns: a substring finds them, a word would not
)
_MARKS = (  # stand within a word and are not letters to `re`
    "\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0dff\u200c\u200d\u20d0-\u20ff"
)
_LETTER = rf"[^\W_{_SPACELESS}]"
_PLAIN = rf"{_LETTER}+(?:[{_MARKS}]+{_LETTER}*)*"
_ACRONYM = r"(?:[^\W\d_]\.)+[^\W\d_](?![^\W_])\.?|(?:[^\W\d_]\.){2,}"
_APOSTROPHES = "'\u2018\u2019\u02bc\uff07"
_HYPHENS = "\\-\u2010\u2011\u2012\u2013"
_WORD = rf"(?:{_ACRONYM}|{_PLAIN})"

LEXEME = re.compile(rf"{_WORD}(?:[{_APOSTROPHES}{_HYPHENS}]{_WORD})*|[{_SPACELESS}][\u3099\u309a\uff9e\uff9f]?")

_is_spaceless = re.compile(f"[{_SPACELESS}]").match
_apostrophe = re.compile(f"[{_APOSTROPHES}]")
_part = re.compile(f"[^{_HYPHENS}]+")
_dropped = re.compile(
    "[\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200d\u20d0-\u20ff]"
)
_pile_of_marks = re.compile(f"([{_MARKS}]{{30}})[{_MARKS}]+")
_letters = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"})
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


def fold(word: str) -> str:
    """`word` without case, accents and invisible characters; й stays, as Russian endings are made of it."""
    if word.isascii():
        return word.lower()
    # Ordering a pile of marks takes the square of its height: thirty are left (UAX #15 section 13, stream-safe text).
    word = _pile_of_marks.sub(r"\1", word)
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", word).casefold())
    kept = _dropped.sub("", decomposed.replace("и\u0306", "й"))
    return unicodedata.normalize("NFC", kept).translate(_letters)


def is_spaceless(lexeme: str) -> bool:
    """Whether the lexeme is one letter of a script that is read letter by letter."""
    return _is_spaceless(lexeme) is not None


def read_anew(lexeme: str, language: str, capitals_speak: bool) -> tuple[Piece, ...]:
    """Every form under which a lexeme is found, with its stem in a primary language; none if nothing of it is left.

    `capitals_speak`: the text has small letters too, so that a word in capitals is an acronym (US, not us).
    """
    if lexeme.isascii() and lexeme[1:].islower() and lexeme.isalpha():  # most words, so they go straight
        form = lexeme.lower()
        return (Piece(form, _stem(form, language), 0, 0, 0, len(lexeme)),)
    parts = [part for part in _part.finditer(lexeme) if fold(_bare(part.group()))]
    pieces = [
        Piece(form, _stem(form, language), place, place, part.start(), part.end())
        for place, part in enumerate(parts)
        for form in _forms(part.group(), capitals_speak)
    ]
    if len(parts) > 1:
        joined = fold("".join(_bare(part.group()) for part in parts))
        pieces.append(Piece(joined, _stem(joined, language), 0, len(parts) - 1, 0, len(lexeme)))
    return tuple(pieces)


read = lru_cache(maxsize=1 << 17)(read_anew)
"""The same, remembered: for lexemes of up to LONGEST_KEPT characters."""


def _stem(form: str, language: str) -> str:
    return stem(form, language) if len(form) <= LONGEST_STEMMED else form  # it would be remembered as well


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
    before, _, after = _apostrophe.sub("'", part).rpartition("'")
    if before and after in {"s", "S"}:
        forms.append(fold(_bare(before)))
        part = before
    elif _elision(fold(before)):
        forms.append(fold(after))
        part = after
    acronym = _acronym(part, capitals_speak)
    return [*forms, acronym] if acronym else forms


def _bare(part: str) -> str:
    return _apostrophe.sub("", part).replace(".", "")


def _acronym(part: str, capitals_speak: bool) -> str | None:
    letters = part.replace(".", "")
    dotted = "." in part
    if not letters.isalpha() or not letters.isupper() or is_spaceless(letters):
        return None
    if dotted or (capitals_speak and 2 <= len(letters) <= _LONGEST_ACRONYM):
        return "".join(f"{letter}." for letter in fold(letters))
    return None
