"""Items in the database: what a batch of polls brought, as new items, new versions, or nothing.

Enters: `PollResult`s inside the transaction that also writes the feeds' bookkeeping. This module finds the stored items
that they might be, `feeds.decide` decides (`take_in`), `item_writer` writes what it says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, func, select

from notifier.feeds.decide import Arrival, PollRules, take_in
from notifier.feeds.feed import FeedItem
from notifier.feeds.matching import FeedEntry, Known, Stored, title_digest
from notifier.feeds.novelty import STALE_FOR, Novelty
from notifier.feeds.poll_state import PollResult, Recorded
from notifier.storage.flood_allowance import Brought, keep_brought, rooms
from notifier.storage.item_writer import ItemWriter, Refusal
from notifier.storage.schema import feed, item, item_version
from notifier.storage.storable import storable
from notifier.stories.agency_copy import publisher_key
from notifier.stories.canonical import canonical_url

_IN_AT_ONCE = 500

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


def store_items(
    connection: Connection, results: Sequence[PollResult], now: datetime, rules: PollRules
) -> Sequence[Recorded]:
    """Write the items of `results`; says of each result how many were new, edited, left out and refused."""
    if not any(result.items for result in results):
        return [Recorded()] * len(results)
    entries = [[_entry(one) for one in result.items] for result in results]
    books = _Books(connection, results, entries, now)
    arrivals = [Arrival(result, own, books.known(result)) for result, own in zip(results, entries, strict=True)]
    room = rooms(connection, [r.feed_id for r in results if r.items], now, rules.flood)
    intake = take_in(arrivals, room, now, rules)
    refusals = ItemWriter(connection, now).write(intake.verdicts)
    counts = [_less(found, result, refusals) for found, result in zip(intake.counts, results, strict=True)]
    brought = [
        Brought(result.feed_id, intake.room[result.feed_id], found.left_out, _words(result.feed_id, refusals))
        for result, found in zip(results, counts, strict=True)
        if found != Recorded()
    ]
    keep_brought(connection, brought, now)
    return counts


def _entry(one: FeedItem) -> FeedEntry:
    clean = storable(one)
    return FeedEntry.of(clean, canonical_url(clean.url))


def _less(found: Recorded, result: PollResult, refusals: Sequence[Refusal]) -> Recorded:
    kinds = [refusal.kind for refusal in refusals if refusal.feed_id == result.feed_id]
    new, edited = found.new - kinds.count(Novelty.NEW), found.edited - kinds.count(Novelty.EDIT)
    return replace(found, new=max(0, new), edited=max(0, edited), refused=len(kinds)) if kinds else found


def _words(feed_id: int, refusals: Sequence[Refusal]) -> str | None:
    """What of this feed could not be stored, for its health."""
    own = [refusal for refusal in refusals if refusal.feed_id == feed_id]
    if not own:
        return None
    first = f"“{own[0].title}” ({own[0].reason})"
    return f"{len(own)} of its entries cannot be stored and were left out, the first: {first}"


class _Books:
    """The stored items that a batch's entries might be, found with three questions for the whole batch.

    Items of the batch itself are found too: deciding adds them to the shared dictionaries of their feed and publisher.
    """

    def __init__(
        self, connection: Connection, results: Sequence[PollResult], entries: list[list[FeedEntry]], now: datetime
    ) -> None:
        self._guids: dict[int, dict[bytes, Stored]] = defaultdict(dict)
        self._titles: dict[int, dict[bytes, Stored]] = defaultdict(dict)
        self._urls: dict[str, dict[str, Stored]] = defaultdict(dict)
        every = [entry for own in entries for entry in own]
        feeds = {result.feed_id for result in results}
        found: dict[int, Stored] = {}
        for row in _newest(connection, item.c.guid_hash, {guid for entry in every for guid in entry.guids}, feeds):
            self._guids[row.feed_id][row.guid_hash] = _stored(row, found)
        titles = {entry.title_hash for entry in every if entry.has_words}
        for row in _newest(connection, item.c.title_hash, titles, feeds):
            self._titles[row.feed_id][row.title_hash] = _stored(row, found)
        for row in _on_pages(connection, {key for entry in every for key in entry.page_keys}):
            self._urls[publisher_key(row.publisher)][row.canonical_url] = _stored(row, found)
        _add_earlier_words(connection, found, now)

    def known(self, result: PollResult) -> Known:
        """What one poll's entries might be."""
        of_publisher = self._urls[publisher_key(result.publisher)]
        return Known(self._guids[result.feed_id], of_publisher, self._titles[result.feed_id])


def _newest(connection: Connection, column: Column[Any], keys: set[bytes], feeds: set[int]) -> Iterator[Any]:
    """The newest item of each feed by each key: a feed that gives one headline to thousands costs no more than any."""
    for some in _slices(sorted(keys)):
        newest = select(func.max(item.c.id)).where(column.in_(some), item.c.feed_id.in_(feeds))
        yield from connection.execute(_STORED.where(item.c.id.in_(newest.group_by(item.c.feed_id, column))))


def _on_pages(connection: Connection, keys: set[str]) -> Iterator[Any]:
    """Items by page, older before newer: where several share it, the newest is found last and stays."""
    for some in _slices(sorted(keys)):
        yield from connection.execute(_STORED.where(item.c.canonical_url.in_(some)).order_by(item.c.id))


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


def _slices(keys: Iterable[Any]) -> Iterator[list[Any]]:
    every = list(keys)
    for at in range(0, len(every), _IN_AT_ONCE):
        yield every[at : at + _IN_AT_ONCE]
