"""The words of headlines and standfirsts, in the form in which the signals compare them.

Enters: clean text. Leaves: stems (what it is about), numbers (what it counts) and names (who and where). Scripts
without spaces are taken as pairs of characters. Pure and cheap: some 50 microseconds each.
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import cache, lru_cache

import Stemmer

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
POSSESSIVE = re.compile(r"['’]s?$")
# Han, kana, Hangul and Thai: no spaces between words.
UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*\d|(?<![\w.])\d")
SENTENCE_START = re.compile(r"(?:^|[.!?:;|\u2013\u2014]\s+|[\"'\u201c\u2018(\[])\W*$")
NAMES_OF_LANGUAGES = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}


def words(text: str) -> frozenset[str]:
    """A set written as a line of words: how this room spells its short lists."""
    return frozenset(text.split())


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
NUMBER_WORDS = {
    word: str(n)
    for n, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
        ]
    )
} | {"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "dozens": "dozens", "hundreds": "hundreds"}


@cache
def _stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(NAMES_OF_LANGUAGES.get(language, "english"))


def tokens(text: str) -> list[str]:
    """The words in order, folded: no case, accents, possessive; pairs of characters where a script has no spaces."""
    folded = text.casefold()
    if not text.isascii():
        folded = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    found: list[str] = []
    for word in WORD.findall(folded):
        if UNSPACED.fullmatch(word):
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.append(POSSESSIVE.sub("", word).replace("’", "'"))
    return found


@lru_cache(maxsize=4096)  # a story is judged whenever one of its items changes, each time with all of them
def stems(text: str, language: str | None = None) -> frozenset[str]:
    """What a text is about: its stemmed words without the ones that every text has."""
    kept = [t for t in tokens(text) if t not in STOP and (len(t) > 1 or t.isdigit() or not t.isascii())]
    return frozenset(_stemmer((language or "en")[:2].lower()).stemWords(kept))


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
    spelled = list(WORD.finditer(text))
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
