"""Items in the database: what a batch of polls brought, as new items, new versions, or nothing.

Enters: `PollResult`s inside the transaction that also writes the feeds' bookkeeping. `first_sight` judges, `flood` bounds;
this module finds the stored items that they need and writes what they say. `grouped_version < version` marks work for
the desk. What the database refuses of one entry costs that entry: it is left out, counted and named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Column, Connection, bindparam, insert, select, update

from notifier.feeds.feed import FeedItem
from notifier.feeds.first_sight import STALE_FOR, FirstSightSettings, Kind, Poll, Verdict, judge
from notifier.feeds.flood import FloodSettings, bounded
from notifier.feeds.matching import Entry, Known, Stored, title_digest
from notifier.feeds.memory import PollResult, Recorded
from notifier.storage.feed_room import Brought, keep_brought, rooms
from notifier.storage.schema import feed, item, item_version
from notifier.storage.storable import is_of_the_database, storable
from notifier.stories.identity import canonical_url
from notifier.stories.wire_copy import publisher_key

log = structlog.get_logger(__name__)

_IN_AT_ONCE = 500
MOST_REFUSED = 50
"""Of one feed's poll: what is left then is refused as well, untried, so that the search ends."""

_STORED = select(
    item.c.id,
    item.c.feed_id,
    item.c.guid_hash,
    item.c.canonical_url,
    item.c.title_hash,
    item.c.content_hash,
    item.c.version,
    item.c.published_at,
    item.c.url,
    feed.c.publisher,
).select_from(item.join(feed, item.c.feed_id == feed.c.id))
_BY_ID = item.c.id == bindparam("_id")
_EDIT = (
    update(item)
    .where(_BY_ID)
    .values(
        {
            name: bindparam(name)
            for name in ("title", "title_hash", "summary", "content_hash", "image_url", "seen_at", "version")
        }
        | {name: bindparam(name) for name in ("guid_hash", "url", "canonical_url")}
    )
)
_RENAME = update(item).where(_BY_ID).values({name: bindparam(name) for name in ("guid_hash", "url", "canonical_url")})


@dataclass(frozen=True, slots=True)
class _Refusal:
    feed_id: int
    title: str
    reason: str


def store_items(
    connection: Connection,
    results: Sequence[PollResult],
    now: datetime,
    settings: FirstSightSettings,
    flood: FloodSettings,
) -> list[Recorded]:
    """Write the items of `results`; says of each result how many were new, edited, left out and refused."""
    if not any(result.items for result in results):
        return [Recorded()] * len(results)
    entries = [[_entry(one) for one in result.items] for result in results]
    books = _Books(connection, results, entries, now)
    room = rooms(connection, [r.feed_id for r in results if r.items], now, flood)
    counts: list[Recorded] = []
    kept: list[tuple[int, Verdict]] = []
    for result, own in zip(results, entries, strict=True):
        if not own:
            counts.append(Recorded())
            continue
        poll = Poll(result.feed_id, result.document_size, result.backlog, result.previous_success_at)
        judged = bounded(judge(own, books.known(result), poll, now, settings), room[result.feed_id], flood)
        room[result.feed_id] = judged.room
        kept += [(result.feed_id, verdict) for verdict in judged.kept]
        kinds = [verdict.kind for verdict in judged.kept]
        counts.append(Recorded(kinds.count(Kind.NEW), kinds.count(Kind.EDIT), left_out=judged.left_out))
    refusals = _Writer(connection, now).write(kept)
    counts = [_less(found, result, refusals) for found, result in zip(counts, results, strict=True)]
    brought = [
        Brought(result.feed_id, room[result.feed_id], found.left_out, _words(result.feed_id, refusals))
        for result, found in zip(results, counts, strict=True)
        if found != Recorded()
    ]
    keep_brought(connection, brought, now)
    return counts


def _entry(one: FeedItem) -> Entry:
    clean = storable(one)
    return Entry.of(clean, canonical_url(clean.url))


def _less(found: Recorded, result: PollResult, refusals: Sequence[_Refusal]) -> Recorded:
    refused = sum(refusal.feed_id == result.feed_id for refusal in refusals)
    return replace(found, new=max(0, found.new - refused), refused=refused) if refused else found


def _words(feed_id: int, refusals: Sequence[_Refusal]) -> str | None:
    """What of this feed could not be stored, for its health."""
    own = [refusal for refusal in refusals if refusal.feed_id == feed_id]
    if not own:
        return None
    return (
        f"{len(own)} of its entries cannot be stored and were left out, the first: “{own[0].title}” ({own[0].reason})"
    )


class _Books:
    """The stored items that a batch's entries might be, found with three questions for the whole batch.

    Items of the batch itself are found too: `judge` adds them to the shared dictionaries of their feed and publisher.
    """

    def __init__(
        self, connection: Connection, results: Sequence[PollResult], entries: list[list[Entry]], now: datetime
    ) -> None:
        self._guids: dict[int, dict[bytes, Stored]] = defaultdict(dict)
        self._titles: dict[int, dict[bytes, Stored]] = defaultdict(dict)
        self._urls: dict[str, dict[str, Stored]] = defaultdict(dict)
        every = [entry for own in entries for entry in own]
        feeds = {result.feed_id for result in results}
        found: dict[int, Stored] = {}
        for row in _matching(connection, item.c.guid_hash, {guid for entry in every for guid in entry.guids}):
            if row.feed_id in feeds:
                self._guids[row.feed_id][row.guid_hash] = _stored(row, found)
        for row in _matching(connection, item.c.title_hash, {entry.title_hash for entry in every}):
            if row.feed_id in feeds:
                self._titles[row.feed_id][row.title_hash] = _stored(row, found)
        for row in _matching(connection, item.c.canonical_url, {key for entry in every for key in entry.page_keys}):
            self._urls[publisher_key(row.publisher)][row.canonical_url] = _stored(row, found)
        _add_earlier_words(connection, found, now)

    def known(self, result: PollResult) -> Known:
        """What `judge` needs for one poll."""
        return Known(
            self._guids[result.feed_id], self._urls[publisher_key(result.publisher)], self._titles[result.feed_id]
        )


def _matching(connection: Connection, column: Column[Any], keys: set[Any]) -> Iterator[Any]:
    """Rows of items by one key, older before newer: where several share it, the newest is found last and stays."""
    for some in _slices(sorted(keys)):
        yield from connection.execute(_STORED.where(column.in_(some)).order_by(item.c.id))


def _stored(row: Any, found: dict[int, Stored]) -> Stored:
    return found.setdefault(row[0], Stored(*row[:9]))


def _add_earlier_words(connection: Connection, found: dict[int, Stored], now: datetime) -> None:
    """The headlines that edited items ever had, and the contents that they had within the last hour."""
    old, newer = item_version.alias("old"), item_version.alias("newer")
    for some in _slices(sorted(key for key, stored in found.items() if stored.version > 1)):
        query = select(old.c.item_id, old.c.title, old.c.content_hash, newer.c.seen_at).where(
            old.c.item_id.in_(some), newer.c.item_id == old.c.item_id, newer.c.version == old.c.version + 1
        )
        for item_id, title, content_hash, until in connection.execute(query):
            stored = found[item_id]
            stored.old_titles |= {title_digest(title)}
            if until > now - STALE_FOR:
                stored.old_hashes |= {content_hash}


class _Writer:
    """Writes verdicts, all at once; where the database refuses that, by halves, so that nothing is lost but what it
    refuses by itself."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection, self._now = connection, now
        self._versions: dict[int, int] = {}  # those written by now; two polls of a batch may edit one item

    def write(self, verdicts: Sequence[tuple[int, Verdict]]) -> list[_Refusal]:
        """The verdicts of any number of feeds."""
        writes = [(feed_id, v) for feed_id, v in verdicts if v.kind is not Kind.SAME]
        if not writes or self._refusal_of(writes) is None:
            return []
        by_feed: dict[int, list[tuple[int, Verdict]]] = defaultdict(list)
        for one in writes:
            by_feed[one[0]].append(one)
        return [refusal for own in by_feed.values() for refusal in self._by_halves(own, MOST_REFUSED)]

    def _by_halves(self, verdicts: Sequence[tuple[int, Verdict]], most: int) -> list[_Refusal]:
        error = self._refusal_of(verdicts)
        if error is None:
            return []
        if len(verdicts) == 1 or most <= 0:
            reason = type(getattr(error, "orig", None) or error).__name__
            log.error("entries_not_stored", feed_id=verdicts[0][0], entries=len(verdicts), reason=reason)
            return [_Refusal(feed_id, v.entry.item.title[:80], reason) for feed_id, v in verdicts]
        middle = len(verdicts) // 2
        first = self._by_halves(verdicts[:middle], most)
        return first + self._by_halves(verdicts[middle:], most - len(first))

    def _refusal_of(self, verdicts: Sequence[tuple[int, Verdict]]) -> Exception | None:
        try:
            with self._connection.begin_nested():
                versions = self._put(verdicts)
        except Exception as error:  # whatever a driver raises for a value that it cannot take
            if is_of_the_database(error):
                raise
            return error
        self._versions |= versions
        return None

    def _put(self, verdicts: Sequence[tuple[int, Verdict]]) -> dict[int, int]:
        """Returns the versions that edited items now have."""
        connection, now = self._connection, self._now
        new = [(feed_id, v) for feed_id, v in verdicts if v.kind is Kind.NEW]
        renames = [(v.stored, v) for _, v in verdicts if v.kind is Kind.RENAMED and v.stored]
        latest: dict[int, int] = {}
        edits: list[tuple[int, int, Verdict]] = []
        for _, v in verdicts:
            if v.kind is Kind.EDIT and v.stored is not None and (key := v.stored.id) is not None:
                latest[key] = latest.get(key, self._versions.get(key, v.stored.version)) + 1
                edits.append((key, latest[key], v))
        versions = []
        if new:
            rows = [_new_row(feed_id, verdict, now) for feed_id, verdict in new]
            ids = connection.execute(insert(item).returning(item.c.id, sort_by_parameter_order=True), rows).scalars()
            versions += [_version_row(key, 1, v, now) for key, (_, v) in zip(ids, new, strict=True)]
        if edits:
            connection.execute(_EDIT, [_edit_row(key, version, v, now) for key, version, v in edits])
            versions += [_version_row(*edit, now) for edit in edits]
        if renames:
            connection.execute(_RENAME, [_rename_row(stored.id, v) for stored, v in renames])
        if versions:
            connection.execute(insert(item_version), versions)
        return latest


def _new_row(feed_id: int, verdict: Verdict, now: datetime) -> dict[str, Any]:
    entry, one = verdict.entry, verdict.entry.item
    return {
        "feed_id": feed_id,
        "guid_hash": entry.guid_hash,
        "url": one.url,
        "canonical_url": verdict.page,
        "title": one.title,
        "title_hash": entry.title_hash,
        "summary": one.summary,
        "image_url": one.image_url,
        "language": one.language,
        "published_at": one.published_at,
        "first_seen_at": now,
        "seen_at": now,
        "content_hash": entry.content_hash,
        "may_alert": verdict.why_not is None,
        "why_not": verdict.why_not,
    }


def _edit_row(item_id: int, version: int, verdict: Verdict, now: datetime) -> dict[str, Any]:
    entry, one = verdict.entry, verdict.entry.item
    return {
        **_rename_row(item_id, verdict),
        "title": one.title,
        "title_hash": entry.title_hash,
        "summary": one.summary,
        "content_hash": entry.content_hash,
        "image_url": one.image_url,
        "seen_at": now,
        "version": version,
    }


def _rename_row(item_id: int | None, verdict: Verdict) -> dict[str, Any]:
    entry = verdict.entry
    return {
        "_id": item_id,
        "guid_hash": entry.guid_hash,
        "url": entry.item.url,
        "canonical_url": verdict.page,
    }


def _version_row(item_id: int | None, version: int, verdict: Verdict, now: datetime) -> dict[str, Any]:
    one = verdict.entry.item
    return {
        "item_id": item_id,
        "version": version,
        "title": one.title,
        "summary": one.summary,
        "content_hash": verdict.entry.content_hash,
        "seen_at": now,
    }


def _slices(keys: Iterable[Any]) -> Iterator[list[Any]]:
    every = list(keys)
    for at in range(0, len(every), _IN_AT_ONCE):
        yield every[at : at + _IN_AT_ONCE]
