"""An alert's evidence, as one line that a person reads."""

from __future__ import annotations

from typing import Any


def because(why: Any) -> str:
    """An alert's evidence in one line: the topics with the words that matched, and the signals."""
    topics = why.get("topics") or {}
    if isinstance(topics, dict):
        parts = [f"{slug} ({', '.join(words)})" if words else slug for slug, words in topics.items()]
    else:
        parts = list(topics)
    facts = why.get("facts") or {}
    if facts:
        parts.append("changed: " + ", ".join(f"{kind} {' '.join(map(str, stated))}" for kind, stated in facts.items()))
    signals = why.get("signals") or {}
    if signals.get("sources"):
        sources, weight, needed = signals["sources"], signals.get("weight"), signals.get("needed")
        parts.append(f"told by {', '.join(sources)}" + (f" (weight {weight:g} of {needed:g})" if needed else ""))
    if markers := signals.get("markers"):
        parts.append("called so by " + ", ".join(f"{name} ({said})" for name, said in markers.items()))
    if related := signals.get("related"):
        stories = ", ".join(f"#{story_id}" for story_id in related["stories"])
        parts.append(f"with possibly related {stories}: {', '.join(related['sources'])}")
    if why.get("by hand"):
        parts.insert(0, f"by hand, {why['by hand']}")
    return "; ".join(parts) or "no evidence was kept"
