"""A browser's family, from its User-Agent header.

Leaves: one word for the store (operators see subscribers by browser) and for the page (which steps to open). Nothing
else of the header is kept.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

# The order matters: every one of them also claims to be the ones below it.
_FAMILIES = (
    ("Edg", "edge"),
    ("OPR/", "opera"),
    ("SamsungBrowser/", "samsung"),
    ("Firefox/", "firefox"),
    ("FxiOS/", "firefox"),
    ("CriOS/", "chrome"),
    ("Chrome/", "chrome"),
    ("Safari/", "safari"),
)


def browser_family(user_agent: Annotated[str, Header()] = "") -> str:
    """`chrome`, `firefox`, `safari`, `edge`, `opera`, `samsung` or `other`."""
    return next((family for mark, family in _FAMILIES if mark in user_agent), "other")
