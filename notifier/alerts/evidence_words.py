"""Evidence in words: why something was alerted, or was not, said in one place.

Enters: `Evidence`. Leaves: `line`, all of it in one line (commands); `sentences`, one for each signal with the figures
behind it (the console).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from notifier.alerts.evidence import Evidence
from notifier.alerts.evidence_json import evidence_to_json, signals_to_json
from notifier.stories.breaking import LEAST_WEIGHT, BreakingSignals
from notifier.text.spans import span

Figures: TypeAlias = list[tuple[str, str]]
"""What was found, each with its name, as a person reads it."""
DEEPEST = 3
# What has a sentence of its own, or is a link on the page; all else is given as figures.
_SAID = frozenset(["by hand", "token", "replaces", "held", "facts", "over_budget", "breaking", "signals", "topics"])


def line(why: Evidence) -> str:
    """Evidence in one line: who wrote it, the topics with the words that matched, what changed, and the signals."""
    signals = why.signals
    parts = [f"by hand, {why.author.name}"] if why.author else []
    parts += [f"{slug} ({', '.join(words)})" if words else slug for slug, words in why.topics.items()]
    if why.facts:
        parts.append(f"changed: {_changed(why)}")
    if signals.sources:
        weight = f" (weight {signals.weight:g} of {signals.needed:g})" if signals.needed else ""
        parts.append(f"told by {', '.join(signals.sources)}{weight}")
    if signals.markers:
        parts.append(_marked(signals))
    if signals.related.stories:
        parts.append(f"with possibly related {_numbers(signals)}: {', '.join(signals.related.sources)}")
    return "; ".join(parts) or "no evidence was kept"


def sentences(why: Evidence) -> list[tuple[str, Figures]]:
    """Evidence as a sentence for each signal, and its figures for whoever opens it."""
    found = _of_an_alert(why)
    behind = figures(_without(signals_to_json(why.signals), {"markers", "related"}))
    if why.signals.sources:
        found.append((_breaking(why.signals), behind))
    elif why.breaking is not None:
        found.append(("Breaking" if why.breaking else "Not breaking: nothing fresh that counts", behind))
    if why.topics:
        by = [(slug, "by " + ", ".join(words) if words else "takes everything") for slug, words in why.topics.items()]
        found.append((f"Touches {', '.join(why.topics)}", by))
    if rest := figures(_without(evidence_to_json(why), _SAID | {"before"} if why.facts else _SAID)):
        found.append(("The decision’s other figures", rest))
    return found


def _of_an_alert(why: Evidence) -> list[tuple[str, Figures]]:
    """What only an alert's evidence has: who wrote it, what becomes of it, what changed, who is left out."""
    found: list[tuple[str, Figures]] = []
    if author := why.author:
        through = [("through the token", author.token)] if author.token else []
        found.append((f"Written by hand, by {author.name}", through))
    if why.hold.words:
        found.append((why.hold.words, []))
    if why.facts:
        before = [("the headline before", why.before)] if why.before else []
        found.append((f"Its facts changed: {_changed(why)}", before))
    if why.over_budget:
        found.append((f"Not sent to followers of {', '.join(why.over_budget)}: the daily budget is spent", []))
    return found


def _breaking(signals: BreakingSignals) -> str:
    count = len(signals.sources)
    sentence = f"Told by {count} independent source{'s' if count != 1 else ''}"
    if signals.needed:
        sentence += f": weight {signals.weight:g} of the {signals.needed:g} that make it breaking"
    if signals.markers:
        sentence += f", {_marked(signals)}"
    if signals.needed and signals.needed < LEAST_WEIGHT:
        sentence += f"; {signals.surge:g} times as fast as is usual for the hour"
    if signals.related.stories:
        sentence += f", with {', '.join(signals.related.sources)} of the possibly related {_numbers(signals)}"
    return sentence


def _marked(signals: BreakingSignals) -> str:
    """Whose marker counts."""
    return "called so by " + ", ".join(f"{name} ({said})" for name, said in signals.markers.items())


def _changed(why: Evidence) -> str:
    """The facts that changed."""
    return ", ".join(f"{kind} {' '.join(map(str, stated))}" for kind, stated in why.facts.items())


def _numbers(signals: BreakingSignals) -> str:
    """The related stories."""
    return ", ".join(f"#{story_id}" for story_id in signals.related.stories)


def _without(found: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
    return {name: value for name, value in found.items() if name not in names}


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
