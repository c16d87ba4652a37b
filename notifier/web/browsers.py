"""A browser's family, from its User-Agent header.

Leaves: one word for the store (operators see subscribers by browser); for the page also whether it is a phone's, or an
app's (which steps to show first). Nothing else of the header is kept.
"""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from fastapi import Header

# The order matters: every one of them also claims to be the ones below it.
_FAMILIES = (
    ("Edg", "edge"),
    ("OPR/", "opera"),
    ("SamsungBrowser/", "samsung"),
    ("Firefox/", "firefox"),
    ("FxiOS/", "firefox"),
    ("EdgiOS/", "edge"),
    ("CriOS/", "chrome"),
    ("Chrome/", "chrome"),
    ("Safari/", "safari"),
)


def browser_family(user_agent: Annotated[str, Header()] = "") -> str:
    """`chrome`, `firefox`, `safari`, `edge`, `opera`, `samsung` or `other`."""
    return next((family for mark, family in _FAMILIES if mark in user_agent), "other")


class Visitor(NamedTuple):
    """What a page shows to this browser first. `in_app`: a window inside another app, which cannot show alerts."""

    family: str
    phone: bool
    apple: bool
    in_app: bool

    @property
    def way(self) -> str:
        """Whose steps lead back from a block: a key of templates/situations.html."""
        if self.apple and self.phone:
            return "iphone"
        if self.phone:
            return f"{self.family}-phone" if self.family in {"firefox", "samsung"} else "chrome-phone"
        return self.family

    def may_be(self, way: str) -> bool:
        """Whether the steps are for such a device; an iPad says that it is a Mac."""
        return ("phone" in way) == self.phone or (way == "iphone" and self.family == "safari")


# Facebook, Instagram, Line, Twitter, LinkedIn, TikTok, Snapchat, Pinterest, WeChat, Google's app; Android's WebView.
_IN_APP = re.compile(
    r"FBA[NV]/|Instagram|\bLine/|Twitter|LinkedInApp|TikTok|BytedanceWebview|musical_ly|Snapchat|Pinterest/|MicroMessenger"
    r"|\bGSA/|; wv\)"
)
_PHONE = re.compile(r"Android|iPhone|iPad|iPod|Mobile")
_APPLE = re.compile(r"iPhone|iPad|iPod")


def visitor(user_agent: Annotated[str, Header()] = "") -> Visitor:
    """Who looks at a page."""
    return Visitor(
        family=browser_family(user_agent),
        phone=bool(_PHONE.search(user_agent)),
        apple=bool(_APPLE.search(user_agent)),
        in_app=bool(_IN_APP.search(user_agent)),
    )
