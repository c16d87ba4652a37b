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
from notifier.text.tokens import SPACELESS, SPELLED, tokens, words

# Not inside a word nor an ordinal (第14); neither a date nor a time where these have no spaces (4月14日).
_DIGITS = rf"(?<![^\W{SPACELESS}])(?<![.第])\d(?:[\d,.]*\d)?(?![\d,.]*[年月日時时點点號号分秒届屆])"
# Whatever counts people, or what carries them: without such a letter behind it, a numeral may be part of any word.
_SIGNS = "〇零一二两兩三四五六七八九十百千万萬"
_HAN = rf"(?<![数數几幾上第{_SIGNS}])[{_SIGNS}]+(?=[多余餘]?[人名位死伤傷例艘架辆輛枚])"
NUMBER = re.compile(_DIGITS)
NUMBER_UNSPACED = re.compile(_HAN)
COUNTED_UNSPACED = re.compile(rf"(?:{_DIGITS}|{_HAN})[万萬億亿千百]?[多余餘]?[{SPACELESS}%]?")
"""A count as it is written where no space tells words apart, with its counter: 14人, 十四名."""
_HAN_DIGITS = dict(zip("〇零一二两兩三四五六七八九", (0, 0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_HAN_POWERS = {"十": 10, "百": 100, "千": 1000}
_plain_digits = str.maketrans("０１２３４５６７８９，．", "0123456789,.")
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
    text = plain_digits(text)
    found = {n.replace(",", "").rstrip(".") for n in NUMBER.findall(text)}
    found |= {str(value) for n in NUMBER_UNSPACED.findall(text) if (value := _han_value(n)) > 1}
    found |= {NUMBER_WORDS[t] for t in tokens(text) if t in NUMBER_WORDS and t != "one"}
    return frozenset(n for n in found if not re.fullmatch(r"(?:19|20)\d\d", n))


def plain_digits(text: str) -> str:
    """Full-width digits as everybody's: "１４人" is "14人"."""
    return text.translate(_plain_digits)


def _han_value(numeral: str) -> int:
    """十四 is 14, 三百二十 is 320, 一万二千 is 12,000."""
    myriads = total = digit = 0
    for sign in numeral:
        if sign in "万萬":
            myriads, total, digit = (total + digit or 1) * 10_000, 0, 0
        elif sign in _HAN_POWERS:
            total, digit = total + (digit or 1) * _HAN_POWERS[sign], 0
        else:
            digit = digit * 10 + _HAN_DIGITS[sign]
    return myriads + total + digit


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
