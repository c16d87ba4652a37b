"""Reads what an answer's headers say beside the feed: freshness, permanent moves, WebSub links.

Enters: response headers (names in lower case) and the chain of redirects. Leaves: `Hints`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urljoin

from notifier.feeds.fetch_result import NO_HINTS, Hints
from notifier.feeds.redirects import Chain

_LINK = re.compile(r'<([^<>]{1,2000})>((?:\s*;\s*[^\s,;="<>]{1,50}(?:\s*=\s*(?:"[^"]{0,500}"|[^\s,;"<>]{0,500}))?)*)')
_RELATIONS = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s,;"]+))', re.IGNORECASE)


def of(headers: Mapping[str, str], chain: Chain) -> Hints:
    """The hints of one response."""
    age = max_age_s(headers.get("cache-control"))
    links = links_of(headers["link"], chain.url) if "link" in headers else {}
    hub, topic = links.get("hub"), links.get("self")
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


def links_of(header: str, base: str) -> dict[str, str]:
    """The first target of each relation that a Link header names (RFC 8288), absolute; WebSub section 4 wants them."""
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(header):
        relations = _RELATIONS.search(parameters)
        if relations is None:
            continue
        try:
            url = urljoin(base, target.strip())
        except ValueError:
            continue
        for relation in (relations[1] or relations[2] or "").lower().split():
            found.setdefault(relation, url)
    return found


def _directive(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name, value.strip('" ')
