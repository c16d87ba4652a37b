"""Whose a feed is: stories count publishers, so a second feed of a site must not make a second one. Pure.

Enters: a feed's address, and the feeds that are followed. Leaves: the publisher that the site has among them. Sites are
compared by host, then by the domain that somebody registered; on platforms that carry many people's feeds neither says
who speaks.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from notifier.feeds.feed import FeedConfig
from notifier.feeds.hosts import site_of
from notifier.outbound.addresses import is_address
from notifier.text.fold import fold
from notifier.text.line import one_line
from notifier.text.tokens import words

# Each customer has a name of their own before these, or only a path behind those.
HOSTING = words(
    "blogspot.com wordpress.com substack.com tumblr.com github.io gitlab.io livejournal.com ghost.io netlify.app "
    "vercel.app pages.dev web.app herokuapp.com typepad.com squarespace.com wixsite.com libsyn.com podbean.com "
    "medium.com go.com"
)
CARRIERS = words(
    "feedburner.com google.com youtube.com reddit.com rss.app fetchrss.com feedly.com feedspot.com megaphone.fm "
    "simplecast.com acast.com buzzsprout.com anchor.fm apple.com mastodon.social bsky.app nitter.net twitter.com "
    "x.com facebook.com t.me rsshub.app politepaul.com yahoo.com msn.com archive.org feedblitz.com inoreader.com"
)
# `co.uk`, `com.au`, `or.jp`: below a country, these are nobody's own.
_SHARED_LABELS = words("co com org net gov gob gouv ac edu or ne go gv nom ltd plc in info web press")
_WHERE = re.compile(r"^(?:(?:www\d?|m|mobile|feeds?|rss|news)\.)+(?=[^.]+\.)")
_SEPARATOR = re.compile(r"\s+(?:[|»›·—–-]|&gt;|::)\s+|:\s+")


class PublishersBySite:
    """The publishers of the feeds that are followed, by site: read once, however many addresses are asked about."""

    def __init__(self, followed: Iterable[FeedConfig] = ()) -> None:
        self._of_host: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._of_domain: defaultdict[str, set[str]] = defaultdict(set)
        for feed in followed:
            self.add(feed)

    def add(self, feed: FeedConfig) -> None:
        """One more that is followed."""
        self._of_host[site_of(feed.url)][feed.publisher] += 1
        self._of_domain[domain_of(feed.url)].add(feed.publisher)

    def of(self, url: str) -> str | None:
        """The publisher that the feeds of this host have, else those of its domain if they have only one; None where
        nothing of it is followed, or the address says nothing."""
        domain = domain_of(url)
        if not domain:
            return None
        if of_host := self._of_host.get(site_of(url)):
            return of_host.most_common(1)[0][0]
        of_domain = self._of_domain.get(domain, set())
        return next(iter(of_domain)) if len(of_domain) == 1 else None


def domain_of(url: str) -> str:
    """The domain that a site's owner registered, as well as it can be told from its name; a platform's customer by
    their own name there. Empty where the address does not say who speaks."""
    host = site_of(url)
    if not host or is_address(host):
        return host
    labels = host.split(".")
    shared = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SHARED_LABELS
    domain = ".".join(labels[-3 if shared else -2 :])
    if domain in CARRIERS:
        return ""
    if domain in HOSTING:
        own = _WHERE.sub("", host)
        return own if own != domain else ""
    return domain


def one_spelling(feeds: Sequence[FeedConfig]) -> tuple[FeedConfig, ...]:
    """The feeds with each publisher spelled as it is the first time: what `fold` takes away, and white space, make no
    other one."""
    first: dict[str, str] = {}
    return tuple(replace(feed, publisher=first.setdefault(_key(feed.publisher), feed.publisher)) for feed in feeds)


def named_by_title(title: str) -> str:
    """The publisher's name at the beginning of a feed's title ("The Paper – World")."""
    parts = [part for part in _SEPARATOR.split(title) if part]
    return parts[0] if parts else title


def _key(publisher: str) -> str:
    return fold(one_line(publisher))
