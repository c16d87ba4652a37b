"""What a headline states, so that an edit can be told from a change of facts.

Enters: two headlines. Leaves: the numbers, names and statuses that the newer one has and the older one lacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from notifier.stories.text import names, numbers, stems, tokens, words

# The share of the shorter headline's stems that both must have.
SAME_SUBJECT = 0.4
STATUS = words(
    "dead dies died killed wounded injured arrested charged convicted sentenced acquitted resigns resigned elected "
    "wins won ousted ceasefire evacuated missing found rescued confirmed denies suspended banned released freed"
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


def same_subject(before: str, after: str) -> bool:
    """The newer headline still speaks of what the older one did: a live page at one address moves on to other news."""
    old, new = stems(before), stems(after)
    return len(old & new) >= SAME_SUBJECT * min(len(old), len(new))


def _facts(title: str) -> dict[str, frozenset[str]]:
    return {"number": numbers(title), "name": names(title), "status": frozenset(tokens(title)) & STATUS}
