"""Wire copy: an agency's text under many mastheads is one source, not many.

Enters: a story's items. Leaves: its independent sources, each with the items that carry it. Publishers are counted,
not feeds; items whose text is near-equal, or that credit the same agency in their dateline, are one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from notifier.stories.identity import components
from notifier.stories.story import StoryItem
from notifier.stories.text import stems, words

# "WASHINGTON (AP) —", "(Reuters) -", "By Reuters": a dateline or byline, not "told Reuters".
CREDIT = re.compile(
    r"\((AP|Reuters|AFP|PA|dpa|ANSA|EFE|Xinhua)\)\s*[-\u2013\u2014]"
    r"|^\s*(?:By |- )?(Associated Press|Reuters|AFP|PA Media)\s*[-\u2013\u2014|]",
    re.IGNORECASE,
)
LEAST_STEMS = 10
NEAR_EQUAL = 0.75
# What a publisher's name says about the desk or the edition, not about who speaks.
DESKS = words(
    "the news world business sport sports tech technology science online com co uk org net us international english "
    "politics arts culture europe asia africa entertainment health money magazine version edition opinion"
)
SAME_PUBLISHER = {
    "deutsche welle": "dw",
    "new york times": "nyt",
    "wall street journal": "wsj",
    "ft": "financial times",
    "associated press": "ap",
    "hollywood reporter": "hollywood reporter",
    "aljazeera": "al jazeera",
    "france24": "france 24",
    "skynews": "sky",
}


@lru_cache(maxsize=4096)
def publisher_key(name: str) -> str:
    """Who speaks: `bbc.co.uk`, `BBC News` and `BBC World` are one."""
    plain = re.sub(r"\([^)]*\)|^https?://(?:www\.)?", " ", name.casefold())
    parts = [p for p in re.split(r"[\s.,/|-]+", plain) if p]
    kept = " ".join(p for p in parts if p not in DESKS) or " ".join(parts)
    return SAME_PUBLISHER.get(kept, kept)


def near_equal(a: StoryItem, b: StoryItem) -> bool:
    """The two say the same in nearly the same words, at a length at which that is no accident."""
    left, right = (stems(f"{item.title} {item.summary}", item.language) for item in (a, b))
    if min(len(left), len(right)) < LEAST_STEMS:
        return False
    return len(left & right) >= NEAR_EQUAL * len(left | right)


def agency(item: StoryItem) -> str | None:
    """The news agency that a dateline or byline credits."""
    found = CREDIT.search(f"{item.summary}") or CREDIT.search(item.title)
    return next(g for g in found.groups() if g).casefold() if found else None


def sources(items: Sequence[StoryItem]) -> list[list[StoryItem]]:
    """The independent sources among a story's items, in the order in which they came."""
    keys: list[list[tuple[str, object]]] = []
    for i, item in enumerate(items):
        own: list[tuple[str, object]] = [("publisher", publisher_key(item.publisher))]
        if credit := agency(item):
            own.append(("agency", credit))
        own.extend(("text", (j, i)) for j in range(i) if near_equal(items[j], item))
        keys.append(own)
        for kind, pair in own:
            if kind == "text" and isinstance(pair, tuple):
                keys[pair[0]].append((kind, pair))
    return components(items, keys)
