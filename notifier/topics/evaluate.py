"""A rule asked about one text: is it true, and which words made it so.

Enters: a tree and a `Text`. Leaves: the matched words; pure. `match` and `backtest` only ask it about texts that an
index could not rule out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from notifier.topics.stem import primary_language
from notifier.topics.text import Place, Reading, Text
from notifier.topics.topic import MatchedWord
from notifier.topics.tree import And, In, Near, Node, Not, Or, Term

_Found: TypeAlias = tuple[Place, ...]
"""The places that count as one finding: a term has one, NEAR one of each side."""

_FIELDS = ("title", "summary", "source", "section")


def evaluate(node: Node, text: Text) -> tuple[MatchedWord, ...] | None:
    """The words that make the rule true, in order of title and summary; None where it is false.

    The words are empty where it is true for no word in particular (a language).
    """
    places = _places(node, text, text.body, None)
    if places is None:
        return None
    return tuple([text.word(place) for place in _widest(places)])


def _places(node: Node, text: Text, reading: Reading, only: str | None) -> list[Place] | None:
    """Places that make the node true, within one field if `only` names it; None where it is false.

    The kinds stand in the order of how often they come: this is where a story spends its time.
    """
    if isinstance(node, Term):
        places = reading.find_any(node.runs, node.exact)
        if only is not None:
            places = _of_field(places, only)
        return places or None
    if isinstance(node, Or):
        return _any(node.rules, text, reading, only)
    if isinstance(node, And):
        return _all(node.rules, text, reading, only)
    if isinstance(node, In):
        return _within(node, text)
    if isinstance(node, Not):
        return [] if _places(node.rule, text, reading, only) is None else None
    return [place for found in _found(node, reading, only) for place in found] or None


def _any(rules: Iterable[Node], text: Text, reading: Reading, only: str | None) -> list[Place] | None:
    together: list[Place] | None = None
    for rule in rules:
        places = _places(rule, text, reading, only)
        if places is not None:
            together = places if together is None else together + places
    return together


def _all(rules: Iterable[Node], text: Text, reading: Reading, only: str | None) -> list[Place] | None:
    together: list[Place] = []
    for rule in rules:
        places = _places(rule, text, reading, only)
        if places is None:
            return None
        together = together + places
    return together


def _within(node: In, text: Text) -> list[Place] | None:
    if node.scope == "title":
        return _places(node.rule, text, text.body, "title")
    if node.scope == "lang":
        return [] if speaks(node.rule, text.language) else None
    return _places(node.rule, text, text.label(node.scope.value), None)


def speaks(rule: Node, language: str | None) -> bool:
    """Whether a `lang:` rule names the language: `en` names en-GB too."""
    if isinstance(rule, Or):
        return any(speaks(inner, language) for inner in rule.rules)
    wanted = rule.words.lower() if isinstance(rule, Term) else ""
    spoken = (language or primary_language(language)).lower()
    return spoken == wanted or spoken.startswith(f"{wanted}-")


def _found(node: Node, reading: Reading, only: str | None) -> list[_Found]:
    match node:
        case Term(exact=exact, runs=runs):
            return [(place,) for place in _of_field(reading.find_any(runs, exact), only)]
        case Near(left, right, distance):
            lefts = _found(left, reading, only)
            rights = _found(right, reading, only) if lefts else []
            return [one + two for one in lefts for two in rights if _apart(one, two) <= distance]
        case Or(rules):
            return [found for rule in rules for found in _found(rule, reading, only)]
        case _:
            return []


def _of_field(places: list[Place], only: str | None) -> list[Place]:
    return places if only is None else [place for place in places if place.field == only]


def _apart(one: _Found, two: _Found) -> int:
    """Steps from the last word of the earlier finding to the first of the later; endless where they overlap."""
    (one_first, one_last), (two_first, two_last) = _extent(one), _extent(two)
    steps = two_first - one_last if one_first <= two_first else one_first - two_last
    return steps if steps > 0 else 1 << 30


def _extent(found: _Found) -> tuple[int, int]:
    return min(place.first for place in found), max(place.last for place in found)


def _widest(places: list[Place]) -> list[Place]:
    """In reading order, without those that lie within another: what a reader wants highlighted."""
    if len(places) == 1:
        return places
    kept: list[Place] = []
    for place in sorted(set(places), key=_in_reading_order):
        if not kept or kept[-1].field != place.field or place.end > kept[-1].end:
            kept.append(place)
    return kept


def _in_reading_order(place: Place) -> tuple[int, int, int]:
    return _FIELDS.index(place.field), place.start, -place.end
