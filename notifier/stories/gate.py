"""What recurs and is not news: deals, puzzles, horoscopes, betting, galleries, reviews, explainers, live shells.

Enters: an item. Leaves: the rule that keeps it from alerting, or None. A rule is shown to operators by its name and the
words that it found. Headlines only: a standfirst mentions too much. Such an item still belongs to its story; it neither
speaks for it nor counts as a source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from notifier.stories.story import StoryItem


@dataclass(frozen=True, slots=True)
class Gated:
    """The rule that an item fell under and the words that did it."""

    rule: str
    found: str


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# "Trade deal" and "peace deal" are news; what shops offer is told by prices, adverbs and plural.
RULES = {
    "deals": _any(
        r"\b(?:best|early|today['’]s|top|amazon|weekend|holiday) (?:\w+ ){0,3}deals?\b",
        r"\bdeals? (?:of the day|under \$|you can|worth|to shop|on (?:the )?(?:best|apple|amazon|samsung))",
        r"\b(?:promo|coupon|discount|voucher) codes?\b",
        r"[$£€]\d[\d,.]* off\b|\b\d+% off\b|\bsave (?:up to )?[$£€]\d",
        r"\b(?:black friday|cyber monday|prime (?:big )?days?)\b",
        r"\b(?:lowest (?:ever )?price|all-time low price|on sale (?:for|now))\b",
        r"\b(?:gift guide|best gifts?|we tested|our favou?rite)\b",
    ),
    "puzzle": _any(
        r"\b(?:wordle|quordle|octordle|crossword|sudoku|strands|nyt (?:mini|pips|connections))\b",
        r"\bconnections (?:hints?|answers?|today)\b",
        r"\b(?:hints?|answers?),? (?:and|&) (?:hints?|answers?)\b",
        r"\b(?:weekly|news|sports?) quiz\b|^quiz\b",
    ),
    "horoscope": _any(r"\bhoroscopes?\b", r"\bzodiac sign"),
    "betting": _any(
        r"\b(?:best bets|betting odds|odds,? picks|picks and predictions|fantasy (?:football|basketball|rankings?))\b"
    ),
    "gallery": _any(
        r"\b(?:in pictures|in photos|photo (?:gallery|essay)|photos of the (?:day|week)|week in pictures)\b",
        r"^photos?:",
    ),
    "review": _any(
        r"\breview:",
        r"\breview$",
        r"['’”\"] review\b",
        r"^review\b",
        r"^hands[- ]on\b",
        r"\b(?:vs\.?|versus)\b.*\bwhich\b",
    ),
    "how to watch": _any(
        r"\bhow to (?:watch|stream|buy|use|make|get|clean|choose)\b", r"\bwhere to watch\b", r"\bwatch .* online free\b"
    ),
    "explainer": _any(
        r"\bwhat (?:to|we|you need to) know\b",
        r"\bhere['’]s (?:what|why|how)\b|\bexplained\b|^explainer\b|^(?:analysis|opinion|comment)\s*[:|]",
        r"^(?:why|how|where|mapping) ",
        r"\bfive things\b|\b\d+ things to\b|^q&a\b",
        r"^(?:who|what) (?:is|are|was|were|does|did|happened|happens)\b",
        r"\bwhat(?:['’]s| is) (?:happening|next|at stake)\b",
        r"\?\W*$",
        r"\b(?:19|20)\d\d\s?[-–]\s?(?:19|20)\d\d\W*$|\bobituary\b",
        r"\b(?:key|main|\d+|three|four|five) takeaways\b|^takeaways\b|^timeline\b|\b(?:visual|interactive) guide\b",
        r"\bin (?:\w+ )?(?:charts|maps|graphics)\b|^(?:the )?(?:(?:morning|evening|pm|am) )?bulletin\b|^the papers\b",
    ),
    # What is yet to come: the day of a vote is no result, and a hearing tomorrow is no testimony.
    "preview": _any(
        r"\bwhat to expect\b|\bhow to vote\b|\bto testify\b|\bdecide whether to\b",
        r"\b(?:readies|prepares|gears up|set) to (?:launch|lift|take off|land)\b",
        r"\b(?:election|referendum|vote) could\b",
        r"\b(?:heads?|go|goes|going|heading|returns?) (?:back )?to (?:the )?(?:polls|ballot box)",
        r"\bpolls (?:have )?open(?:ed)?\b",
        r"\bvotes? as\b|\b(?:votes?|voting|voters) in\b.*\b(?:elections?|referendum|polls?|ballot|run-?off|vote)\b",
        r"\bvoters? (?:to )?(?:choose|decide|elect|cast)\b",
        r"\b(?:elections?|referendum|vote|ballot)\b.*\b(?:test for|(?:key|to the) test|(?:tight|close) race)\b",
        r"\b(?:elections?|referendum|vote|ballot)\b.*\b(?:showdown|looms?)\b",
        r"\bset to (?:begin|testify|meet|host|visit|vote|face off)\b",
    ),
    "live shell": _any(
        r"^(?:live|watch live|live updates?|latest news|news (?:bulletin|headlines?)|(?:morning|evening) briefing)\W*$",
        r"^(?:video|replay|podcast|newsletter|in focus)\s*:",
        r"\b(?:news summary|newsletter|podcast|morning briefing|daily briefing|list of key events)\b",
    ),
    "schedule": _any(
        r"\b(?:release|tv|streaming) schedule\b|\bwhen (?:does|is|do) .*\b(?:episode|season|come out|start|coming)\b",
        r"\b(?:episode|season|finale) (?:\d+ )?recap\b|\brecap:",
    ),
    "box office": _any(r"\bbox office\b"),
}


# What is no event at all, so that two of a kind tell none in common, however alike (yesterday's puzzle and today's),
# and what is one only tomorrow: the polls that open are not the votes that were counted.
NO_EVENT = frozenset(
    {
        "deals",
        "puzzle",
        "horoscope",
        "betting",
        "gallery",
        "review",
        "how to watch",
        "box office",
        "schedule",
        "preview",
    }
)


def recurring(item: StoryItem) -> bool:
    """The item is of a kind that tells no event: it is not grouped by likeness with another publisher's."""
    gated = gate(item)
    return gated is not None and gated.rule in NO_EVENT


def gate(item: StoryItem) -> Gated | None:
    """The first rule that this item falls under."""
    return _gated(item.title)


# A story is judged whenever one of its items changes, each time with all of them.
@lru_cache(maxsize=8192)
def _gated(title: str) -> Gated | None:
    for rule, pattern in RULES.items():
        if found := pattern.search(title):
            return Gated(rule, found.group())
    return None
