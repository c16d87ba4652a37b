"""Wire copy: an agency's text under many mastheads is one source, not many.

Enters: a story's items. Leaves: its independent sources, each with the items that carry it. Publishers are counted,
not feeds; items whose text is near-equal, or that credit the same agency in their dateline, are one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from notifier.stories.canonical import Unions
from notifier.stories.story import StoryItem
from notifier.text.content import stems
from notifier.text.fold import fold
from notifier.text.tokens import words

# "WASHINGTON (AP) —", "(Reuters) -", "By Reuters": a dateline or byline, not "told Reuters".
CREDIT = re.compile(
    r"\((AP|Reuters|AFP|PA|dpa|ANSA|EFE|Xinhua)\)\s*[-\u2013\u2014]"
    r"|^\s*(?:By |- )?(Associated Press|Reuters|AFP|PA Media)\s*[-\u2013\u2014|]",
    re.IGNORECASE,
)
LEAST_STEMS = 10
NEAR_EQUAL = 0.75
# What a publisher's name says about the desk or the edition, not about who speaks.
SECTION_WORDS = words(
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


@lru_cache(maxsize=16_384)  # as many as there may be feeds, and more
def publisher_key(name: str) -> str:
    """Who speaks: `bbc.co.uk`, `BBC News` and `BBC World` are one."""
    plain = re.sub(r"\([^)]*\)|^https?://(?:www\.)?", " ", fold(name))
    parts = [p for p in re.split(r"[\s.,/|-]+", plain) if p]
    kept = " ".join(p for p in parts if p not in SECTION_WORDS) or " ".join(parts)
    return SAME_PUBLISHER.get(kept, kept)


def near_equal(a: StoryItem, b: StoryItem) -> bool:
    """The two say the same in nearly the same words, at a length at which that is no accident."""
    return _near_equal(said(a), said(b))


def said(item: StoryItem) -> frozenset[str]:
    """The stems of headline and standfirst."""
    return stems(f"{item.title} {item.summary}", item.language)


def _near_equal(left: frozenset[str], right: frozenset[str]) -> bool:
    if min(len(left), len(right)) < LEAST_STEMS:
        return False
    return len(left & right) >= NEAR_EQUAL * len(left | right)


def agency(item: StoryItem) -> str | None:
    """The news agency that a dateline or byline credits."""
    found = CREDIT.search(f"{item.summary}") or CREDIT.search(item.title)
    return next(g for g in found.groups() if g).casefold() if found else None


def sources(items: Sequence[StoryItem]) -> list[list[StoryItem]]:
    """The independent sources among a story's items, in the order in which they came.

    Two texts are compared only if they are not one source yet and share a rare stem (see `_telling`): a thousand
    copies cost a thousand comparisons, not half a million.
    """
    same = Unions(len(items))
    keys: dict[tuple[str, str], int] = {}
    for i, item in enumerate(items):
        same.join(i, keys.setdefault(("publisher", publisher_key(item.publisher)), i))
        if credit := agency(item):
            same.join(i, keys.setdefault(("agency", credit), i))
    texts = [said(item) for item in items]
    having: dict[str, list[int]] = {}
    for i, telling in enumerate(_telling(texts)):
        for stem in telling:
            sharing = having.setdefault(stem, [])
            for j in sharing:
                if same.root(i) != same.root(j) and _near_equal(texts[j], texts[i]):
                    same.join(i, j)
            sharing.append(i)
    return same.groups(items)


def _telling(texts: Sequence[frozenset[str]]) -> list[list[str]]:
    """The rarest stems of each text, so many that any near-equal text among these has one of them too.

    Of two texts with at least NEAR_EQUAL of their stems in common each lacks at most the rest of the other's, so in any
    one order of all stems they meet within the first of each (the prefix filter of set similarity joins).
    """
    common = Counter(stem for text in texts for stem in text)
    return [
        sorted(text, key=lambda stem: (common[stem], stem))[: len(text) - math.ceil(NEAR_EQUAL * len(text)) + 1]
        if len(text) >= LEAST_STEMS
        else []
        for text in texts
    ]
