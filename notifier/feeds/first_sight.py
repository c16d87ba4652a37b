"""Which entries of a poll are new, which are edits of stored items, and which of the new ones may alert. Pure.

Enters: the entries of a poll that its last body did not have, and the stored items that they might be. Leaves: a
`Verdict` for each. A wrong "new" wakes people for old news; how each kind of resurfacing is recognised:

    a new feed's backlog          its first successful poll: nothing alerts
    a feed back after a month     no success for longer than `absent_after_s`: nothing of that poll alerts
    re-dated items                same guid or URL: the same item, whatever its date; only other words are an edit
    renumbered guids              same URL, or the same headline in the same feed where dates or numbers say so
    an old item                   published longer ago than `max_age_s`; undated: it could be as old as the last success
    a rebuilt site                nearly everything new at once, without dates or with the same one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from notifier.feeds.feed import FeedItem
from notifier.feeds.memory import FeedMemory

HASH_BYTES = 16
RENUMBERED_AT_LEAST = 3
FLOOD_AT_LEAST = 10
FLOOD_SHARE = 0.8
STALE_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FirstSightSettings:
    """`max_age_s`: older items never alert; `absent_after_s`: a feed not read for so long starts anew."""

    max_age_s: float = 12 * 3_600.0
    absent_after_s: float = 3 * 86_400.0


@dataclass(frozen=True, slots=True)
class Entry:
    """An item as published, with the keys by which stored ones are found. `url_key` is empty where the URL says
    nothing (a site's front page)."""

    item: FeedItem
    canonical_url: str
    url_key: str
    guid_hash: bytes
    title_hash: bytes
    content_hash: bytes

    @classmethod
    def of(cls, item: FeedItem, canonical_url: str) -> Entry:
        """The entry of one parsed item."""
        return cls(
            item=item,
            canonical_url=canonical_url,
            url_key=canonical_url if _names_a_page(canonical_url) else "",
            guid_hash=digest(item.guid),
            title_hash=digest(" ".join(item.title.casefold().split())),
            content_hash=digest(f"{item.title}\0{item.summary}"),
        )


@dataclass(slots=True)
class Stored:
    """What the store knows of an item; `id` is None while it is being stored with this very batch.

    `old_hashes` are the contents of its earlier versions of the last hour: a cache that serves an older page again
    makes no edit.
    """

    id: int | None
    feed_id: int
    guid_hash: bytes
    canonical_url: str
    title_hash: bytes
    content_hash: bytes
    version: int
    published_at: datetime | None
    old_hashes: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class Known:
    """The stored items that a poll's entries might be: by guid and by headline within the feed, by URL within the
    publisher."""

    by_guid: dict[bytes, Stored] = field(default_factory=dict)
    by_url: dict[str, Stored] = field(default_factory=dict)
    by_title: dict[bytes, Stored] = field(default_factory=dict)


class Kind(StrEnum):
    """What an entry is: a new item, an edit, the same item under another guid or URL, or nothing to write."""

    NEW = "new"
    EDIT = "edit"
    RENAMED = "renamed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with one entry. `why_not` says in words why a new item may not alert; None: it may."""

    kind: Kind
    entry: Entry
    stored: Stored | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """What is known about the poll that brought the entries."""

    feed_id: int
    document_size: int
    backlog: str | None
    previous_success_at: datetime | None


def backlog(memory: FeedMemory, now: datetime, settings: FirstSightSettings) -> str | None:
    """Why nothing of this poll may alert, in words; None if its new items may."""
    if memory.last_success_at is None:
        return "the first poll of this feed"
    absent_s = (now - memory.last_success_at).total_seconds()
    if absent_s > settings.absent_after_s:
        return f"the feed is back after {absent_s / 86_400:.0f} days"
    return None


def judge(
    entries: Sequence[Entry], known: Known, poll: Poll, now: datetime, settings: FirstSightSettings
) -> list[Verdict]:
    """A verdict for each entry, in their order."""
    renumbered = _is_renumbered(entries, known)
    verdicts = []
    for entry in entries:
        stored = _find(entry, known, renumbered)
        verdicts.append(_new(entry, poll, now, settings) if stored is None else _seen(entry, stored, poll))
        _remember(entry, known, poll, stored)
    return _without_flood(verdicts, poll)


def digest(text: str) -> bytes:
    """16 bytes of BLAKE2b: keys may be long, and two never meet by chance."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()


def _names_a_page(url: str) -> bool:
    """A URL of a site's front page is not an item's identity: some feeds give it to every entry."""
    _, _, rest = url.partition("://")
    _, _, path = rest.partition("/")
    return bool(path)


def _is_renumbered(entries: Sequence[Entry], known: Known) -> bool:
    """Most of what looks new has headlines that this feed had before: its guids and URLs were made anew."""
    strangers = [e for e in entries if e.guid_hash not in known.by_guid and e.url_key not in known.by_url]
    familiar = sum(e.title_hash in known.by_title for e in strangers)
    return familiar >= RENUMBERED_AT_LEAST and familiar * 2 >= len(strangers)


def _find(entry: Entry, known: Known, renumbered: bool) -> Stored | None:
    stored = known.by_guid.get(entry.guid_hash)
    if stored is not None and not _is_reused_guid(entry, stored):
        return stored
    if entry.url_key and (stored := known.by_url.get(entry.url_key)):
        return stored
    stored = known.by_title.get(entry.title_hash)
    if stored is not None and (renumbered or _not_later(entry.item.published_at, stored.published_at)):
        return stored
    return None


def _is_reused_guid(entry: Entry, stored: Stored) -> bool:
    """The guid of another item: neither the address nor the headline is that of the stored one."""
    return entry.canonical_url != stored.canonical_url and entry.title_hash != stored.title_hash


def _not_later(published: datetime | None, before: datetime | None) -> bool:
    """A recurring headline ("Morning briefing") is a new item only if it says that it is later."""
    return published is None or (before is not None and published <= before)


def _seen(entry: Entry, stored: Stored, poll: Poll) -> Verdict:
    """Edits come from the feed that brought the item: another feed of the publisher may show another headline for the
    same page all day, and that is no news."""
    if stored.id is None or stored.feed_id != poll.feed_id:
        return Verdict(Kind.SAME, entry, stored)
    if entry.content_hash != stored.content_hash and entry.content_hash not in stored.old_hashes:
        return Verdict(Kind.EDIT, entry, stored)
    if entry.guid_hash != stored.guid_hash or entry.canonical_url != stored.canonical_url:
        return Verdict(Kind.RENAMED, entry, stored)
    return Verdict(Kind.SAME, entry, stored)


def _new(entry: Entry, poll: Poll, now: datetime, settings: FirstSightSettings) -> Verdict:
    return Verdict(Kind.NEW, entry, why_not=poll.backlog or _too_old(entry.item.published_at, poll, now, settings))


def _too_old(published: datetime | None, poll: Poll, now: datetime, settings: FirstSightSettings) -> str | None:
    if published is None:
        since = poll.previous_success_at
        if since is None or (now - since).total_seconds() <= settings.max_age_s:
            return None
        return f"undated, and the feed was not read for {(now - since).total_seconds() / 3_600:.0f} h"
    age_s = (now - published).total_seconds()
    return f"published {age_s / 3_600:.0f} h before it was first seen" if age_s > settings.max_age_s else None


def _remember(entry: Entry, known: Known, poll: Poll, stored: Stored | None) -> None:
    """Later entries of this batch meet this one. The older item of a reused guid is not found by it any more."""
    if stored is None:
        stored = Stored(
            None,
            poll.feed_id,
            entry.guid_hash,
            entry.canonical_url,
            entry.title_hash,
            entry.content_hash,
            1,
            entry.item.published_at,
        )
    known.by_guid[entry.guid_hash] = stored
    known.by_title.setdefault(entry.title_hash, stored)
    if entry.url_key:
        known.by_url.setdefault(entry.url_key, stored)


def _without_flood(verdicts: list[Verdict], poll: Poll) -> list[Verdict]:
    """A rebuilt site: nearly all is new at once, and no date tells the new from the old."""
    fresh = [v for v in verdicts if v.kind is Kind.NEW and v.why_not is None]
    if len(fresh) < max(FLOOD_AT_LEAST, FLOOD_SHARE * poll.document_size):
        return verdicts
    dates: Mapping[datetime | None, int] = Counter(v.entry.item.published_at for v in fresh)
    if dates.get(None, 0) + max(dates.values()) <= len(fresh) / 2:
        return verdicts
    why = f"{len(fresh)} of {poll.document_size} items are new at once and share a date: the site was rebuilt"
    return [_silenced(v, why) if v.kind is Kind.NEW and v.why_not is None else v for v in verdicts]


def _silenced(verdict: Verdict, why: str) -> Verdict:
    return Verdict(verdict.kind, verdict.entry, verdict.stored, why)
