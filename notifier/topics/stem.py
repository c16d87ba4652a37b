"""Words cut to their stems by the language of the item: elections, election's and election are one.

Enters: folded forms. Leaves: stems. Both sides of a comparison are folded first, so that a rule that is written without
accents finds the text that has them.
"""

from __future__ import annotations

from functools import cache, lru_cache
from threading import Lock
from typing import Protocol, cast

import snowballstemmer

DEFAULT_LANGUAGE = "en"
"""What an item is taken for whose feed does not name its language."""

_ALGORITHMS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802 (the library's name)


def primary_language(tag: str | None) -> str:
    """The language of a tag (RFC 5646): `en` of `en-GB`; the default where there is none."""
    return tag.partition("-")[0].lower() if tag else DEFAULT_LANGUAGE


LONGEST_STEMMED = 64
"""Characters: what is longer is no word of any language, and takes the stemmers more than linear time."""


@lru_cache(maxsize=1 << 18)
def stem(form: str, language: str) -> str:
    """The stem of a folded form in a primary language; the form itself where there is none (an acronym)."""
    if not 3 <= len(form) <= LONGEST_STEMMED or "." in form:
        return form
    stemmer = _stemmer(language)
    if stemmer is None:
        return form
    with _lock:  # a stemmer keeps its word in itself while it works
        return stemmer.stemWord(form)


_lock = Lock()


@cache
def _stemmer(language: str) -> _Stemmer | None:
    algorithm = _ALGORITHMS.get(language)
    if algorithm is None or algorithm not in snowballstemmer.algorithms():
        return None
    stemmer = snowballstemmer.stemmer(algorithm)
    if hasattr(stemmer, "maxCacheSize"):  # PyStemmer's cache sorts itself each time it is full; ours does not
        stemmer.maxCacheSize = 0
    return cast("_Stemmer", stemmer)
