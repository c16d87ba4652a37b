"""Recorded stories, indexed so that any rule is asked about all of them at once.

Enters: `CorpusItem`s. Leaves: `Corpus`, which tells for a rule which items it is surely true of and which it may be
true of; only those in between need reading. Next: alerts/preview.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice, takewhile
from typing import TypeAlias

from notifier.errors import TooMuchWork
from notifier.stories.story import StoryItem
from notifier.text.languages import primary_language
from notifier.text.stems import stem
from notifier.text.tokens import LEXEME
from notifier.topics.evaluate import evaluate
from notifier.topics.forms import LONGEST_KEPT, read, read_anew
from notifier.topics.reading import Run, Text
from notifier.topics.tree import And, FieldScope, In, Near, Node, Not, Or, Term
from notifier.topics.work import Work

# Steps that it takes to read an item once more.
_TO_READ = 50


@dataclass(frozen=True, slots=True)
class CorpusItem:
    """A stored item as it was told: `story_id` groups the outlets and versions of one event; `seen_at` is aware UTC."""

    story_id: int
    seen_at: datetime
    title: str
    summary: str
    source: str
    section: str
    language: str | None = None
    url: str = ""

    @classmethod
    def of(cls, item: StoryItem) -> CorpusItem:
        """A stored item; one that no story has taken yet stands for itself."""
        story_id = -item.id if item.story_id is None else item.story_id
        return cls(
            story_id, item.seen_at, item.title, item.summary, item.publisher, item.section, item.language, item.url
        )

    def text(self) -> Text:
        """The item as rules read it."""
        return Text(self.title, self.summary, self.source, self.section, self.language)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The items that a rule is surely true of, and those that it may be true of; the first lie within the second."""

    surely: set[int]
    maybe: set[int]


_Label: TypeAlias = tuple[str, str, str | None]  # source, section, language


class Corpus:
    """Items in the order of `seen_at`. `add` puts newer ones behind."""

    def __init__(self, items: Iterable[CorpusItem] = ()) -> None:
        self.items: list[CorpusItem] = []
        self._shards: dict[str, _Shard] = {}
        self._labels: dict[_Label, list[int]] = defaultdict(list)
        for item in sorted(items, key=lambda item: item.seen_at):
            self.add(item)

    def __len__(self) -> int:
        return len(self.items)

    def add(self, item: CorpusItem) -> None:
        """Index one more item."""
        number = len(self.items)
        self.items.append(item)
        language = primary_language(item.language)
        shard = self._shards.get(language)
        if shard is None:
            shard = self._shards[language] = _Shard(language)
        shard.add(number, item)
        self._labels[item.source, item.section, item.language].append(number)

    def read(self) -> None:
        """Read the words that came since the last time; the next rule would have to, while somebody waits for it."""
        for shard in self._shards.values():
            shard.read()

    def matching(self, rule: Node, work: Work | None = None) -> Iterator[CorpusItem]:
        """The items that the rule is true of, oldest first. Raises TooMuchWork."""
        work = work or Work.endless()
        bounds = self._bounds(rule, work)
        for number in sorted(bounds.maybe):
            item = self.items[number]
            work.spend(1)
            if number in bounds.surely or self._is_true(rule, item, work):
                yield item

    @staticmethod
    def _is_true(rule: Node, item: CorpusItem, work: Work) -> bool:
        work.spend(_TO_READ)
        asked = Work()
        try:
            return evaluate(rule, item.text(), asked) is not None
        except TooMuchWork:
            return False  # as the decider takes it (topics/match)
        finally:
            work.spend(asked.spent)

    def _bounds(self, node: Node, work: Work, *, title: bool = False) -> _Bounds:
        match node:
            case Term(runs=runs, exact=exact):
                return self._of_term(runs, exact, title, work)
            case And(rules) | Or(rules):
                inner = [self._bounds(rule, work, title=title) for rule in rules]
                combine = set.intersection if isinstance(node, And) else set.union
                return _Bounds(combine(*_surely(inner)), combine(*_maybe(inner)))
            case Not(rule):
                inside = self._bounds(rule, work, title=title)
                everything = set(range(len(self.items)))
                return _Bounds(everything - inside.maybe, everything - inside.surely)
            case Near(left, right, _):
                sides = [self._bounds(side, work, title=title) for side in (left, right)]
                return _Bounds(set(), set.intersection(*_maybe(sides)))
            case In(FieldScope.TITLE, rule):
                return self._bounds(rule, work, title=True)
            case In():
                return self._of_label(node, work)

    def _of_term(self, runs: tuple[Run, ...], exact: bool, title: bool, work: Work) -> _Bounds:
        """Whether words stand side by side, and whether capitals speak (U.S.), only the text itself can tell."""
        found = [shard.having(run, exact, title, work) for shard in self._shards.values() for run in runs]
        maybe = set[int]().union(*found)
        plain = all(len(run) == 1 and "." not in run[0] for run in runs)
        return _Bounds(maybe if plain else set(), maybe)

    def _of_label(self, rule: In, work: Work) -> _Bounds:
        """There are few publishers and sections: ask the rule itself about each."""
        true = set[int]()
        for (source, section, language), numbers in self._labels.items():
            work.spend(_TO_READ)
            if evaluate(rule, Text("", "", source, section, language)) is not None:
                true.update(numbers)
        return _Bounds(true, true)


class _Shard:
    """The items of one language."""

    def __init__(self, language: str) -> None:
        self._title = _Postings(language)
        self._summary = _Postings(language)

    def add(self, number: int, item: CorpusItem) -> None:
        self._title.add(number, item.title)
        self._summary.add(number, item.summary)

    def read(self) -> None:
        """See `Corpus.read`."""
        self._title.read()
        self._summary.read()

    def having(self, run: Run, exact: bool, title: bool, work: Work) -> set[int]:
        """The items that have every form of the run, wherever it stands."""
        fields = (self._title,) if title else (self._title, self._summary)
        each = (set[int]().union(*(field.having(form, exact, work) for field in fields)) for form in run)
        return set.intersection(*each)


class _Postings:
    """One field of the items of one language. Lexemes are kept as they come, and read when the next rule is asked."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._numbers: dict[str, list[int]] = defaultdict(list)
        self._forms: dict[str, list[str]] = defaultdict(list)
        self._stems: dict[str, list[str]] = defaultdict(list)
        self._known = 0
        self._sorted: list[str] = []

    def add(self, number: int, text: str) -> None:
        for lexeme in set(LEXEME.findall(text)):
            self._numbers[lexeme].append(number)

    def having(self, form: str, exact: bool, work: Work) -> set[int]:
        """The items in which a form of a rule is found."""
        self.read()
        numbers = [self._numbers[lexeme] for lexeme in self._lexemes(form, exact)]
        work.spend(sum(map(len, numbers)))
        return set(chain.from_iterable(numbers))

    def _lexemes(self, form: str, exact: bool) -> Iterable[str]:
        if form.endswith("*"):
            return {lexeme for known in self._beginning(form[:-1]) for lexeme in self._forms[known]}
        if exact:
            return self._forms.get(form, ())
        return self._stems.get(stem(form, self._language), ())

    def _beginning(self, beginning: str) -> Iterator[str]:
        if len(self._sorted) != len(self._forms):
            self._sorted = sorted(self._forms)
        forms = self._sorted
        start = bisect_left(forms, beginning)
        return takewhile(lambda known: known.startswith(beginning), islice(forms, start, None))

    def read(self) -> None:
        """Read the lexemes that came since the last time; a dict keeps the order in which they came."""
        for lexeme in islice(self._numbers, self._known, None):
            known = read if len(lexeme) <= LONGEST_KEPT else read_anew
            for piece in known(lexeme, self._language, True):
                self._forms[piece.form].append(lexeme)
                self._stems[piece.stem].append(lexeme)
        self._known = len(self._numbers)


def _surely(bounds: Iterable[_Bounds]) -> list[set[int]]:
    return [each.surely for each in bounds]


def _maybe(bounds: Iterable[_Bounds]) -> list[set[int]]:
    return [each.maybe for each in bounds]
