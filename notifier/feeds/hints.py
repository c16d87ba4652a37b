"""Reads what an answer's headers say beside the feed: freshness, permanent moves, WebSub links.

Enters: response headers and the chain of redirects. Leaves: `Hints`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp

from notifier.feeds.answer import NO_HINTS, Hints
from notifier.feeds.redirects import Chain


def of(response: aiohttp.ClientResponse, chain: Chain) -> Hints:
    """The hints of one response."""
    age = max_age_s(response.headers.get("Cache-Control"))
    hub, topic = websub_links(response) if "Link" in response.headers else (None, None)
    if age is None and hub is None and topic is None and chain.moved_to is None:
        return NO_HINTS
    return Hints(age, chain.moved_to, hub, topic)


def max_age_s(cache_control: str | None) -> float | None:
    """Seconds for which caches keep the answer (RFC 9111 section 5.2.2): s-maxage before max-age; 0 for no-store."""
    if not cache_control:
        return None
    directives = dict(_directive(part) for part in cache_control.lower().split(","))
    if "no-cache" in directives or "no-store" in directives:
        return 0.0
    for name in ("s-maxage", "max-age"):
        value = directives.get(name, "")
        if value.isascii() and value.isdigit():
            return float(value[:9])
    return None


def websub_links(response: aiohttp.ClientResponse) -> tuple[str | None, str | None]:
    """The hub and the topic that Link headers name (RFC 8288, WebSub section 4), absolute, or None."""
    return _first(response, ("hub",)), _first(response, ("self",))


def _first(response: aiohttp.ClientResponse, relations: Iterable[str]) -> str | None:
    for relation in relations:
        link = response.links.get(relation)
        if link is not None:
            return str(link["url"])
    return None


def _directive(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name, value.strip('" ')
