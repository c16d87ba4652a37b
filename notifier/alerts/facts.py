"""What a headline states, so that an edit can be told from a change of facts.

Enters: two headlines. Leaves: the numbers, names and statuses that the newer one has and the older one lacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from notifier.stories.text import words

NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*\b")
STATUS = words(
    "dead dies died killed wounded injured arrested charged convicted sentenced acquitted resigns resigned elected wins "
    "won ousted ceasefire evacuated missing found rescued confirmed denies suspended banned released freed"
)
CORRECTION = re.compile(r"\b(?:correction|corrected|corrects|clarification|retracts?|retracted)\b", re.IGNORECASE)


def changed_facts(before: str, after: str) -> Mapping[str, list[str]]:
    """What `after` states and `before` does not, by kind (`number`, `name`, `status`); empty if only words changed."""
    old, new = _facts(before), _facts(after)
    found = {kind: sorted(new[kind] - old[kind]) for kind in new}
    return {kind: values for kind, values in found.items() if values}


def corrects(before: str, after: str) -> bool:
    """The outlet says itself that it was wrong."""
    return bool(CORRECTION.search(after)) and not CORRECTION.search(before)


def _facts(title: str) -> dict[str, set[str]]:
    spelled = re.findall(r"[\w'’]+", title)
    return {
        "number": set(NUMBER.findall(title)),
        "name": {w for w in spelled[1:] if w[:1].isupper()} | set(spelled[:1]),
        "status": {w.lower() for w in spelled} & STATUS,
    }
