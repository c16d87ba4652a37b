"""The feeds whose polls cannot be stored, and those that bring too much, as troubles: `Troubles.watch` asks this.

Read from the database at each look, so that each process says the same, whichever polls.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import RowMapping, or_, select

from notifier.clock import Clock, system_clock
from notifier.feeds import health
from notifier.storage.database import Database
from notifier.storage.feed_room import FLOODING_FOR
from notifier.storage.schema import feed
from notifier.troubles import MOST_SUBJECTS, Code, Trouble

_REPORT = "Read the log for poll_not_recorded and report it; until it is mended nothing of this feed is alerted"


class FeedTroubles:
    """A source of troubles: call it."""

    def __init__(self, database: Database, clock: Clock = system_clock) -> None:
        self._database, self._clock = database, clock

    def __call__(self) -> Iterable[Trouble]:
        """One trouble a feed, a hundred at most of each kind."""
        not_recorded = feed.c.error.startswith(health.NOT_RECORDED, autoescape=True)
        now = self._clock()
        since = now - FLOODING_FOR
        query = select(feed.c.title, feed.c.error, feed.c.last_polled_at, feed.c.left_out, feed.c.left_out_at).where(
            feed.c.active, or_(not_recorded, feed.c.left_out_at > since)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(feed.c.id).limit(2 * MOST_SUBJECTS)).mappings().all()
        unrecorded = (_unrecorded(row) for row in rows if (row["error"] or "").startswith(health.NOT_RECORDED))
        flooding = (_flooding(row) for row in rows if row["left_out_at"] and row["left_out_at"] > since)
        return [*unrecorded, *flooding]


def _unrecorded(row: RowMapping) -> Trouble:
    return Trouble(Code.FEED_NOT_RECORDED, row["error"], _REPORT, row["title"], grave=True, since=row["last_polled_at"])


def _flooding(row: RowMapping) -> Trouble:
    words = health.flooding_words(row["left_out"])
    return Trouble(Code.FEED_FLOODING, words, health.FLOODING_ADVICE, row["title"], since=row["left_out_at"])
