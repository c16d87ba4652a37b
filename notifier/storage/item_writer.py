"""Writes what was judged of items: new ones, new versions, other names. A version that was not grouped is the
decider's.

Enters: verdicts of one or more feeds, inside a transaction. Leaves: rows; and for each entry that the database refuses
by itself a `Refusal`, which costs that entry and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, insert, update

from notifier.feeds.novelty import ClassifiedEntry, Novelty
from notifier.storage.schema import item, item_version
from notifier.storage.storable import is_of_the_database

log = structlog.get_logger(__name__)

MOST_REFUSED = 50
"""Of one feed's poll: what is left then is refused as well, untried, so that the search ends."""

_BY_ID = item.c.id == bindparam("_id")
_EDIT = (
    update(item)
    .where(_BY_ID)
    .values(
        {
            name: bindparam(name)
            for name in ("title", "title_hash", "summary", "content_hash", "image_url", "credit", "seen_at", "version")
        }
        | {name: bindparam(name) for name in ("guid_hash", "url", "canonical_url")}
    )
)
_RENAME = update(item).where(_BY_ID).values({name: bindparam(name) for name in ("guid_hash", "url", "canonical_url")})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that cannot be stored: what it was, its headline, and the kind of error."""

    feed_id: int
    kind: Novelty
    title: str
    reason: str


class ItemWriter:
    """Writes verdicts, all at once; where the database refuses that, by halves, so that nothing is lost but what it
    refuses by itself."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection, self._now = connection, now
        self._versions: dict[int, int] = {}  # those written by now; two polls of a batch may edit one item

    def write(self, verdicts: Sequence[tuple[int, ClassifiedEntry]]) -> list[Refusal]:
        """The verdicts of any number of feeds."""
        writes = [(feed_id, v) for feed_id, v in verdicts if v.kind is not Novelty.SAME]
        if not writes or self._refusal_of(writes) is None:
            return []
        by_feed: dict[int, list[tuple[int, ClassifiedEntry]]] = defaultdict(list)
        for one in writes:
            by_feed[one[0]].append(one)
        refusals = []
        for feed_id, own in by_feed.items():
            refused = self._by_halves(own, MOST_REFUSED)
            if refused:
                log.error("entries_not_stored", feed_id=feed_id, entries=len(refused), reason=refused[0].reason)
            refusals += refused
        return refusals

    def _by_halves(self, verdicts: Sequence[tuple[int, ClassifiedEntry]], most: int) -> list[Refusal]:
        error = self._refusal_of(verdicts)
        if error is None:
            return []
        if len(verdicts) == 1 or most <= 0:
            reason = type(getattr(error, "orig", None) or error).__name__
            return [Refusal(feed_id, v.kind, v.entry.item.title[:80], reason) for feed_id, v in verdicts]
        middle = len(verdicts) // 2
        first = self._by_halves(verdicts[:middle], most)
        return first + self._by_halves(verdicts[middle:], most - len(first))

    def _refusal_of(self, verdicts: Sequence[tuple[int, ClassifiedEntry]]) -> Exception | None:
        try:
            with self._connection.begin_nested():
                versions = self._put(verdicts)
        except Exception as error:  # whatever a driver raises for a value that it cannot take
            if is_of_the_database(error):
                raise
            return error
        self._versions |= versions
        return None

    def _put(self, verdicts: Sequence[tuple[int, ClassifiedEntry]]) -> dict[int, int]:
        """Returns the versions that edited items now have."""
        connection, now = self._connection, self._now
        new = [(feed_id, v) for feed_id, v in verdicts if v.kind is Novelty.NEW]
        renames = [(v.stored, v) for _, v in verdicts if v.kind is Novelty.RENAMED and v.stored]
        latest: dict[int, int] = {}
        edits: list[tuple[int, int, ClassifiedEntry]] = []
        for _, v in verdicts:
            if v.kind is Novelty.EDIT and v.stored is not None and (key := v.stored.id) is not None:
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


def _new_row(feed_id: int, verdict: ClassifiedEntry, now: datetime) -> dict[str, Any]:
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
        "credit": one.credit,
        "language": one.language,
        "published_at": one.published_at,
        "first_seen_at": now,
        "seen_at": now,
        "content_hash": entry.content_hash,
        "may_alert": verdict.why_not is None,
        "why_not": verdict.why_not,
    }


def _edit_row(item_id: int, version: int, verdict: ClassifiedEntry, now: datetime) -> dict[str, Any]:
    entry, one = verdict.entry, verdict.entry.item
    return {
        **_rename_row(item_id, verdict),
        "title": one.title,
        "title_hash": entry.title_hash,
        "summary": one.summary,
        "content_hash": entry.content_hash,
        "image_url": one.image_url,
        "credit": one.credit,
        "seen_at": now,
        "version": version,
    }


def _rename_row(item_id: int | None, verdict: ClassifiedEntry) -> dict[str, Any]:
    entry = verdict.entry
    return {
        "_id": item_id,
        "guid_hash": entry.guid_hash,
        "url": entry.item.url,
        "canonical_url": verdict.page,
    }


def _version_row(item_id: int | None, version: int, verdict: ClassifiedEntry, now: datetime) -> dict[str, Any]:
    one = verdict.entry.item
    return {
        "item_id": item_id,
        "version": version,
        "title": one.title,
        "summary": one.summary,
        "content_hash": verdict.entry.content_hash,
        "seen_at": now,
    }
