"""Words cut to their stems by the language of the item: elections, election's and election are one.

Enters: folded forms. Leaves: stems. Both sides of a comparison are folded first, so that a rule that is written without
accents finds the text that has them.
"""

from __future__ import annotations

from functools import cache, lru_cache
from threading import Lock

import Stemmer

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
        found: str = stemmer.stemWord(form)
    return found


def stem_of_any(form: str, language: str) -> str:
    """The same, for what somebody else wrote: `stem` remembers each form, and need not remember what is no word."""
    return stem(form, language) if len(form) <= LONGEST_STEMMED else form


_lock = Lock()


@cache
def _stemmer(language: str) -> Stemmer.Stemmer | None:
    algorithm = _ALGORITHMS.get(language)
    return None if algorithm is None else Stemmer.Stemmer(algorithm, 0)  # its own cache sorts itself when it is full
