"""When a server wants to be asked again: a Retry-After header becomes seconds. The one place that reads it (pure).

Whoever was answered may write anything into it, so this is total: for any header and any time it returns, and what it
returns can be added to a time. A feed's server and a push service are read alike.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_S = 86_400.0
"""A day: nobody is left alone for longer because of what a server once wrote."""

_LONGEST_TEXT = 64
_SECONDS = re.compile(r"[0-9]+")
_DATE = re.compile(r"[A-Za-z0-9,:+ -]+")


def retry_after_s(header: str | bytes | None, now: datetime) -> float | None:
    """Seconds from `now` (UTC where it has no zone), from 0 to LONGEST_S; None where the header cannot be read.

    Both forms of RFC 9110 section 10.2.3: a number of seconds in ASCII digits, or an HTTP date in any of its three
    shapes; a date that has passed is 0.
    """
    text = header.decode("latin-1") if isinstance(header, bytes) else header or ""
    text = text.strip(" \t")
    if _SECONDS.fullmatch(text):
        # Compared by length first: Python refuses to make a number of thousands of digits.
        digits = text.lstrip("0")
        return min(LONGEST_S, float(digits[:12] or "0"))
    if len(text) > _LONGEST_TEXT or not _DATE.fullmatch(text):
        return None
    return _until(text, now)


def _until(text: str, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None  # email.utils names only the first, and has raised each of them
    return min(LONGEST_S, max(0.0, (_aware(date) - _aware(now)).total_seconds()))


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
