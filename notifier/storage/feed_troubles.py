"""The feeds whose polls or entries cannot be stored, and those that bring too much, as troubles.

Read from the database at each look, so that each process says the same, whichever polls.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import RowMapping, or_, select

from notifier.clock import Clock, system_clock
from notifier.feeds import health
from notifier.storage.database import Database
from notifier.storage.flood_allowance import FLOODING_FOR
from notifier.storage.schema import feed
from notifier.troubles import MOST_SUBJECTS, Code, Trouble

_REPORT = "Read the log for poll_not_recorded and report it; until it is mended nothing of this feed is alerted"


_LOOK = "Its other entries are alerted. If it happens again, report the log's line entries_not_stored"


class FeedTroubles:
    """A source of troubles: call it."""

    def __init__(self, database: Database, clock: Clock = system_clock) -> None:
        self._database, self._clock = database, clock

    def __call__(self) -> Iterable[Trouble]:
        """One trouble a feed and kind, of two hundred feeds at most."""
        not_recorded = feed.c.error.startswith(health.NOT_RECORDED, autoescape=True)
        now = self._clock()
        flooding_since, refused_since = now - FLOODING_FOR, now - health.TOLD_FOR
        lately = or_(not_recorded, feed.c.left_out_at > flooding_since, feed.c.refused_at > refused_since)
        query = select(
            *(feed.c.title, feed.c.error, feed.c.last_polled_at),
            *(feed.c.left_out, feed.c.left_out_at, feed.c.refused, feed.c.refused_at),
        ).where(feed.c.active, lately)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(feed.c.id).limit(2 * MOST_SUBJECTS)).mappings().all()
        for row in rows:
            if (row["error"] or "").startswith(health.NOT_RECORDED):
                yield _unrecorded(row)
            elif row["refused_at"] and row["refused_at"] > refused_since:
                yield Trouble(Code.FEED_NOT_RECORDED, row["refused"], _LOOK, row["title"], since=row["refused_at"])
            if row["left_out_at"] and row["left_out_at"] > flooding_since:
                yield _flooding(row)


def _unrecorded(row: RowMapping) -> Trouble:
    return Trouble(Code.FEED_NOT_RECORDED, row["error"], _REPORT, row["title"], grave=True, since=row["last_polled_at"])


def _flooding(row: RowMapping) -> Trouble:
    words = health.flooding_words(row["left_out"])
    return Trouble(Code.FEED_FLOODING, words, health.FLOODING_ADVICE, row["title"], since=row["left_out_at"])
