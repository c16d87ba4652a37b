"""How much one feed may bring: a bound on new items and edits, far above what honest feeds bring. Pure.

Enters: a poll's verdicts and the room that the feed has left. Leaves: what is kept of them, how many are left out, and
the room after it; next: the store. Without it one feed fills the database, and the decider's memory of 72 hours, for
all.

The busiest of 39 outlets recorded over two months brought 24 new items in an hour, 227 in a day, and 10 edits in an
hour; the most edited page had 17 versions. A first poll has up to a thousand items (`newest.MAX_ITEMS`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.feeds.dates import EARLIEST
from notifier.feeds.novelty import ClassifiedEntry, Novelty

HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True)
class FloodSettings:
    """A feed that was calm may bring `new_at_once` items, then `new_an_hour`; the same for edits. An item is edited
    `versions` times at most."""

    new_at_once: float = 1_500.0
    new_an_hour: float = 40.0
    edits_at_once: float = 1_000.0
    edits_an_hour: float = 100.0
    versions: int = 200


@dataclass(frozen=True, slots=True)
class FloodAllowance:
    """What a feed may still bring, as of `at` (aware UTC): two token buckets."""

    new: float
    edits: float
    at: datetime


@dataclass(frozen=True, slots=True)
class FloodResult:
    """The verdicts that count, how many new items and edits are left out, and the room that there is afterwards."""

    kept: tuple[ClassifiedEntry, ...]
    left_out: int
    room: FloodAllowance


def room_at(before: FloodAllowance | None, now: datetime, settings: FloodSettings) -> FloodAllowance:
    """The room that there is now: it grows by the hour up to what may come at once. A clock that stepped back takes
    nothing away."""
    if before is None:
        return FloodAllowance(settings.new_at_once, settings.edits_at_once, now)
    hours = max(0.0, (now - before.at).total_seconds()) / HOUR_S
    new = min(settings.new_at_once, before.new + hours * settings.new_an_hour)
    edits = min(settings.edits_at_once, before.edits + hours * settings.edits_an_hour)
    return FloodAllowance(new, edits, now)


def bounded(verdicts: Sequence[ClassifiedEntry], room: FloodAllowance, settings: FloodSettings) -> FloodResult:
    """As many new items and edits as there is room for, those published last first; of undated ones those that the
    feed lists first."""
    new = [place for place, v in enumerate(verdicts) if v.kind is Novelty.NEW]
    every_edit = [place for place, v in enumerate(verdicts) if v.kind is Novelty.EDIT]
    edits = [place for place in every_edit if _may_be_edited(verdicts[place], settings)]
    taken_new = _latest(verdicts, new, int(room.new))
    taken_edits = _latest(verdicts, edits, int(room.edits))
    out = {*new, *every_edit} - {*taken_new, *taken_edits}
    kept = tuple(v for place, v in enumerate(verdicts) if place not in out)
    return FloodResult(
        kept, len(out), FloodAllowance(room.new - len(taken_new), room.edits - len(taken_edits), room.at)
    )


def _may_be_edited(verdict: ClassifiedEntry, settings: FloodSettings) -> bool:
    return verdict.stored is None or verdict.stored.version < settings.versions


def _latest(verdicts: Sequence[ClassifiedEntry], places: Sequence[int], limit: int) -> Sequence[int]:
    if len(places) <= limit:
        return places
    return sorted(places, key=lambda place: verdicts[place].entry.item.published_at or EARLIEST, reverse=True)[:limit]
