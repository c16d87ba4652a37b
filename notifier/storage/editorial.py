"""What an operator does to alerts and stories by hand, and the figures that the console shows.

Every action is one transaction, and says False where it came too late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import and_, delete, func, select, update

from notifier.alerts.alert import Alert, NewAlert
from notifier.alerts.evidence_json import evidence_from_json, evidence_to_json
from notifier.alerts.story_store import StoryReport
from notifier.errors import NotFound
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.counts import OutcomeCounts, add_counts
from notifier.storage.database import Database, upsert_into
from notifier.storage.rulings import overrides_version
from notifier.storage.schema import (
    alert,
    chunk,
    delivery_count,
    delivery_retry,
    operator_choice,
    story,
    subscription,
)
from notifier.storage.stories import SqlStoryStore

NEVER = "never"


class SqlEditorialStore:
    """Newsroom on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alerts = SqlAlertStore(database)
        self._news = SqlStoryStore(database)

    def stories(self, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[StoryReport]:
        """The stories that changed last, newest first; `before` pages on from a story's `updated_at` and id."""
        return self._news.recent_stories(limit, before)

    def story(self, story_id: int) -> StoryReport:
        """One story. Raises NotFound."""
        found = self._news.story(story_id)
        if found is None:
            raise NotFound(f"there is no story {story_id}")
        return found

    def alerts(self, limit: int, before: int | None = None) -> Sequence[Alert]:
        """The newest alerts first; `before` pages on from an alert's id."""
        return self._alerts.recent(limit, before)

    def alert(self, alert_id: int) -> Alert:
        """One alert. Raises NotFound."""
        found = self._alerts.find(alert_id)
        if found is None:
            raise NotFound(f"there is no alert {alert_id}")
        return found

    def accept(self, new: NewAlert, now: datetime) -> Alert:
        """Take an alert that an operator wrote; from here on it survives any crash."""
        return self._alerts.accept(new, now)

    def approve(self, alert_id: int, now: datetime) -> bool:
        """Let a held alert go now; False if it went already, or was dropped."""
        waiting = and_(alert.c.id == alert_id, alert.c.hold_until > now, alert.c.done_at.is_(None))
        with self._database.writing() as connection:
            stored = connection.scalar(select(alert.c.why).where(waiting).with_for_update())
            if stored is None:
                return False
            known = evidence_from_json(stored)
            why = evidence_to_json(replace(known, hold=replace(known.hold, let_go=True)))
            let_go = update(alert).where(waiting).values(hold_until=now, why=why)
            if connection.execute(let_go).rowcount != 1:
                return False
            left = and_(chunk.c.alert_id == alert_id, chunk.c.state != "done")
            connection.execute(update(chunk).where(left).values(state="ready", not_before=now))
            return True

    def withdraw(self, alert_id: int, now: datetime) -> bool:
        """Stop an alert where it stands: nobody gets it from now on. False if it was sent to the end already.

        A worker in the middle of a sub-batch finds its lease gone when it settles, and ends.
        """
        under_way = and_(alert.c.id == alert_id, alert.c.done_at.is_(None))
        with self._database.writing() as connection:
            if connection.execute(update(alert).where(under_way).values(done_at=now, withdrawn_at=now)).rowcount != 1:
                return False
            left = and_(chunk.c.alert_id == alert_id, chunk.c.state != "done")
            connection.execute(update(chunk).where(left).values(state="done", lease_until=None, lease_token=None))
            given_up = OutcomeCounts()
            waiting = delivery_retry.c.alert_id == alert_id
            services = select(subscription.c.push_service).join(delivery_retry).where(waiting)
            for service in connection.scalars(services):
                given_up.give_up(alert_id, service, "withdrawn")
            connection.execute(delete(delivery_retry).where(waiting))
            add_counts(connection, given_up)
            return True

    def outcomes(self, alert_id: int) -> Mapping[str, Mapping[str, int]]:
        """{push service: {outcome: pushes}} of an alert."""
        found: dict[str, dict[str, int]] = {}
        with self._database.reading() as connection:
            columns = (delivery_count.c.push_service, delivery_count.c.outcome, delivery_count.c.count)
            for service, outcome, pushes in connection.execute(
                select(*columns).where(delivery_count.c.alert_id == alert_id)
            ):
                found.setdefault(service, {})[outcome] = pushes
        return found

    def silence(self, story_id: int, by: str, now: datetime) -> None:
        """Never alert this story. Raises NotFound."""
        with self._database.writing() as connection:
            if connection.scalar(select(story.c.id).where(story.c.id == story_id)) is None:
                raise NotFound(f"there is no story {story_id}")
            chosen = {"story_id": story_id, "choice": NEVER, "by": by, "at": now}
            statement = upsert_into(connection, operator_choice).values(chosen)
            connection.execute(
                statement.on_conflict_do_update(index_elements=[operator_choice.c.story_id], set_=chosen)
            )

    def unsilence(self, story_id: int) -> None:
        """Leave the story to the rules again."""
        with self._database.writing() as connection:
            connection.execute(delete(operator_choice).where(operator_choice.c.story_id == story_id))

    def pulse(self) -> str:
        """Something that changes whenever a console page would look different."""
        with self._database.reading() as connection:
            newest = (func.max(story.c.updated_at), func.max(alert.c.id), func.max(alert.c.done_at))
            told = [connection.scalar(select(column)) for column in newest]
            told.append(overrides_version(connection))
            return repr([*told, connection.scalar(select(func.sum(delivery_count.c.count)))])
