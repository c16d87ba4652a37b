"""A rule asked about one text: is it true, and which words made it so.

Enters: a tree and a `Text`. Leaves: the matched words; pure. `match` and `corpus` only ask it about texts that an
index could not rule out. Its steps grow with the length of the text, whatever the rule: a rule's depth is bounded where
it is read (query), NEAR goes by spans (near), and what is left over is counted (work).
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain

from notifier.text.languages import primary_language
from notifier.topics.near import NOTHING, Finding, either, near, near_pairs, standing
from notifier.topics.reading import Place, Reading, Text
from notifier.topics.topic import MatchedWord
from notifier.topics.tree import And, In, Near, Node, Not, Or, Term
from notifier.topics.work import Work

MOST_TOLD = 200
"""Words told of a match: a person reads a handful, and the decider keeps them for days."""

MOST_SPANS = 20
"""Places at which a NEAR is true whose words are told."""

_FEW_PAIRS = 16
"""Up to so many pairs of places, fewer than MOST_SPANS, NEAR looks at each: nearly always there are no more."""

_FIELDS = ("title", "summary", "source", "section")


def evaluate(node: Node, text: Text, work: Work | None = None) -> tuple[MatchedWord, ...] | None:
    """The words that make the rule true, in order of title and summary, at most MOST_TOLD; None where it is false.

    The words are empty where it is true for no word in particular (a language). Raises TooMuchWork.
    """
    places = _Question(text, work).places(node, text.body)
    if places is None:
        return None
    return tuple([text.word(place) for place in _widest(places)])


class _Question:
    """One text that a rule is asked about, and the work that is left. `title_only` while within title:( )."""

    __slots__ = ("_text", "_work")

    def __init__(self, text: Text, work: Work | None) -> None:
        self._text, self._work = text, work

    def spend(self, steps: int) -> None:
        """Take so many steps; most rules on most texts take none that are worth counting."""
        if self._work is None:
            self._work = Work()
        self._work.spend(steps)

    def places(self, node: Node, reading: Reading, title_only: bool = False) -> list[Place] | None:
        """Places that make the node true; None where it is false.

        The kinds stand in the order of how often they come: this is where a story spends its time.
        """
        if isinstance(node, Term):
            places = reading.find_any(node.runs, node.exact, self)
            if title_only or len(places) > MOST_TOLD:
                places = self._bounded(places, title_only)[:MOST_TOLD]
            return places or None
        if isinstance(node, Or):
            found = [self.places(rule, reading, title_only) for rule in node.rules]
            true = [places for places in found if places is not None]
            return _together(true) if true else None
        if isinstance(node, And):
            return self._all(node, reading, title_only)
        if isinstance(node, In):
            return self._within(node)
        if isinstance(node, Not):
            return [] if self.places(node.rule, reading, title_only) is None else None
        return self._near(node, reading, title_only) or None

    def _near(self, node: Near, reading: Reading, title_only: bool) -> list[Place]:
        left = self._standing(node.left, reading, title_only)
        if left == []:
            return left
        right = self._standing(node.right, reading, title_only)
        if right == []:
            return right
        if left is not None and right is not None and len(left) * len(right) <= _FEW_PAIRS:
            return near_pairs(left, right, node.distance)
        return self._finding(node, reading, title_only).told(MOST_SPANS)

    def _standing(self, node: Node, reading: Reading, title_only: bool) -> list[Place] | None:
        """Where a word, a phrase or one of several stands; None for what is not as simple."""
        if isinstance(node, Term):
            return self._bounded(reading.find_any(node.runs, node.exact, self), title_only)
        if not isinstance(node, Or):
            return None
        places: list[Place] = []
        for rule in node.rules:
            if not isinstance(rule, Term):
                return None
            places += self._bounded(reading.find_any(rule.runs, rule.exact, self), title_only)
        return places

    def _all(self, node: And, reading: Reading, title_only: bool) -> list[Place] | None:
        true: list[list[Place]] = []
        for rule in node.rules:
            places = self.places(rule, reading, title_only)
            if places is None:
                return None
            true.append(places)
        return _together(true)

    def _within(self, node: In) -> list[Place] | None:
        if node.scope == "title":
            return self.places(node.rule, self._text.body, True)
        if node.scope == "lang":
            return [] if speaks(node.rule, self._text.language) else None
        return self.places(node.rule, self._text.label(node.scope.value))

    def _finding(self, node: Node, reading: Reading, title_only: bool) -> Finding:
        match node:
            case Near(left, right, distance):
                one = self._finding(left, reading, title_only)
                if not one.spans:
                    return one
                two = self._finding(right, reading, title_only)
                return near(one, two, distance, self) if two.spans else two
            case Or(rules):
                return either([self._finding(rule, reading, title_only) for rule in rules])
            case Term():
                places = self._bounded(reading.find_any(node.runs, node.exact, self), title_only)
                return standing(places) if places else NOTHING
            case _:
                return NOTHING  # the grammar lets nothing else stand beside NEAR

    def _bounded(self, places: list[Place], title_only: bool) -> list[Place]:
        """Of the places those that count, and counted."""
        if len(places) > MOST_TOLD:
            self.spend(len(places))
        if not title_only:
            return places
        if len(places) <= MOST_TOLD:
            return [place for place in places if place.field == "title"]
        in_order = sorted(places)  # the title is read first
        return in_order[: bisect_left(in_order, True, key=lambda place: place.field != "title")]


def _together(found: list[list[Place]]) -> list[Place]:
    return found[0] if len(found) == 1 else list(chain.from_iterable(found))


def speaks(rule: Node, language: str | None) -> bool:
    """Whether a `lang:` rule names the language: `en` names en-GB too."""
    if isinstance(rule, Or):
        return any(speaks(inner, language) for inner in rule.rules)
    wanted = rule.words.lower() if isinstance(rule, Term) else ""
    spoken = (language or primary_language(language)).lower()
    return spoken == wanted or spoken.startswith(f"{wanted}-")


def _widest(places: list[Place]) -> list[Place]:
    """In reading order, without those that lie within another: what a reader wants highlighted."""
    if len(places) == 1:
        return places
    kept: list[Place] = []
    for place in sorted(set(places), key=_in_reading_order):
        if not kept or kept[-1].field != place.field or place.end > kept[-1].end:
            kept.append(place)
            if len(kept) == MOST_TOLD:
                break
    return kept


def _in_reading_order(place: Place) -> tuple[int, int, int]:
    return _FIELDS.index(place.field), place.start, -place.end
