"""Which items are the same one: the keys that need no judgement.

Enters: an item's URL and headline as published. Leaves: `canonical_url` and `title_key`, compared for equality; what
they miss is for the signals of `cluster`. `components` groups a poll's items by the keys that they share.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

from notifier.text.fold import fold
from notifier.text.tokens import APOSTROPHES, words

T = TypeVar("T")

# Parameters that say where a click came from, never what is shown: of advertisers (gclid), of mailings (mc_cid), and of
# publishers (Al Jazeera traffic_source, Guardian CMP, Mail ito, Washington Post itid, New York Times smid, FT ftcamp).
TRACKING = words(
    "fbclid gclid gclsrc dclid msclkid yclid twclid igshid mc_cid mc_eid _ga _gl guccounter guce_referrer cmp cmpid "
    "ns_mchannel ns_source ns_campaign ns_linkname ns_fee traffic_source ocid ito itid smid smtyp partner ftcamp "
    "segmentid xtor ref ref_src referrer ref_url refsrc rss soc_src soc_trk ftag taid sr_share spm wt_mc wt.mc_id maca "
    "ncid icid mod feedtype feedname taboola_click_id mkt_tok __twitter_impression link_source srnd sref cmpcmp"
)
TRACKING_PREFIXES = ("utm_", "at_", "pk_", "mtm_", "hsa_", "stm_", "vero_", "_hs")
AMP_VALUES = {"amp": ("", "1", "true"), "outputtype": ("amp",), "view": ("amp",), "output": ("amp",)}
HOST_PREFIX = re.compile(r"^(?:(?:www\d?|m|mobile|amp|edition|touch)\.)+(?=[^.]+\.)")
AMP_CACHE = re.compile(r"^/(?:amp|c|v|wp|i)/(?:s/)?(?=[^/]+\.)")
AMP_PATH = re.compile(r"^/amp(?=/.)|/amp/?$|[./]amp(?=\.html?$)|\.amp/?$")

BARE = re.compile(r"=(?=&|$)")  # canonicalize_url gives one to what had none

ALPHANUMERIC = re.compile(r"[^\W_]+")
QUOTES = re.compile(f"[{APOSTROPHES}`]")
# Words in front of a headline that say how it is told, not what happened.
KICKER = re.compile(
    r"^\s*(?:breaking(?: news)?|just in|live(?: updates?)?|watch(?: live)?|video|update(?:d)?|exclusive|urgent|"
    r"developing|analysis|opinion|explainer)\s*[:|\u2013\u2014-]\s+",
    re.IGNORECASE,
)
# " - BBC News" at the end, as aggregators add it; a short tail only, since headlines have dashes too.
MASTHEAD_TAIL = re.compile(r"\s+[|\u2013\u2014-]\s+(?:[\w.&']+\s?){1,4}$")
MASTHEAD = re.compile(
    r"\b(?:news|bbc|cnn|reuters|guardian|times|post|ap|npr|independent|jazeera|dw|france 24|\w+\.com)\b", re.IGNORECASE
)


def canonical_url(url: str) -> str:
    """One form for all the addresses of a page: without tracking parameters, AMP, mobile host, scheme and anchor.

    A fragment that is a route (`#/news/2`, `#!news/2`) is how a page made by a script is named, and stays; so does a
    query without "=" (`?2026-2`), which no advertiser writes. The result is a key to compare, not an address to fetch;
    what cannot be read as a URL is returned stripped.
    """
    try:
        parts = _out_of_amp_cache(urlsplit(url.strip()))
        host = (parts.hostname or "").rstrip(".")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
        if not host:
            return url.strip()
        host = HOST_PREFIX.sub("", host) + port
        path = AMP_PATH.sub("", parts.path).rstrip("/")
        page = canonicalize_url(urlunsplit(("https", host, path, _telling(parts.query), "")), keep_blank_values=True)
        return BARE.sub("", page) + _route(parts.fragment)
    except (ValueError, UnicodeError):
        return url.strip()


def _route(fragment: str) -> str:
    """A fragment that a script takes for a path, with its `#`; a mark within a page is none."""
    path, _, query = fragment.partition("?")
    if path.rstrip("/") in ("", "!") or path[0] not in "/!":
        return ""
    told = _telling(query)
    return f"#{path.rstrip('/')}" + (f"?{told}" if told else "")


def _telling(query: str) -> str:
    """The parameters that may choose what is shown: those that track nothing and say something, each once."""
    kept: dict[str, str] = {}
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        if pair and not _is_tracking(unquote(name).lower(), equals, value.lower()):
            kept.setdefault(name, pair)
    return "&".join(kept.values())


def _is_tracking(key: str, equals: str, value: str) -> bool:
    if key in TRACKING or value in AMP_VALUES.get(key, ()):
        return True
    return bool(equals) and (not value or key.startswith(TRACKING_PREFIXES))


def _out_of_amp_cache(parts: SplitResult) -> SplitResult:
    """`www.google.com/amp/s/HOST/..` and `HOST.cdn.ampproject.org/c/s/HOST/..` are pages of HOST."""
    host = parts.hostname or ""
    if not (host.endswith(".ampproject.org") or (host.startswith("www.google.") and parts.path.startswith("/amp/"))):
        return parts
    inner = AMP_CACHE.sub("", parts.path)
    return parts if inner == parts.path else urlsplit(f"https://{inner}?{parts.query}")


@lru_cache(maxsize=4096)  # each layer asks for the headlines of the same poll
def title_key(title: str) -> str:
    """The headline without case, accents, punctuation, kicker ("Breaking:") and masthead (" - BBC News").

    Two items with one key say the same in the same words. Empty where nothing is left to compare.
    """
    bare = KICKER.sub("", title)
    tail = MASTHEAD_TAIL.search(bare)
    if tail and MASTHEAD.search(tail.group()) and tail.start() > 20:
        bare = bare[: tail.start()]
    return " ".join(ALPHANUMERIC.findall(fold(QUOTES.sub("", bare))))


class Unions:
    """Places 0 to `size` - 1, joined to groups."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, i: int) -> int:
        """The first place of the group of this one."""
        parent = self._parent
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        """Make the groups of the two one."""
        a, b = sorted((self.root(i), self.root(j)))
        self._parent[b] = a

    def groups(self, members: Sequence[T]) -> list[list[T]]:
        """The members by group, in order of their first one."""
        joined: dict[int, list[T]] = {}
        for i, member in enumerate(members):
            joined.setdefault(self.root(i), []).append(member)
        return list(joined.values())


def components(members: Sequence[T], keys: Sequence[Iterable[Hashable]]) -> list[list[T]]:
    """The members joined wherever they share a key, directly or through others; in order of their first member.

    `keys[i]` are those of `members[i]`. The order of arrival decides only the order, never who is with whom.
    """
    same = Unions(len(members))
    seen: dict[Hashable, int] = {}
    for i, own in enumerate(keys):
        for key in own:
            same.join(i, seen.setdefault(key, i))
    return same.groups(members)
