"""Evidence as JSON: how the database keeps it, and how programs get it.

What was stored by any earlier version can be read: what is not known now, or is not of its kind, is kept as it is, and
what was not known then stays out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from notifier.alerts.evidence import Author, DropFigures, Evidence, OnHold
from notifier.stories.breaking import FIGURES, NOT_JUDGED, BreakingSignals, RelatedSupport
from notifier.topics.topic import Then

T = TypeVar("T")
_DROP_FIGURES = tuple(one.name for one in fields(DropFigures))
_THEN = tuple(Then)
_NOTHING: tuple[Any, ...] = (None, "", (), [], {})


def evidence_to_json(why: Evidence) -> dict[str, Any]:
    """Without what it does not have. The order is that in which decisions have always been stored."""
    author, hold = why.author, why.hold
    found = {
        "by hand": author and author.name,
        "token": author and author.token,
        "replaces": why.replaces or None,
        "error": why.error,
        "breaking": why.breaking,
        "signals": signals_to_json(why.signals),
        "items": why.items,
        "before": why.before,
        "facts": why.facts,
        **{name: getattr(why.figures, name) for name in _DROP_FIGURES},
        "topics": why.topics,
        "over_budget": why.over_budget,
        "held": hold.words,
        "then": hold.then and hold.then.value,
        "let_go": hold.let_go or None,
        "nobody_looked": hold.nobody_looked,
        "into": why.merged_into or None,
    }
    known = {name: value for name, value in found.items() if value not in _NOTHING}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}
    return {**plain, **why.others}


def evidence_from_json(stored: Mapping[str, Any]) -> Evidence:
    """The reverse of `evidence_to_json`."""
    left = _Fields(stored)
    by = left.take("by hand", "")
    figures = left.take_all(_DROP_FIGURES, int, float, str, list)
    then = Then(left.rest.pop("then")) if stored.get("then") in _THEN else None
    return Evidence(
        author=Author(by, left.take("token", "")) if by else None,
        replaces=left.take("replaces", 0),
        error=left.take("error", ""),
        breaking=left.take("breaking", None, bool),
        signals=_signals_from_json(left.take("signals", {})),
        items=tuple(left.take("items", [])),
        before=left.take("before", ""),
        facts=left.take("facts", {}),
        figures=DropFigures(**figures),
        topics=left.take("topics", {}),
        over_budget=tuple(left.take("over_budget", [])),
        hold=OnHold(left.take("held", ""), then, left.take("let_go", False), left.take("nobody_looked", "")),
        merged_into=left.take("into", 0),
        others=left.rest,
    )


def signals_to_json(signals: BreakingSignals) -> dict[str, Any]:
    """The part that says whether a story is breaking."""
    found: dict[str, Any] = {name: getattr(signals, name) for name in FIGURES if name not in signals.unknown}
    if signals.markers:
        found["markers"] = signals.markers
    if (related := signals.related) != RelatedSupport():
        found |= {"own": related.own, "related": {"stories": list(related.stories), "sources": related.sources}}
    return {**found, **signals.others}


def _signals_from_json(stored: Mapping[str, Any]) -> BreakingSignals:
    left = _Fields(stored)
    figures = left.take_all(FIGURES[1:], int, float) | left.take_all(FIGURES[:1], dict)
    own, related = left.take("own", 0.0, int, float), _Fields(left.take("related", {}))
    return BreakingSignals(
        **figures,
        markers=left.take("markers", dict[str, str]()),
        related=RelatedSupport(own, tuple(related.take("stories", [])), related.take("sources", {})),
        unknown=NOT_JUDGED.unknown.difference(figures),
        others=left.rest,
    )


class _Fields:
    """What is stored, field by field; `rest` is what was not taken."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self.rest = dict(stored)

    def take(self, name: str, default: T, *kinds: type) -> T:
        """A field of these kinds, or of the default's; the default where there is none."""
        if name in self.rest and isinstance(self.rest[name], kinds or type(default)):
            value: T = self.rest.pop(name)
            return value
        return default

    def take_all(self, names: Iterable[str], *kinds: type) -> dict[str, Any]:
        """Those of these fields that are there."""
        return {name: self.rest.pop(name) for name in names if name in self.rest and isinstance(self.rest[name], kinds)}
