"""Text as words. What a letter, an apostrophe, a hyphen and a script without spaces are is said here once.

Leaves: `LEXEME`, which finds words as they are written, with their places (topics read each under all of its forms);
and `tokens`, one folded word for each, for whoever compares texts as a whole.
"""

from __future__ import annotations

import re

from notifier.text.fold import MARKS, fold

SPACELESS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7a3"  # Hangul has spaces, but hangs particles onto its nouns: a substring finds them, a word would not
)
"""The letters of scripts without spaces, for a regular expression's [...]."""
_LETTER = rf"[^\W_\u02bc{SPACELESS}]"  # U+02BC is an apostrophe here
_PLAIN = rf"{_LETTER}+(?:[{MARKS}]+{_LETTER}*)*"
_ACRONYM = r"(?:[^\W\d_]\.)+[^\W\d_](?![^\W_])\.?|(?:[^\W\d_]\.){2,}"
APOSTROPHES = "'\u2018\u2019\u02bc\uff07"
HYPHENS = "\\-\u2010\u2011\u2012\u2013"
_WORD = rf"(?:{_ACRONYM}|{_PLAIN})"

LEXEME = re.compile(rf"{_WORD}(?:[{APOSTROPHES}{HYPHENS}]{_WORD})*|[{SPACELESS}][\u3099\u309a\uff9e\uff9f]?")
"""A word as it is written; or one letter of a script without spaces."""
_RUN = rf"(?:[^\W_]+|[{SPACELESS}])(?:[{MARKS}{SPACELESS}]+[^\W_]*)*"
SPELLED = re.compile(rf"{_RUN}(?:[{APOSTROPHES}]{_RUN})*")
"""What stands between hyphens, dots and spaces."""

_is_spaceless = re.compile(f"[{SPACELESS}]").match
_is_all_spaceless = re.compile(f"[{SPACELESS}]+").fullmatch
_ascii_words = re.compile("[a-z0-9]+(?:'[a-z0-9]+)*").findall
_apostrophe = re.compile(f"[{APOSTROPHES}]")


def words(text: str) -> frozenset[str]:
    """A set written as a line of words: how the service spells its short lists."""
    return frozenset(text.split())


def is_spaceless(lexeme: str) -> bool:
    """Whether the lexeme begins with a letter of a script without spaces."""
    return _is_spaceless(lexeme) is not None


def plain_apostrophes(text: str) -> str:
    """Each apostrophe as `'`."""
    return _apostrophe.sub("'", text)


def tokens(text: str) -> list[str]:
    """The words in order, folded, without possessives; pairs of characters where a script has no spaces.

    A run that mixes scripts (首批EAI机器人) is one word: the thresholds of grouping were found so (decision 21).
    """
    folded = fold(text)
    if folded.isascii():
        return [word.removesuffix("'s") for word in _ascii_words(folded)]
    found: list[str] = []
    for word in SPELLED.findall(plain_apostrophes(folded)):
        if _is_all_spaceless(word):
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.append(word.removesuffix("'s"))
    return found
