"""Which entries of a poll are new, which are edits of stored items, and which of the new ones may alert. Pure.

Enters: the entries of a poll that its last body did not have, and the stored items that they might be. Leaves: a
`ClassifiedEntry` for each. A wrong "new" wakes people for old news; how each kind of resurfacing is recognised:

    a new feed's backlog          its first successful poll: nothing alerts
    a feed back after a month     no success for longer than `absent_after_s`: nothing of that poll alerts
    re-dated items                the same item (see `matching`), whatever its date; only other words are an edit
    renumbered guids              same headline on the same page, or in the same feed where dates or numbers say so
    an old item                   published longer ago than `max_age_s`; undated: it could be as old as the last success
    a rebuilt site                nearly everything new at once, without dates or with the same one
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.feeds.matching import FeedEntry, ItemMatcher, Known, Stored
from notifier.feeds.poll_state import PollState
from notifier.text.spans import span

FLOOD_AT_LEAST = 10
FLOOD_SHARE = 0.8
STALE_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NoveltySettings:
    """`max_age_s`: older items never alert; `absent_after_s`: a feed not read for so long starts anew."""

    max_age_s: float = 12 * 3_600.0
    absent_after_s: float = 3 * 86_400.0


class Novelty(StrEnum):
    """What an entry is: a new item, an edit, the same item under another guid or URL, or nothing to write."""

    NEW = "new"
    EDIT = "edit"
    RENAMED = "renamed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class ClassifiedEntry:
    """What to do with one entry. `why_not` says in words why a new item may not alert; None: it may.

    `page` is what a new or moved item's page is stored as (see `Known.key_for`).
    """

    kind: Novelty
    entry: FeedEntry
    stored: Stored | None = None
    why_not: str | None = None
    page: str = ""


@dataclass(frozen=True, slots=True)
class Poll:
    """What is known about the poll that brought the entries."""

    feed_id: int
    document_size: int
    backlog: str | None
    previous_success_at: datetime | None


def backlog(poll_state: PollState, now: datetime, settings: NoveltySettings) -> str | None:
    """Why nothing of this poll may alert, in words; None if its new items may."""
    if poll_state.last_success_at is None:
        return "the first poll of this feed"
    absent_s = (now - poll_state.last_success_at).total_seconds()
    if absent_s > settings.absent_after_s:
        return f"the feed is back after {span(absent_s)}"
    return None


def classify(
    entries: Sequence[FeedEntry], known: Known, poll: Poll, now: datetime, settings: NoveltySettings
) -> list[ClassifiedEntry]:
    """A verdict for each entry, in their order. An item is edited once in a poll, whatever that says of it."""
    matcher = ItemMatcher(entries, known, poll.feed_id)
    verdicts: dict[int, ClassifiedEntry] = {}
    met: dict[int, Novelty] = {}
    for place in matcher.order():
        entry = matcher.entries[place]
        stored = matcher.find(entry)
        if stored is None:
            verdict = _new(entry, known, poll, now, settings)
            stored = _being_stored(verdict, poll)
        else:
            verdict = _seen(entry, stored, known, poll, met)
        known.add(entry, stored)
        verdicts[place] = verdict
    return _without_flood([verdicts[place] for place in sorted(verdicts)], poll)


def _seen(entry: FeedEntry, stored: Stored, known: Known, poll: Poll, met: dict[int, Novelty]) -> ClassifiedEntry:
    """Edits come from the feed that brought the item: another feed of the publisher may show another headline for the
    same page all day, and that is no news. `met` are the items of earlier entries: once edited they are not edited
    again, and one that is listed under its own name as well keeps that.
    """
    if stored.id is None or stored.feed_id != poll.feed_id:
        return ClassifiedEntry(Novelty.SAME, entry, stored)
    page = stored.canonical_url if stored.page == entry.canonical_url else known.key_for(entry)
    if entry.content_hash != stored.content_hash and entry.content_hash not in stored.old_hashes:
        if met.get(stored.id) is Novelty.EDIT:
            return ClassifiedEntry(Novelty.SAME, entry, stored)
        stored.now_says(entry)
        kind = Novelty.EDIT
    elif stored.id not in met and (entry.guid_hash != stored.guid_hash or page != stored.canonical_url):
        kind = Novelty.RENAMED
    else:
        kind = Novelty.SAME
    met.setdefault(stored.id, kind)
    return ClassifiedEntry(kind, entry, stored, page=page)


def _new(entry: FeedEntry, known: Known, poll: Poll, now: datetime, settings: NoveltySettings) -> ClassifiedEntry:
    why_not = poll.backlog or _too_old(entry.item.published_at, poll, now, settings)
    return ClassifiedEntry(Novelty.NEW, entry, why_not=why_not, page=known.key_for(entry))


def _being_stored(verdict: ClassifiedEntry, poll: Poll) -> Stored:
    entry, one = verdict.entry, verdict.entry.item
    keys = (entry.guid_hash, verdict.page, entry.title_hash, entry.content_hash)
    return Stored(None, poll.feed_id, *keys, 1, one.published_at, one.url)


def _too_old(published: datetime | None, poll: Poll, now: datetime, settings: NoveltySettings) -> str | None:
    if published is None:
        since = poll.previous_success_at
        if since is None or (now - since).total_seconds() <= settings.max_age_s:
            return None
        return f"undated, and the feed was not read for {span((now - since).total_seconds())}"
    age_s = (now - published).total_seconds()
    return f"published {span(age_s)} before it was first seen" if age_s > settings.max_age_s else None


def _without_flood(verdicts: list[ClassifiedEntry], poll: Poll) -> list[ClassifiedEntry]:
    """A rebuilt site: nearly all is new at once, and no date tells the new from the old."""
    fresh = [v for v in verdicts if v.kind is Novelty.NEW and v.why_not is None]
    if len(fresh) < max(FLOOD_AT_LEAST, FLOOD_SHARE * poll.document_size):
        return verdicts
    dates: Mapping[datetime | None, int] = Counter(v.entry.item.published_at for v in fresh)
    if dates.get(None, 0) + max(dates.values()) <= len(fresh) / 2:
        return verdicts
    why = f"{len(fresh)} of {poll.document_size} items are new at once and share a date: the site was rebuilt"
    return [_silenced(v, why) if v.kind is Novelty.NEW and v.why_not is None else v for v in verdicts]


def _silenced(verdict: ClassifiedEntry, why: str) -> ClassifiedEntry:
    return replace(verdict, why_not=why)
