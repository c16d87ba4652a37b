"""Where words stand near each other: NEAR over whole texts, without going through every combination of places.

Enters: the places of each side. Leaves: a `Finding`, whose spans say from which word to which both stand; and, for a
reader, the places that took part. A span that NEAR makes reaches from the first word of the earlier side
to the last of the later; the sides do not overlap. The spans that begin at one word are one number,
a bit for each length: a chain of NEARs costs each word a few operations, not one for each way to get there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from notifier.topics.reading import Place
from notifier.topics.work import Spends

Spans: TypeAlias = dict[int, int]
"""By their first word, how far the spans there reach: bit n for one whose last word is n words further on."""
# From so many on, words of one length are looked up all at once.
_MANY = 16


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and of what it was made: `places` of words and phrases, else the `sides` of an OR or a NEAR.

    `distance` is NEAR's, 0 for an OR.
    """

    spans: Spans
    places: Sequence[Place] = ()
    sides: tuple[Finding, ...] = ()
    distance: int = 0

    def told(self, most: int) -> list[Place]:
        """The places that spans are made of; of each side those of the first `most` words where spans begin."""
        found: list[Place] = []
        _trace(self, self.spans, most, found)
        return found


NOTHING = Finding({})


def standing(places: Sequence[Place]) -> Finding:
    """A word or a phrase, where it stands."""
    spans: Spans = {}
    for place in places:
        spans[place.first] = spans.get(place.first, 0) | 1 << place.last - place.first
    return Finding(spans, places=places)


def either(sides: Iterable[Finding]) -> Finding:
    """An OR."""
    sides = tuple(sides)
    spans: Spans = {}
    for side in sides:
        _add(spans, side.spans)
    return Finding(spans, sides=sides)


def near(left: Finding, right: Finding, distance: int, work: Spends) -> Finding:
    """Both sides, at most `distance` words from the last of the earlier to the first of the later."""
    spans = _followed(left.spans, right.spans, distance, work)
    _add(spans, _followed(right.spans, left.spans, distance, work))
    return Finding(spans, sides=(left, right), distance=distance)


def near_pairs(ones: Sequence[Place], twos: Sequence[Place], distance: int) -> list[Place]:
    """The places that `near` would tell of: by looking at each pair, which is quickest where there are few."""
    found: list[Place] = []
    for one in ones:
        first, last = one.first, one.last
        for two in twos:
            if 0 < two.first - last <= distance or 0 < first - two.last <= distance:
                found += one, two
    return found


def _add(spans: Spans, more: Mapping[int, int]) -> None:
    for first, reach in more.items():
        spans[first] = spans.get(first, 0) | reach


def _followed(before: Spans, after: Spans, distance: int, work: Spends) -> Spans:
    """The spans that one of `before` makes with one of `after` that begins 1 to `distance` words after its end."""
    work.spend(len(before) + len(after))
    many = len(before) >= _MANY and len(after) >= _MANY
    if many and (length := _one_length(after)) is not None:
        bits = _bits(sorted(after))
        found = {first: ((bits >> first) & _next(reach, distance)) << length for first, reach in before.items()}
    elif many and (length := _one_length(before)) is not None:
        windows = _windows(after, distance, work)
        found = {first: windows.get(first + length + 1, 0) << length + 1 for first in before}
    else:
        found = _one_by_one(before, after, distance, work)
    return {first: reach for first, reach in found.items() if reach}


def _one_by_one(before: Spans, after: Spans, distance: int, work: Spends) -> Spans:
    firsts = sorted(after)
    spans: Spans = {}
    for first, reach in before.items():
        begins = _next(reach, distance)
        near_by = firsts[bisect_left(firsts, first + 1) : bisect_left(firsts, first + begins.bit_length())]
        work.spend(len(near_by))
        for other in near_by:
            if begins >> other - first & 1:
                spans[first] = spans.get(first, 0) | after[other] << other - first
    return spans


def _one_length(spans: Spans) -> int | None:
    """The length of all of them, as of one word or one phrase; None where they differ."""
    lengths = set(spans.values())
    reach = lengths.pop() if len(lengths) == 1 else 0
    return reach.bit_length() - 1 if reach.bit_count() == 1 else None


def _windows(spans: Spans, width: int, work: Spends) -> Spans:
    """By word, the spans that begin there or at one of the `width` - 1 words behind it."""
    done, rows = 1, dict(spans)
    while done < width:
        step = min(done, width - done)
        moved = {first - step: reach << step for first, reach in rows.items()}
        work.spend(len(moved))
        _add(moved, rows)
        done, rows = done + step, moved
    return rows


def _next(reach: int, distance: int) -> int:
    """The words at which the later side may begin, as bits: each bit of `reach` moved on by 1 to `distance`."""
    done, moved = 1, reach << 1
    while done < distance:
        step = min(done, distance - done)
        moved |= moved << step
        done += step
    return moved


def _bits(numbers: Sequence[int]) -> int:
    """A number with these bits, made in one go: adding them one by one would copy it each time."""
    written = bytearray((numbers[-1] >> 3) + 1)
    for number in numbers:
        written[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(written, "little")


def _trace(finding: Finding, spans: Spans, most: int, found: list[Place]) -> None:
    """Add the places that these spans of the finding are made of."""
    wanted = {first: spans[first] for first in sorted(spans)[:most]}
    if not wanted:
        return
    if not finding.sides:
        found += [place for place in finding.places if wanted.get(place.first, 0) >> place.last - place.first & 1]
    elif not finding.distance:
        for side in finding.sides:
            own = {first: reach & side.spans.get(first, 0) for first, reach in wanted.items()}
            _trace(side, {first: reach for first, reach in own.items() if reach}, most, found)
    else:
        left, right = finding.sides
        of_left, of_right = _made_of(left.spans, right.spans, finding.distance, wanted)
        as_second, as_first = _made_of(right.spans, left.spans, finding.distance, wanted)
        _add(of_left, as_first)
        _add(of_right, as_second)
        _trace(left, of_left, most, found)
        _trace(right, of_right, most, found)


def _made_of(before: Spans, after: Spans, distance: int, wanted: Spans) -> tuple[Spans, Spans]:
    """Those of `before` and of `after` that make a wanted span together."""
    firsts = sorted(after)
    used_before: Spans = {}
    used_after: Spans = {}
    for first, reach in wanted.items():
        own = before.get(first, 0)
        if not own:
            continue
        for other in firsts[bisect_left(firsts, first + 1) : bisect_left(firsts, first + reach.bit_length())]:
            gap = other - first
            ending = own & (((1 << distance) - 1) << max(0, gap - distance)) & ((1 << gap) - 1)
            made = after[other] & reach >> gap
            if ending and made:
                used_before[first] = used_before.get(first, 0) | ending
                used_after[other] = used_after.get(other, 0) | made
    return used_before, used_after
