"""Items in the database: what a batch of polls brought, as new items, new versions, or nothing.

Enters: `PollResult`s inside the transaction that also writes the feeds' bookkeeping. `first_sight` judges; this module
finds the stored items that it needs and writes what it says. `grouped_version < version` marks work for the desk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, bindparam, insert, select, update

from notifier.feeds.first_sight import (
    STALE_FOR,
    Entry,
    FirstSightSettings,
    Kind,
    Known,
    Poll,
    Stored,
    Verdict,
    judge,
)
from notifier.feeds.memory import PollResult, Recorded
from notifier.storage.schema import feed, item, item_version
from notifier.stories.identity import canonical_url

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


def store_items(
    connection: Connection, results: Sequence[PollResult], now: datetime, settings: FirstSightSettings
) -> list[Recorded]:
    """Write the items of `results`; says of each result how many were new and how many edited."""
    if not any(result.items for result in results):
        return [Recorded()] * len(results)
    entries = [[Entry.of(one, canonical_url(one.url)) for one in result.items] for result in results]
    books = _Books(connection, results, entries, now)
    counts: list[Recorded] = []
    verdicts: list[tuple[int, Verdict]] = []
    for result, own in zip(results, entries, strict=True):
        poll = Poll(result.feed_id, result.document_size, result.backlog, result.previous_success_at)
        judged = judge(own, books.known(result), poll, now, settings)
        verdicts += [(result.feed_id, verdict) for verdict in judged]
        kinds = [verdict.kind for verdict in judged]
        counts.append(Recorded(kinds.count(Kind.NEW), kinds.count(Kind.EDIT)))
    _write(connection, verdicts, now)
    return counts


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
        for row in _matching(connection, item.c.guid_hash, {entry.guid_hash for entry in every}):
            if row.feed_id in feeds:
                self._guids[row.feed_id][row.guid_hash] = _stored(row, found)
        for row in _matching(connection, item.c.title_hash, {entry.title_hash for entry in every}):
            if row.feed_id in feeds:
                self._titles[row.feed_id][row.title_hash] = _stored(row, found)
        for row in _matching(connection, item.c.canonical_url, {entry.url_key for entry in every} - {""}):
            self._urls[row.publisher][row.canonical_url] = _stored(row, found)
        _add_old_hashes(connection, found, now)

    def known(self, result: PollResult) -> Known:
        """What `judge` needs for one poll."""
        return Known(self._guids[result.feed_id], self._urls[result.publisher], self._titles[result.feed_id])


def _matching(connection: Connection, column: Column[Any], keys: set[Any]) -> Iterator[Any]:
    """Rows of items by one key, older before newer: where several share it, the newest is found last and stays."""
    for some in _slices(sorted(keys)):
        yield from connection.execute(_STORED.where(column.in_(some)).order_by(item.c.id))


def _stored(row: Any, found: dict[int, Stored]) -> Stored:
    return found.setdefault(row[0], Stored(*row[:8]))


def _add_old_hashes(connection: Connection, found: dict[int, Stored], now: datetime) -> None:
    """The contents that edited items had within the last hour."""
    old, newer = item_version.alias("old"), item_version.alias("newer")
    hashes: dict[int, set[bytes]] = defaultdict(set)
    for some in _slices(sorted(key for key, stored in found.items() if stored.version > 1)):
        query = select(old.c.item_id, old.c.content_hash).where(
            old.c.item_id.in_(some),
            newer.c.item_id == old.c.item_id,
            newer.c.version == old.c.version + 1,
            newer.c.seen_at > now - STALE_FOR,
        )
        for item_id, content_hash in connection.execute(query):
            hashes[item_id].add(content_hash)
    for item_id, contents in hashes.items():
        found[item_id].old_hashes = frozenset(contents)


def _write(connection: Connection, verdicts: list[tuple[int, Verdict]], now: datetime) -> None:
    new = [(feed_id, v) for feed_id, v in verdicts if v.kind is Kind.NEW]
    edits = [(v.stored, v) for _, v in verdicts if v.kind is Kind.EDIT and v.stored]
    renames = [(v.stored, v) for _, v in verdicts if v.kind is Kind.RENAMED and v.stored]
    versions = []
    if new:
        rows = [_new_row(feed_id, verdict, now) for feed_id, verdict in new]
        ids = connection.execute(insert(item).returning(item.c.id, sort_by_parameter_order=True), rows).scalars()
        versions += [_version_row(key, 1, v, now) for key, (_, v) in zip(ids, new, strict=True)]
    if edits:
        connection.execute(_EDIT, [_edit_row(stored, v, now) for stored, v in edits])
        versions += [_version_row(stored.id, stored.version + 1, v, now) for stored, v in edits]
    if renames:
        connection.execute(_RENAME, [_rename_row(stored, v) for stored, v in renames])
    if versions:
        connection.execute(insert(item_version), versions)


def _new_row(feed_id: int, verdict: Verdict, now: datetime) -> dict[str, Any]:
    entry, one = verdict.entry, verdict.entry.item
    return {
        "feed_id": feed_id,
        "guid_hash": entry.guid_hash,
        "url": one.url,
        "canonical_url": entry.canonical_url,
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


def _edit_row(stored: Stored, verdict: Verdict, now: datetime) -> dict[str, Any]:
    entry, one = verdict.entry, verdict.entry.item
    return {
        **_rename_row(stored, verdict),
        "title": one.title,
        "title_hash": entry.title_hash,
        "summary": one.summary,
        "content_hash": entry.content_hash,
        "image_url": one.image_url,
        "seen_at": now,
        "version": stored.version + 1,
    }


def _rename_row(stored: Stored, verdict: Verdict) -> dict[str, Any]:
    entry = verdict.entry
    return {
        "_id": stored.id,
        "guid_hash": entry.guid_hash,
        "url": entry.item.url,
        "canonical_url": entry.canonical_url,
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
