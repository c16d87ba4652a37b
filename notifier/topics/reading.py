"""A story's words, prepared once for every rule that is asked about them.

Enters: title, summary and labels of a story. Leaves: `Text`, in which a form, a stem or a beginning is found at once,
with its place; next: evaluate, match.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, takewhile
from typing import NamedTuple, TypeAlias

from notifier.text.languages import primary_language
from notifier.text.stems import stem
from notifier.text.tokens import LEXEME, is_spaceless
from notifier.topics.forms import LONGEST_KEPT, read, read_anew
from notifier.topics.topic import MatchedWord
from notifier.topics.work import Spends

MOST_READ = 40_000
"""Characters of a field that are read; feeds are cut to a twentieth of it (feeds/markup.py), a recording may not be."""
_FEW = 16
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
    _sorted: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def find(self, form: str, exact: bool = False) -> list[Place]:
        """The places of a folded form, of its stem unless `exact`; a form that ends in * is a beginning."""
        if form[-1] == "*":
            return [place for known in self._beginning(form[:-1]) for place in self.forms[known]]
        if exact or self.language is None:
            return self.forms.get(form, [])
        return self.stems.get(stem(form, self.language), [])

    def find_run(self, run: Run, exact: bool = False, work: Spends | None = None) -> list[Place]:
        """The places where the forms stand one after the other. Raises TooMuchWork."""
        found = self.find(run[0], exact)
        for form in run[1:]:
            if not found:
                return found
            following = self.find(form, exact)
            if len(found) * len(following) <= _FEW:  # as nearly always: looking at each pair is quickest
                found = [_span(one, two) for one in found for two in following if two.first == one.last + 1]
                continue
            if work is not None:
                work.spend(len(found) + len(following))
            found = _joined(found, following)
        return found

    def find_any(self, runs: tuple[Run, ...], exact: bool = False, work: Spends | None = None) -> list[Place]:
        """The places of any of the runs. Raises TooMuchWork."""
        if len(runs) == 1:  # most are one word, and go straight
            return self.find(runs[0][0], exact) if len(runs[0]) == 1 else self.find_run(runs[0], exact, work)
        return [place for run in runs for place in self.find_run(run, exact, work)]

    def _beginning(self, beginning: str) -> Iterator[str]:
        """The forms that begin so. They are sorted at the first such question, for all that come after it."""
        if len(self._sorted) != len(self.forms):
            self._sorted[:] = sorted(self.forms)
        start = bisect_left(self._sorted, beginning)
        return takewhile(lambda known: known.startswith(beginning), islice(self._sorted, start, None))

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


def _joined(ones: list[Place], twos: list[Place]) -> list[Place]:
    """Each place with those that begin where it ends, each once: a beginning may find a word under two of its forms."""
    starting: dict[int, list[Place]] = defaultdict(list)
    for two in twos:
        starting[two.first].append(two)
    spans = (_span(one, two) for one in ones if one.last + 1 in starting for two in starting[one.last + 1])
    return list(dict.fromkeys(spans))


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
    for match in LEXEME.finditer(value, 0, MOST_READ):
        lexeme, start = match.group(), match.start()
        if not lexeme.isascii() and is_spaceless(lexeme):
            # Punctuation ends a substring; white space does not, as it means little in these scripts.
            if spaceless_end >= 0 and start > spaceless_end and not value[spaceless_end:start].isspace():
                first += 1
            spaceless_end = match.end()
        else:
            spaceless_end = -1
        last = first - 1
        known = read if len(lexeme) <= LONGEST_KEPT else read_anew
        for form, stem_of_form, piece_first, piece_last, piece_start, piece_end in known(
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
