"""One spelling for a word, however it is written: the one place that says which differences do not count.

Enters: a word or a text. Leaves: the same in small letters, without accents and invisible characters. Topics, stories,
dates and searches compare what this returns, so that "Łódź" and "Lodz" are one word for all of them.
"""

from __future__ import annotations

import re
import unicodedata

MARKS = (
    "\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0dff\u200c\u200d\u20d0-\u20ff"
)
"""What stands within a word and is no letter to `re`: for a character class."""

_dropped = re.compile(
    "[\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200d\u20d0-\u20ff]"
)
_pile_of_marks = re.compile(f"([{MARKS}]{{30}})[{MARKS}]+")
_letters = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"})


def fold(text: str) -> str:
    """`text` without case, accents and invisible characters; й stays, as Russian endings are made of it."""
    if text.isascii():
        return text.lower()
    # Ordering a pile of marks takes the square of its height: thirty are left (UAX #15 section 13, stream-safe text).
    text = _pile_of_marks.sub(r"\1", text)
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    kept = _dropped.sub("", decomposed.replace("и\u0306", "й"))
    return unicodedata.normalize("NFC", kept).translate(_letters)
