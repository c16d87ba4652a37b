"""Lengths of time and times as people write them, on every page, in every command and in every sentence.

Enters: seconds, or two times. Leaves: words. A length is as exact as one whole number can be; an age is how many whole
minutes, hours or days have passed, which is enough for somebody who reads.
"""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
NEVER = "–"
# Not strftime's, which are the server's locale's.
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_UNITS = ((DAY_S, "day", "days"), (HOUR_S, "h", "h"), (MINUTE_S, "min", "min"))


def span(seconds: float) -> str:
    """A length of time in the largest unit of which there are two, or just one: `90 s`, `1 min`, `36 h`, `2 days`."""
    for unit_s, one, many in _UNITS:
        if (whole_s := round(seconds)) == unit_s:
            return f"1 {one}"
        if whole_s >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {many}"
    return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"


def ago(then: datetime | None, now: datetime) -> str:
    """How long ago: `just now`, `12 min ago`, `3 h ago`, `1 day ago`; a dash for never."""
    if then is None:
        return NEVER
    seconds = (now - then).total_seconds()
    for unit_s, one, many in _UNITS:
        if seconds >= unit_s:
            passed = int(seconds // unit_s)
            return f"{passed} {one if passed == 1 else many} ago"
    return "just now"


def ahead(then: datetime | None, now: datetime) -> str:
    """How long until then: `in 40 s`, or `now`; a dash for never."""
    if then is None:
        return NEVER
    left_s = (then - now).total_seconds()
    return "now" if left_s <= 0 else f"in {span(left_s)}"


def written(at: datetime) -> str:
    """A time with its zone, for whoever's own is not known: `Thursday 25 May 2017 14:49 UTC`."""
    at = at.astimezone(UTC)
    return f"{_WEEKDAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at:%Y %H:%M} UTC"


def iso(at: datetime) -> str:
    """As programs read it (RFC 3339), in UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds")
