"""Why something was alerted, or was not, in words: what a decision rests on is read here once, and said here once.

Enters: the evidence that decisions give and the database keeps (JSON). Leaves: `Evidence`; `line`, all of it in one
line (commands); `sentences`, one for each signal with the figures behind it (the console). Programs get the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from notifier.stories.breaking import LEAST_WEIGHT
from notifier.text.spans import span

Figures: TypeAlias = list[tuple[str, str]]
"""What was found, each with its name, as a person reads it."""
DEEPEST = 3


@dataclass(frozen=True, slots=True)
class BreakingSignals:
    """Who tells a story, and whether that makes it breaking (stories/breaking.py): `weight` of the `needed`.

    `markers` are those ("Breaking:") that count; `helpers` tell one of the `related` stories. `figures` are all but
    these two.
    """

    sources: tuple[str, ...]
    weight: float
    needed: float
    surge: float
    markers: Mapping[str, str]
    related: tuple[int, ...]
    helpers: tuple[str, ...]
    figures: Mapping[str, Any]

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> BreakingSignals:
        """What is stored of them; what is not there counts nothing."""
        figures = dict(stored)
        markers, related = figures.pop("markers", None) or {}, figures.pop("related", None) or {}
        weight, needed, surge = (figures.get(name) or 0.0 for name in ("weight", "needed", "surge"))
        story_from, stories = tuple(figures.get("sources") or ()), tuple(related.get("stories", ()))
        return cls(story_from, weight, needed, surge, markers, stories, tuple(related.get("sources", ())), figures)

    def marked(self) -> str:
        """Whose marker counts."""
        return "called so by " + ", ".join(f"{name} ({said})" for name, said in self.markers.items())


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision or an alert rests on.

    `by` wrote it by hand, through a `token` or not; `held` says what becomes of it; `facts` are those that changed
    since the headline `before`; followers of the topics that are `over_budget` are left out. `topics` have the words
    that matched, none where a topic takes everything. `others` are figures without a sentence of their own.
    """

    by: str | None
    token: str | None
    held: str | None
    facts: Mapping[str, Sequence[str]]
    before: str | None
    over_budget: Sequence[str]
    breaking: bool | None
    signals: BreakingSignals
    topics: Mapping[str, Sequence[str]]
    others: Mapping[str, Any]

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Evidence:
        """What is stored of it."""
        others = dict(stored)
        others.pop("replaces", None)  # pages link to it
        by, facts, topics = (
            others.pop("by hand", None),
            others.pop("facts", None) or {},
            others.pop("topics", None) or {},
        )
        return cls(
            by=by,
            token=others.pop("token", None) if by else None,
            held=others.pop("held", None),
            facts=facts,
            before=others.pop("before", None) if facts else None,
            over_budget=others.pop("over_budget", None) or (),
            breaking=others.pop("breaking", None),
            signals=BreakingSignals.read(others.pop("signals", None) or {}),
            topics=topics if isinstance(topics, Mapping) else dict.fromkeys(topics, ()),
            others=others,
        )

    def changed(self) -> str:
        """The facts that changed."""
        return ", ".join(f"{kind} {' '.join(map(str, stated))}" for kind, stated in self.facts.items())


def line(stored: Mapping[str, Any]) -> str:
    """Evidence in one line: who wrote it, the topics with the words that matched, what changed, and the signals."""
    told = Evidence.read(stored)
    signals = told.signals
    parts = [f"by hand, {told.by}"] if told.by else []
    parts += [f"{slug} ({', '.join(words)})" if words else slug for slug, words in told.topics.items()]
    if told.facts:
        parts.append(f"changed: {told.changed()}")
    if signals.sources:
        weight = f" (weight {signals.weight:g} of {signals.needed:g})" if signals.needed else ""
        parts.append(f"told by {', '.join(signals.sources)}{weight}")
    if signals.markers:
        parts.append(signals.marked())
    if signals.related:
        parts.append(f"with possibly related {_numbers(signals.related)}: {', '.join(signals.helpers)}")
    return "; ".join(parts) or "no evidence was kept"


def sentences(stored: Mapping[str, Any]) -> list[tuple[str, Figures]]:
    """Evidence as a sentence for each signal, and its figures for whoever opens it."""
    told = Evidence.read(stored)
    found = _of_an_alert(told)
    if told.signals.sources:
        found.append((_breaking(told.signals), figures(told.signals.figures)))
    elif told.breaking is not None:
        words = "Breaking" if told.breaking else "Not breaking: nothing fresh that counts"
        found.append((words, figures(told.signals.figures)))
    if told.topics:
        by = [(slug, "by " + ", ".join(words) if words else "takes everything") for slug, words in told.topics.items()]
        found.append((f"Touches {', '.join(told.topics)}", by))
    if rest := figures(told.others):
        found.append(("The decision’s other figures", rest))
    return found


def _of_an_alert(told: Evidence) -> list[tuple[str, Figures]]:
    """What only an alert's evidence has: who wrote it, what becomes of it, what changed, who is left out."""
    found: list[tuple[str, Figures]] = []
    if told.by:
        found.append((f"Written by hand, by {told.by}", [("through the token", told.token)] if told.token else []))
    if told.held:
        found.append((told.held, []))
    if told.facts:
        before = [] if told.before is None else [("the headline before", told.before)]
        found.append((f"Its facts changed: {told.changed()}", before))
    if told.over_budget:
        found.append((f"Not sent to followers of {', '.join(told.over_budget)}: the daily budget is spent", []))
    return found


def _breaking(signals: BreakingSignals) -> str:
    count = len(signals.sources)
    sentence = f"Told by {count} independent source{'s' if count != 1 else ''}"
    if signals.needed:
        sentence += f": weight {signals.weight:g} of the {signals.needed:g} that make it breaking"
    if signals.markers:
        sentence += f", {signals.marked()}"
    if signals.needed and signals.needed < LEAST_WEIGHT:
        sentence += f"; {signals.surge:g} times as fast as is usual for the hour"
    if signals.related:
        sentence += f", with {', '.join(signals.helpers)} of the possibly related {_numbers(signals.related)}"
    return sentence


def _numbers(stories: Sequence[int]) -> str:
    return ", ".join(f"#{story_id}" for story_id in stories)


def figures(found: Mapping[str, Any], depth: int = 0) -> Figures:
    """Figures as lines that a person can read: a name and what was found. Items are shown elsewhere."""
    lines: Figures = []
    for key, value in found.items():
        seconds = key.endswith("_s") and isinstance(value, int | float)
        name = (key.removesuffix("_s") if seconds else key).replace("_", " ")
        if isinstance(value, Mapping) and depth < DEEPEST:
            lines += [(f"{name}: {inner}", said) for inner, said in figures(value, depth + 1)]
        elif key != "items":
            lines.append((name, span(value) if seconds else _said(value)))
    return lines


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "none"
    return "–" if value is None else str(value)
