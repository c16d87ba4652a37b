"""What a headline or a standfirst is about, in the form in which texts are compared.

Enters: clean text. Leaves: stems (what it is about), numbers (what it counts) and names (who and where). Scripts
without spaces are taken as pairs of characters. Cheap: some 50 microseconds each.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from notifier.text.languages import primary_language
from notifier.text.stems import stem_of_any
from notifier.text.tokens import SPELLED, tokens, words

NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*\d|(?<![\w.])\d")
SENTENCE_START = re.compile(r"(?:^|[.!?:;|\u2013\u2014]\s+|[\"'\u201c\u2018(\[])\W*$")

STOP = words(
    "a about after again against all also am amid an and any are aren't as at be because been before being "
    "between both but by can can't could did didn't do does doesn't doing don't down during each few for from "
    "further get gets got had has have having he he's her here hers him his how i i'm if in into is isn't it it's "
    "its just may me might more most must my no nor not now of off on once only or other our out over own per "
    "said same say says saying she should so some such than that that's the their them then there these they "
    "they're this those through to too under until up upon us very via was wasn't we we're were what what's when "
    "where which while who who's whom why will with won't would you you're your new latest breaking live update "
    "updates watch video news report reports first one two three "
)
_UP_TO_SIXTEEN = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen",
)  # fmt: skip
NUMBER_WORDS = {word: str(n) for n, word in enumerate(_UP_TO_SIXTEEN)} | {
    "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "dozens": "dozens", "hundreds": "hundreds"
}  # fmt: skip


@lru_cache(maxsize=4096)  # a story is judged whenever one of its items changes, each time with all of them
def stems(text: str, language: str | None = None) -> frozenset[str]:
    """What a text is about: its stemmed words without the ones that every text has."""
    kept = [t for t in tokens(text) if t not in STOP and (len(t) > 1 or t.isdigit() or not t.isascii())]
    spoken = primary_language(language)
    return frozenset([stem_of_any(token, spoken) for token in kept])


def overlap(a: frozenset[str], b: frozenset[str]) -> float:
    """The share of stems that two texts have in common, of the mean length of both: 0 to 1."""
    return len(a & b) / math.sqrt(len(a) * len(b)) if a and b else 0.0


def numbers(text: str) -> frozenset[str]:
    """The counts and amounts that a text states, years left out; small ones also where they are spelled."""
    found = {n.replace(",", "").rstrip(".") for n in NUMBER.findall(text)}
    found |= {NUMBER_WORDS[t] for t in tokens(text) if t in NUMBER_WORDS and t != "one"}
    return frozenset(n for n in found if not re.fullmatch(r"(?:19|20)\d\d", n))


def names(text: str) -> frozenset[str]:
    """Words with a capital inside a sentence, folded: people, places, organisations.

    A headline that capitalises nearly every word says nothing by it and gives none.
    """
    spelled = list(SPELLED.finditer(text))
    long = [m for m in spelled if len(m.group()) > 3]
    if len(long) > 3 and sum(m.group()[0].isupper() for m in long) > 0.75 * len(long):
        return frozenset()
    found: set[str] = set()
    for m in spelled:
        word = m.group()
        starts = SENTENCE_START.search(text, max(0, m.start() - 4), m.start()) is not None
        if word[0].isupper() and (not starts or (word.isupper() and len(word) > 1)):
            found.update(t for t in tokens(word) if t not in STOP and len(t) > 1)
    return frozenset(found)
