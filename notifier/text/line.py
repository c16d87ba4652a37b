"""Text as a person reads it: one line, nothing hidden in it, and cut only where it may be cut.

Enters: text without markup, of any origin. Leaves: the same without what is not drawn; and `shorten`, for whatever has
a limited place to show it.
"""

from __future__ import annotations

import re
import unicodedata

# Control characters, surrogates, and what is not drawn and only steers: zero-width space and joiners of words, soft
# hyphen, bidi embeddings, overrides and isolates (UAX 9: left open they turn round what stands behind a headline),
# deprecated and annotation controls, BOM, tags but those of a flag. The joiners of scripts and emoji (U+200C, U+200D)
# stay.
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e007a]+\U000e007f)|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e00ff]"
)
_WORDY = frozenset(("Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No"))
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"  # Hangul fillers, which are drawn as nothing (UAX 44, Default_Ignorable)
ELLIPSIS = "…"
_ZERO_WIDTH_JOINER = "\u200d"
_VIRAMA = 9  # the combining class of the mark that joins two Indic consonants
_MARKS = frozenset(("Mn", "Mc", "Me"))
# What goes with the character before it and is no mark: the other joiner, Thai and Lao vowels, half-width kana's voice,
# the second and third part of a Hangul syllable, skin tones, and the tags of a flag.
_goes_with = re.compile("[\u200c\u0e33\u0eb3\uff9e\uff9f\u1160-\u11ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]").match
_STRONG = frozenset(("L", "R", "AL"))
_LETTERS_OF_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def one_line(text: str) -> str:
    """Composed (NFC), without invisible characters, each run of white space a single space."""
    return " ".join(visible(text).split())


def visible(text: str) -> str:
    """Composed (NFC), without what is not drawn and only steers; line breaks stay."""
    return unicodedata.normalize("NFC", _INVISIBLE.sub(r"\1", text))


def has_words(text: str) -> bool:
    """Whether a person who looks at it reads something: one letter or digit that is drawn.

    Not marks, punctuation, symbols and emoji alone, nor what Unicode calls letters and nobody sees.
    """
    return any(unicodedata.category(c) in _WORDY and c not in _BLANK_LETTERS for c in text)


def direction(text: str) -> str:
    """`rtl` where the first letter is of a script that runs from right to left, else `ltr` (UAX #9, P2 and P3)."""
    strong = next((kind for c in text if (kind := unicodedata.bidirectional(c)) in _STRONG), "L")
    return "ltr" if strong == "L" else "rtl"


def shorten(text: str, limit_chars: int) -> str:
    """At most `limit_chars`, ended at a word with "…" where something was cut; "" where there is no room for that.

    A text without spaces (Chinese, one endless word) is cut where it must be, but not within what is drawn as one.
    """
    if len(text) <= limit_chars:
        return text
    if limit_chars < len(ELLIPSIS):
        return ""
    cut = text.rfind(" ", 0, limit_chars)
    if cut <= limit_chars // 2:
        cut = limit_chars - len(ELLIPSIS)
        while cut and _is_drawn_as_one(text, cut):
            cut -= 1
    return text[:cut].rstrip(" ,;:-–—.") + ELLIPSIS


def _is_drawn_as_one(text: str, at: int) -> bool:
    """Whether the characters on both sides of `at` belong to one (UAX #29 section 3.1.1, GB6 to GB13)."""
    before, after = text[at - 1], text[at]
    if _ZERO_WIDTH_JOINER in (before, after) or unicodedata.category(after) in _MARKS or _goes_with(after):
        return True
    if unicodedata.combining(before) == _VIRAMA and after.isalpha():
        return True
    if after not in _LETTERS_OF_FLAGS:
        return False
    flags = at - len(text[:at].rstrip(_LETTERS_OF_FLAGS))  # in pairs, counted from where they begin
    return flags % 2 == 1
