"""A feed's words for an instant in, an aware UTC datetime out, or None where nobody can tell.

feedparser reads most dates but takes every zone that it does not know for UTC (BST, CEST, AEST: hours wrong for news)
and no month outside English; so dates are read here first, and its answer is the second opinion.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from datetime import UTC, datetime, timedelta, timezone

from notifier.text.fold import fold

EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

# Hours from UTC. Where a name has several meanings, that of the outlets which use it in feeds.
ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0,
    "bst": 1, "cet": 1, "met": 1, "west": 1, "wat": 1, "cest": 2, "mest": 2, "eet": 2, "sast": 2, "cat": 2,
    "eest": 3, "msk": 3, "eat": 3, "trt": 3, "gst": 4, "pkt": 5, "ist": 5.5, "npt": 5.75,
    "wib": 7, "ict": 7, "hkt": 8, "sgt": 8, "myt": 8, "pht": 8, "awst": 8, "jst": 9, "kst": 9,
    "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
    "nst": -3.5, "ndt": -2.5, "brt": -3, "art": -3, "clt": -4, "ast": -4, "adt": -3,
    "est": -5, "edt": -4, "et": -5, "cst": -6, "cdt": -5, "ct": -6, "mst": -7, "mdt": -6, "mt": -7,
    "pst": -8, "pdt": -7, "pt": -8, "akst": -9, "akdt": -8, "hst": -10,
}  # fmt: skip

# The first letters of each month, accents folded, in English, German, Dutch, French, Spanish, Italian, Portuguese,
# Scandinavian, Polish, Czech, Hungarian, Turkish, Greek, Russian and Ukrainian: the longest match decides.
_MONTH_STEMS = (
    "jan gen ene sty led oca ιαν янв січ",
    "feb fev lut únor şub φεβ фев лют",
    "mar mär maa mrt břez μαρ мар бер",
    "apr avr abr kwi dub nis απρ апр кві",
    "may mai mei maj mag kvě μαι мая май тра",
    "jun juin giu cze červen červn haz ιουν июн чер",
    "jul juil lug lip červenec červenc tem ιουλ июл лип",
    "aug aou ago sie srp ağu αυγ авг сер",
    "sep set wrz zář eyl szept σεπ сен вер",
    "oct okt ott out paź říj eki οκτ окт жов",
    "nov lis kas νοε ноя лист",
    "dec dez dic des gru pro ara δεκ дек гру",
)
_DAY_FIRST = re.compile(
    r"(?:^|[^\w:])(?P<day>\d{1,2})(?:st|nd|rd|th|\.|er|º)?[\s/-]+(?:de\s+)?(?P<month>[^\W\d_]{3,})\.?,?[\s/-]+(?:de\s+)?"
    r"(?P<year>\d{4}|\d{2})\b(?P<rest>.*)"
)
_MONTH_FIRST = re.compile(
    r"(?P<month>[^\W\d_]{3,})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})\b(?P<rest>.*)"
)
_NUMERIC = re.compile(
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?:[T\s]+(?P<rest>.*))?$", re.IGNORECASE
)
_ASCTIME = re.compile(r"(?P<month>[^\W\d_]{3,})\s+(?P<day>\d{1,2})\s+(?P<rest>\d{1,2}:\d\d:\d\d.*?)\s+(?P<year>\d{4})$")
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})[:.](?P<m>\d\d)(?:[:.](?P<s>\d\d))?(?:[.,]\d+)?\s*(?P<half>[ap]\.?m\b)?", re.IGNORECASE
)
_OFFSET = re.compile(r"(?:gmt|utc)?\s*(?P<sign>[+-])(?P<h>\d{1,2}):?(?P<m>\d\d)?\b", re.IGNORECASE)
_ZONE = re.compile(r"\b(?P<name>[a-z]{1,4})\b", re.IGNORECASE)


def parse(words: str, second_opinion: time.struct_time | None = None) -> datetime | None:
    """The instant that `words` name, aware UTC; a date without a zone is taken for UTC.

    `second_opinion` is what feedparser read (UTC). None where neither is understood, or where the year cannot be true
    (before 1990, from 2100 on): publishers send 1970-01-01 and 0001-01-01 for "unknown".
    """
    words = words.strip()[:100]
    found = _iso(words) or _numeric(words) or _worded(words) or _epoch(words) or _from_tuple(second_opinion)
    return found if found and EARLIEST <= found < LATEST else None


def _iso(words: str) -> datetime | None:
    """RFC 3339 and its relatives (Atom, JSON Feed, sitemaps, Dublin Core)."""
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None


def _numeric(words: str) -> datetime | None:
    """Year first, then a time in any of its spellings: `2026-1-5 9:03 pm CET`."""
    match = _NUMERIC.match(words)
    if match is None:
        return None
    return _instant(int(match["year"]), int(match["month"]), int(match["day"]), match["rest"] or "")


def _worded(words: str) -> datetime | None:
    """RFC 822 section 5 with a month by name, in the languages above, day or month first."""
    match = _ASCTIME.search(words) or _DAY_FIRST.search(words) or _MONTH_FIRST.search(words)
    month = _month(match["month"]) if match else None
    if match is None or month is None:
        return None
    year = int(match["year"])
    if year < 100:
        year += 2000 if year < 90 else 1900
    return _instant(year, month, int(match["day"]), match["rest"])


def _epoch(words: str) -> datetime | None:
    """Seconds or milliseconds since 1970."""
    if not (words.isascii() and words.isdigit() and len(words) in (10, 13)):
        return None
    return datetime.fromtimestamp(int(words[:10]), UTC)


def _from_tuple(parts: time.struct_time | None) -> datetime | None:
    if parts is None:
        return None
    try:
        return datetime.fromtimestamp(timegm(parts), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _instant(year: int, month: int, day: int, rest: str) -> datetime | None:
    """A date and the words behind it: a clock, and a zone by number or by name."""
    clock = _CLOCK.search(rest)
    hour, minute, second = (int(clock[part] or 0) for part in ("h", "m", "s")) if clock else (0, 0, 0)
    if clock and clock["half"]:
        hour = hour % 12 + (12 if clock["half"][0] in "pP" else 0)
    zone = _zone(rest[clock.end() :] if clock else rest)
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(words: str) -> timezone:
    if offset := _OFFSET.search(words):
        east = timedelta(hours=int(offset["h"]), minutes=int(offset["m"] or 0))
        return timezone(east if offset["sign"] == "+" else -east) if east < timedelta(hours=24) else UTC
    names = (ZONES.get(match["name"].lower()) for match in _ZONE.finditer(words))
    return timezone(timedelta(hours=next((hours for hours in names if hours is not None), 0)))


def _month(word: str) -> int | None:
    """The longest known beginning decides: `juin` is June, `juillet` July."""
    word = fold(word)
    return next((_MONTHS[word[:size]] for size in range(len(word), 2, -1) if word[:size] in _MONTHS), None)


_MONTHS = {fold(stem): number for number, stems in enumerate(_MONTH_STEMS, 1) for stem in stems.split()}
