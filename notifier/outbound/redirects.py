"""Follows redirects one at a time, so that each hop meets the address guard and none carries secrets to a stranger.

Enters: the first URL, then a status and a Location for each hop. Leaves: the next URL or a refusal in words, and where
the permanent redirects led. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
MAX_HOPS = 5
_URLS_REMEMBERED = 16_384


@dataclass(frozen=True, slots=True)
class Chain:
    """The hops so far. `permanent` holds while every one of them was a permanent redirect (RFC 9110 section 15.4)."""

    urls: tuple[str, ...]
    permanent: bool = True
    moved_to: str | None = None

    @classmethod
    def starting_at(cls, url: str) -> Chain:
        """A chain without a hop."""
        return cls((url,))

    @property
    def url(self) -> str:
        """Where to ask now."""
        return self.urls[-1]

    @property
    def is_foreign(self) -> bool:
        """Whether the last hop left the first URL's origin: the feed's own headers stay behind then."""
        return len(self.urls) > 1 and _origin(self.urls[0]) != _origin(self.url)

    def follow(self, status: int, location: str | None) -> Chain | str:
        """The chain with one hop more, or why it must not be made."""
        if not location:
            return f"answers {status} without saying where to go"
        try:
            target = urljoin(self.url, location.strip())
        except ValueError:
            return "redirects to something that is not a URL"
        refusal = refused_url(target)
        if refusal:
            return f"redirects to {target[:200]}, which {refusal}"
        if target in self.urls:
            return f"redirects in a circle: {target[:200]}"
        if len(self.urls) > MAX_HOPS:
            return f"redirects more than {MAX_HOPS} times"
        permanent = self.permanent and status in PERMANENT
        return replace(
            self, urls=(*self.urls, target), permanent=permanent, moved_to=target if permanent else self.moved_to
        )


def headers_for(chain: Chain, own: Mapping[str, str], common: Mapping[str, str]) -> dict[str, str]:
    """The request's headers: the feed's `own` ones (they may hold secrets) go to its own origin only."""
    return dict(common) if chain.is_foreign else {**common, **own}


@lru_cache(maxsize=_URLS_REMEMBERED)
def refused_url(url: str) -> str | None:
    """Why `url` cannot be asked, as the end of a sentence; None if it can."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https"):
        return "is neither http nor https"
    return None if parts.hostname and has_port else "names no host"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
