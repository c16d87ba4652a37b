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
from notifier.topics.tree import And, In, Near, Node, Not, Or, Scope, Term

_Found: TypeAlias = tuple[Place, ...]
"""The places that count as one finding: a term has one, NEAR one of each side."""


def evaluate(node: Node, text: Text) -> tuple[MatchedWord, ...] | None:
    """The words that make the rule true, in order of title and summary; None where it is false.

    The words are empty where it is true for no word in particular (a language).
    """
    places = _places(node, text, text.body, None)
    if places is None:
        return None
    return tuple(text.word(place) for place in _widest(places))


def _places(node: Node, text: Text, reading: Reading, only: str | None) -> list[Place] | None:
    """Places that make the node true, within one field if `only` names it; None where it is false."""
    match node:
        case Term() | Near():
            found = _found(node, reading, only)
            return [place for places in found for place in places] if found else None
        case In(scope, rule):
            return _within(scope, rule, text)
        case Not(rule):
            return [] if _places(rule, text, reading, only) is None else None
        case And(rules):
            return _all(rules, text, reading, only)
        case Or(rules):
            true = [places for rule in rules if (places := _places(rule, text, reading, only)) is not None]
            return [place for places in true for place in places] if true else None


def _all(rules: Iterable[Node], text: Text, reading: Reading, only: str | None) -> list[Place] | None:
    together: list[Place] = []
    for rule in rules:
        places = _places(rule, text, reading, only)
        if places is None:
            return None
        together += places
    return together


def _within(scope: Scope, rule: Node, text: Text) -> list[Place] | None:
    match scope:
        case Scope.TITLE:
            return _places(rule, text, text.body, "title")
        case Scope.LANG:
            return [] if speaks(rule, text.language) else None
        case _:
            return _places(rule, text, text.label(scope.value), None)


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
            places = [place for run in runs for place in reading.find_run(run, exact=exact)]
            return [(place,) for place in places if only is None or place.field == only]
        case Near(left, right, distance):
            sides = (_found(left, reading, only), _found(right, reading, only))
            return [one + two for one in sides[0] for two in sides[1] if _apart(one, two) <= distance]
        case Or(rules):
            return [found for rule in rules for found in _found(rule, reading, only)]
        case _:
            return []


def _apart(one: _Found, two: _Found) -> int:
    """Steps from the last word of the earlier finding to the first of the later; endless where they overlap."""
    (one_first, one_last), (two_first, two_last) = _extent(one), _extent(two)
    steps = two_first - one_last if one_first <= two_first else one_first - two_last
    return steps if steps > 0 else 1 << 30


def _extent(found: _Found) -> tuple[int, int]:
    return min(place.first for place in found), max(place.last for place in found)


def _widest(places: Iterable[Place]) -> list[Place]:
    """In reading order, without those that lie within another: what a reader wants highlighted."""
    kept: list[Place] = []
    for place in sorted(set(places), key=lambda place: (place.field != "title", place.field, place.start, -place.end)):
        if not kept or kept[-1].field != place.field or place.end > kept[-1].end:
            kept.append(place)
    return kept
