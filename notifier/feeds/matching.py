"""Which stored item an entry of a poll is: by its guid, its page or its headline. Pure.

Enters: entries, and the stored items that they might be (`Known`). Leaves: the `Stored` one, or None; next:
`novelty`, which says what that means. Within one feed:

    guid    page    headline
    same    any     any         the same item; only where page *and* headline are others was the guid used again
    other   same    same        the same item: its guid was made anew, or the page is listed under two guids
    other   same    other       another item: one page for many, told apart by a fragment, a query, or nothing at all
    other   other   same        the same item where dates or numbers say so, else a headline that recurs
    other   other   other       another item

Three things say less than they seem to. A guid that is the page's address with a counter behind it (`c1#0`, `c1#3`) is
that page, whatever the counter. A guid that is only the item's address, as where the feed gives none, is nobody's where
that address is the site's front page or one that several entries share: there the headline stands for it. A headline
without words is the same only with the same summary.

A sister feed of the publisher may show another headline for a page all day: there the page alone is the item, unless
several items are known to share it or their fragments differ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from urllib.parse import urlsplit

from notifier.feeds.feed import FeedItem
from notifier.text.line import has_words

HASH_BYTES = 16
RENUMBERED_AT_LEAST = 3
MOST_KEY_CHARS = 600  # PostgreSQL refuses to index more than 2,704 bytes
_COUNTER = re.compile(r"#\d{1,6}$")
_COUNTERS_TRIED = 10
_SECOND = "2"


def digest(text: str) -> bytes:
    """16 bytes of BLAKE2b: keys may be long, and two never meet by chance."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()


def title_digest(title: str) -> bytes:
    """What a headline is compared by: without case, and with each run of white space as one space."""
    return digest(" ".join(title.casefold().split()))


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An item as published, with the keys by which stored ones are found. `url_key` is empty where the URL says
    nothing (a site's front page).

    `guid_hash` is that of the guid without a page's counter, `guids` are all by which it may have been stored.
    `is_named` is whether the guid says more than the address; `has_words` whether the headline has any.
    """

    item: FeedItem
    canonical_url: str
    url_key: str
    guid_hash: bytes
    title_hash: bytes
    content_hash: bytes
    guids: tuple[bytes, ...] = ()
    is_named: bool = True
    has_words: bool = True

    @classmethod
    def of(cls, item: FeedItem, canonical_url: str) -> FeedEntry:
        """The entry of one parsed item."""
        page = _page_key(canonical_url)
        guid = _without_counter(item)
        guid_hash = digest(guid)
        guids = (guid_hash,) if guid == item.guid else (guid_hash, *map(digest, _counted(guid, item)))
        is_named = item.guid != item.url
        return cls(
            item=item,
            canonical_url=page,
            url_key=page if _names_a_page(page) else "",
            guid_hash=guid_hash,
            title_hash=title_digest(item.title),
            content_hash=digest(f"{item.title}\0{item.summary}"),
            guids=guids if is_named else (*guids, _titled_guid(item)),
            is_named=is_named,
            has_words=has_words(item.title),
        )

    def by_its_headline(self) -> FeedEntry:
        """The entry with its headline in the place of a guid that says nothing."""
        guid = _titled_guid(self.item)
        return replace(self, guid_hash=guid, guids=(guid,))

    @property
    def page_keys(self) -> tuple[str, ...]:
        """The keys under which items of its page are stored: the first, the second, and any other."""
        if not self.url_key:
            return ()
        return (self.url_key, *(f"{self.url_key} {name}" for name in (_SECOND, *(g.hex() for g in self.guids))))


@dataclass(slots=True)
class Stored:
    """What the store knows of an item; `id` is None while it is being stored with this very batch.

    `canonical_url` is its page, with a space and a name of its own behind it where another item had the page first.
    `old_hashes` are the contents of its earlier versions of the last hour: a cache that serves an older page again
    makes no edit. `old_titles` are the headlines that it ever had.
    """

    id: int | None
    feed_id: int
    guid_hash: bytes
    canonical_url: str
    title_hash: bytes
    content_hash: bytes
    version: int
    published_at: datetime | None
    url: str = ""
    old_hashes: frozenset[bytes] = frozenset()
    old_titles: frozenset[bytes] = frozenset()

    @property
    def page(self) -> str:
        """The page that it is on, alone or with others."""
        return self.canonical_url.partition(" ")[0]

    def now_says(self, entry: FeedEntry) -> None:
        """It was edited: later entries meet it so."""
        self.old_hashes |= {self.content_hash}
        self.old_titles |= {self.title_hash}
        self.content_hash, self.title_hash = entry.content_hash, entry.title_hash


@dataclass(slots=True)
class Known:
    """The stored items that a poll's entries might be: by guid and by headline within the feed, by URL within the
    publisher."""

    by_guid: dict[bytes, Stored] = field(default_factory=dict)
    by_url: dict[str, Stored] = field(default_factory=dict)
    by_title: dict[bytes, Stored] = field(default_factory=dict)

    def named(self, entry: FeedEntry) -> Stored | None:
        """The item of its guid."""
        return next((stored for guid in entry.guids if (stored := self.by_guid.get(guid))), None)

    def key_for(self, entry: FeedEntry) -> str:
        """What a new item's page is stored as: the bare page for the first that has it, and what is its alone for any
        other, so that the decider does not take two items of a page for one."""
        if not entry.url_key:
            return f"{entry.canonical_url} {entry.guid_hash.hex()}" if entry.canonical_url else ""
        second = f"{entry.url_key} {_SECOND}"
        free = (key for key in (entry.url_key, second) if key not in self.by_url)
        return next(free, f"{entry.url_key} {entry.guid_hash.hex()}")

    def add(self, entry: FeedEntry, stored: Stored) -> None:
        """Later entries of this batch meet this one. The older item of a reused guid is not found by it any more."""
        self.by_guid[entry.guid_hash] = stored
        self.by_title.setdefault(entry.title_hash, stored)
        if entry.url_key:
            self.by_url.setdefault(stored.canonical_url, stored)


class ItemMatcher:
    """Finds the stored items of one poll's entries. `entries` are those to ask about, in the poll's order."""

    def __init__(self, entries: Sequence[FeedEntry], known: Known, feed_id: int) -> None:
        self._known, self._feed_id = known, feed_id
        self._shared = _shared_pages(entries)
        unnamed = _headlines_by_address(entries)
        self.entries = [self._with_a_name(entry, unnamed) for entry in entries]
        self._renumbered = _is_renumbered(self.entries, known)

    def order(self) -> list[int]:
        """The places of the entries in the order in which to ask: an edit under the item's own guid comes before the
        same words under another one, which are then those of an item that is known."""
        return sorted(range(len(self.entries)), key=lambda place: self._known.named(self.entries[place]) is None)

    def find(self, entry: FeedEntry) -> Stored | None:
        """The stored item that this is; None where it is new."""
        stored = self._known.named(entry)
        if stored is not None and not _is_reused_guid(entry, stored):
            return stored
        for key in entry.page_keys:
            stored = self._known.by_url.get(key)
            if stored is not None and not self._is_another(entry, stored):
                return stored
        stored = self._known.by_title.get(entry.title_hash) if entry.has_words else None
        if stored is not None and (self._renumbered or _not_later(entry.item.published_at, stored.published_at)):
            return stored
        return None

    def _with_a_name(self, entry: FeedEntry, unnamed: dict[str, set[bytes]]) -> FeedEntry:
        """Where the guid is only the address, and the address is not one item's, the headline stands for it."""
        if entry.is_named:
            return entry
        if not entry.url_key or _titled_guid(entry.item) in self._known.by_guid:
            return entry.by_its_headline()
        headlines = len(unnamed[entry.url_key])
        if self._known.named(entry) is not None:
            # Two of them may be edits of the item that is known; three are a page for all.
            return entry.by_its_headline() if headlines > 2 else entry
        second = self._known.by_url.get(f"{entry.url_key} {_SECOND}")
        return entry.by_its_headline() if headlines > 1 or second is not None else entry

    def _is_another(self, entry: FeedEntry, stored: Stored) -> bool:
        """Another item than the stored one that has its page."""
        if _same_headline(entry, stored) or stored.guid_hash in entry.guids:
            return False
        if stored.feed_id == self._feed_id:
            return True
        ours, theirs = (_fragment(url) for url in (entry.item.url, stored.url))
        return (bool(ours and theirs) and ours != theirs) or self._is_shared(entry.url_key)

    def _is_shared(self, page: str) -> bool:
        return page in self._shared or f"{page} {_SECOND}" in self._known.by_url


def _fragment(url: str) -> str:
    """What stands behind the `#`."""
    return url.partition("#")[2]


def _same_headline(entry: FeedEntry, stored: Stored) -> bool:
    if not entry.has_words:
        return entry.content_hash == stored.content_hash or entry.content_hash in stored.old_hashes
    return entry.title_hash == stored.title_hash or entry.title_hash in stored.old_titles


def _is_reused_guid(entry: FeedEntry, stored: Stored) -> bool:
    """The guid of another item: neither the address nor the headline is that of the stored one."""
    return entry.canonical_url != stored.page and not _same_headline(entry, stored)


def _not_later(published: datetime | None, before: datetime | None) -> bool:
    """A recurring headline ("Morning briefing") is a new item only if it says that it is later."""
    return published is None or (before is not None and published <= before)


def _is_renumbered(entries: Collection[FeedEntry], known: Known) -> bool:
    """Most of what looks new has headlines that this feed had before: its guids and URLs were made anew."""
    strangers = [e for e in entries if known.named(e) is None and e.url_key not in known.by_url]
    familiar = sum(e.has_words and e.title_hash in known.by_title for e in strangers)
    return familiar >= RENUMBERED_AT_LEAST and familiar * 2 >= len(strangers)


def _shared_pages(entries: Sequence[FeedEntry]) -> frozenset[str]:
    """The pages that this poll itself gives to items with different guids and different headlines."""
    guids, titles = defaultdict(set), defaultdict(set)
    for entry in entries:
        guids[entry.url_key].add(entry.guid_hash)
        titles[entry.url_key].add(entry.title_hash)
    return frozenset(page for page in guids if len(guids[page]) > 1 and len(titles[page]) > 1)


def _headlines_by_address(entries: Sequence[FeedEntry]) -> dict[str, set[bytes]]:
    """The headlines of the entries that have no guid of their own, by page."""
    found: dict[str, set[bytes]] = defaultdict(set)
    for entry in entries:
        if not entry.is_named:
            found[entry.url_key].add(entry.title_hash)
    return found


def _titled_guid(item: FeedItem) -> bytes:
    said = item.title if has_words(item.title) else f"{item.title}\0{item.summary}"
    return digest(f"{item.guid}\0{' '.join(said.casefold().split())}")


def _page_key(canonical_url: str) -> str:
    """A page as it is stored: no space in it, since what follows one is an item's own name, and not too long."""
    page = canonical_url.replace(" ", "%20")
    return page if len(page) <= MOST_KEY_CHARS else f"{page[:MOST_KEY_CHARS]}~{digest(page).hex()}"


def _names_a_page(url: str) -> bool:
    """A URL of a site's front page is not an item's identity: some feeds give it to every entry."""
    _, _, rest = url.partition("://")
    _, _, path = rest.partition("/")
    return bool(path)


def _without_counter(item: FeedItem) -> str:
    """The guid; where it is the item's page with a counter behind it (the BBC's `…/c1#3`), without the counter."""
    counter = _COUNTER.search(item.guid)
    if counter is None or "#" in item.url:
        return item.guid
    page = item.guid[: counter.start()]
    return page if _bare(page) and _bare(page) == _bare(item.url) else item.guid


def _counted(page: str, item: FeedItem) -> tuple[str, ...]:
    """What such a page may have been stored under by earlier releases, which took the counter for part of the guid."""
    return (item.guid, *(f"{page}#{number}" for number in range(_COUNTERS_TRIED)))


def _bare(url: str) -> str:
    """Host and path only; empty where it is no address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.netloc.lower().removeprefix('www.')}{parts.path.rstrip('/')}" if parts.netloc else ""
