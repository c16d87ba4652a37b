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
        parts.append("changed: " + ", ".join(f"{kind} {value}" for kind, value in facts.items()))
    signals = [f"{name} {value}" for name, value in (why.get("signals") or {}).items() if not isinstance(value, dict)]
    return "; ".join([*parts, *signals]) or "no evidence was kept"
