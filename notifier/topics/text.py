"""A story's words, prepared once for every rule that is asked about them.

Enters: title, summary and labels of a story. Leaves: `Text`, in which a form, a stem or a beginning is found at once,
with its place; next: evaluate, match, words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from notifier.topics.fold import LEXEME, is_spaceless, read
from notifier.topics.stem import primary_language, stem
from notifier.topics.topic import MatchedWord

_BETWEEN_FIELDS = 10_000
"""Words between the last of the title and the first of the summary, so that nothing is found across them."""


class Place(NamedTuple):
    """Where something stands: words `first` to `last` of the reading, characters `start` to `end` of `field`."""

    first: int
    last: int
    start: int
    end: int
    field: str


Run: TypeAlias = tuple[str, ...]
"""Folded forms that stand one after the other."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of a text by their forms and by their stems in `language` (None: no stems, as of names)."""

    forms: Mapping[str, list[Place]]
    stems: Mapping[str, list[Place]]
    language: str | None

    def find(self, form: str, exact: bool = False) -> list[Place]:
        """The places of a folded form, of its stem unless `exact`; a form that ends in * is a beginning."""
        if form[-1] == "*":
            return [place for known, places in self.forms.items() if known.startswith(form[:-1]) for place in places]
        if exact or self.language is None:
            return self.forms.get(form, [])
        return self.stems.get(stem(form, self.language), [])

    def find_run(self, run: Run, exact: bool = False) -> list[Place]:
        """The places where the forms stand one after the other."""
        found = self.find(run[0], exact)
        for form in run[1:]:
            if not found:
                return found
            following = self.find(form, exact)
            found = [_span(one, two) for one in found for two in following if two.first == one.last + 1]
        return found

    def find_any(self, runs: tuple[Run, ...], exact: bool = False) -> list[Place]:
        """The places of any of the runs."""
        if len(runs) == 1:
            return self.find_run(runs[0], exact)
        return [place for run in runs for place in self.find_run(run, exact)]

    def pairs(self) -> Iterator[str]:
        """The stems of every two neighbours, as `one two`."""
        starting: dict[int, list[str]] = defaultdict(list)
        for known, places in self.stems.items():
            for place in places:
                starting[place.first].append(known)
        for known, places in self.stems.items():
            for place in places:
                for neighbour in starting.get(place.last + 1, ()):
                    yield f"{known} {neighbour}"


def _span(one: Place, two: Place) -> Place:
    return Place(one.first, two.last, one.start, two.end, one.field)


@dataclass(frozen=True, slots=True)
class Text:
    """What rules are asked about: the words of one story, its publisher, section and language (RFC 5646 tag)."""

    title: str
    summary: str = ""
    source: str = ""
    section: str = ""
    language: str | None = None
    body: Reading = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read title and summary; the one place where a frozen text is written."""
        language = primary_language(self.language)
        forms: dict[str, list[Place]] = {}
        stems: dict[str, list[Place]] = {}
        words = _read_into(forms, stems, self.title, "title", 0, language)
        _read_into(forms, stems, self.summary, "summary", words + _BETWEEN_FIELDS, language)
        object.__setattr__(self, "body", Reading(forms, stems, language))

    def label(self, name: str) -> Reading:
        """The words of `source` or `section`."""
        return _read_label(name, self.source if name == "source" else self.section)

    def word(self, place: Place) -> MatchedWord:
        """The characters at a place, for highlighting."""
        written: str = getattr(self, place.field)
        return MatchedWord(place.field, place.start, place.end, written[place.start : place.end])


@lru_cache(maxsize=4096)
def _read_label(name: str, value: str) -> Reading:
    forms: dict[str, list[Place]] = {}
    _read_into(forms, {}, value, name, 0, "")
    return Reading(forms, forms, None)


def _read_into(
    forms: dict[str, list[Place]], stems: dict[str, list[Place]], value: str, name: str, first: int, language: str
) -> int:
    """Add the words of `value`, counted from `first`; returns the number of the word after the last."""
    capitals_speak = not value.isupper()
    spaceless_end = -1
    for match in LEXEME.finditer(value):
        lexeme, start = match.group(), match.start()
        if not lexeme.isascii() and is_spaceless(lexeme):
            # Punctuation ends a substring; white space does not, as it means little in these scripts.
            if spaceless_end >= 0 and start > spaceless_end and not value[spaceless_end:start].isspace():
                first += 1
            spaceless_end = match.end()
        else:
            spaceless_end = -1
        last = first
        for form, stem_of_form, piece_first, piece_last, piece_start, piece_end in read(
            lexeme, language, capitals_speak
        ):
            last = first + piece_last
            place = Place(first + piece_first, last, start + piece_start, start + piece_end, name)
            if form in forms:
                forms[form].append(place)
            else:
                forms[form] = [place]
            same_stem = stems.get(stem_of_form)
            if same_stem is None:
                stems[stem_of_form] = [place]
            elif same_stem[-1] != place:
                same_stem.append(place)
        first = last + 1
    return first
