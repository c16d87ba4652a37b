"""What recurs and is not news: deals, puzzles, horoscopes, shells of live pages, galleries, betting.

Enters: an item. Leaves: the rule that keeps it from alerting, or None. A rule is shown to operators by its name and
the words that it found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from notifier.stories.story import StoryItem


@dataclass(frozen=True, slots=True)
class Gated:
    """The rule that an item fell under and the words that did it."""

    rule: str
    found: str


RULES = {
    "deals": re.compile(
        r"\b(?:deals?|discount|coupon|promo codes?|\$\d+ off|lowest price|black friday|prime day|save \$\d+)\b",
        re.IGNORECASE,
    ),
    "puzzle": re.compile(
        r"\b(?:wordle|connections hints?|crossword|sudoku|strands (?:hints?|answers?)|quordle|puzzle|quiz)\b",
        re.IGNORECASE,
    ),
    "horoscope": re.compile(r"\bhoroscopes?\b", re.IGNORECASE),
}


def gate(item: StoryItem) -> Gated | None:
    """The first rule that this item falls under."""
    for rule, pattern in RULES.items():
        if found := pattern.search(item.title):
            return Gated(rule, found.group())
    return None
