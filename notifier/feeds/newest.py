"""A feed with more items than anybody reads: the newest are kept.

Some publishers put their whole archive in one document. Order in the document is not trusted where there are dates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from notifier.feeds.dates import EARLIEST

MAX_ITEMS = 1_000

T = TypeVar("T")


def newest(entries: Sequence[T], published_at: Callable[[T], datetime | None], limit: int = MAX_ITEMS) -> list[T]:
    """At most `limit` of `entries`, those published last, in the order they came; undated ones go first."""
    if len(entries) <= limit:
        return list(entries)
    times = [published_at(entry) or EARLIEST for entry in entries]
    latest = sorted(range(len(entries)), key=lambda place: times[place], reverse=True)[:limit]
    return [entries[place] for place in sorted(latest)]


def note(found: int, limit: int = MAX_ITEMS) -> tuple[str, ...]:
    """The problem to report where something was left out."""
    return (f"The document has {found:,} items; the newest {limit:,} were read",) if found > limit else ()
