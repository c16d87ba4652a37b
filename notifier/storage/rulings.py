"""What operators say of stories: which items are one, which are not, and whose alerts wait or never come.

Enters: a split, a merge, the undoing of one. Leaves: rows that the decider reads whenever their version changes, and
carries out; writing one is all that it takes, so that a crash before its effect loses neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from notifier.alerts.story_store import Ruling
from notifier.errors import Conflict, NotFound
from notifier.storage.database import Store, upsert_into
from notifier.storage.schema import grouping, item, operator_choice, story, story_ruling
from notifier.storage.story_items import story_item, story_items
from notifier.stories.overrides import Overrides, trail_of
from notifier.stories.rulings import Pair, Rulebook
from notifier.stories.story import StoryItem

# A split names so many items of the story at most: more than ordinary stories have (stories/members.MOST_JUDGED).
MOST_NAMED = 256


class SqlRulings(Store):
    """Rulings on SQLite or PostgreSQL."""

    def split(self, item_id: int, by: str, now: datetime) -> int:
        """Take an item out of its story, for good; returns the ruling's number. Raises NotFound, or Conflict."""
        with self._database.writing() as connection:
            one = _item(connection, item_id)
            others = _companions(connection, one)
            if not others:
                raise Conflict(f"item {item_id} is in a story of its own already")
            book = rulebook(connection)
            away = book.away_from(one.id) if book.name(one) == one.id else frozenset()
            new = [i for i in others if i.id not in away]
            if not new:
                raise Conflict(f"item {item_id} is being taken out already")
            return _write(connection, [(one, other) for other in new], by, now, same=False)

    def merge(self, story_id: int, other_id: int, by: str, now: datetime) -> int:
        """Make two stories one, for good; returns the ruling's number. Raises NotFound, or Conflict."""
        if story_id == other_id:
            raise Conflict("a story is one with itself already")
        with self._database.writing() as connection:
            first, second = _members(connection, story_id), _members(connection, other_id)
            for wanted, members in ((story_id, first), (other_id, second)):
                if not members:
                    raise NotFound(f"there is no story {wanted}, or it was merged into another")
            leads = _lead(connection, story_id, first), _lead(connection, other_id, second)
            book = rulebook(connection)
            away = {i.id: book.away_from(name) for i in first if (name := book.name(i)) is not None}
            named = [(a, b) for a in first if a.id in away for b in second if book.name(b) in away[a.id]]
            _share_choice(connection, story_id, other_id)
            return _write(connection, list(dict.fromkeys([leads, *named])), by, now, same=True)

    def undo(self, act: int, by: str, now: datetime) -> None:
        """As if it had not been said. Raises NotFound, or Conflict if it was undone before."""
        with self._database.writing() as connection:
            rows = update(story_ruling).where(story_ruling.c.act == act, story_ruling.c.taken_back_at.is_(None))
            if not connection.execute(rows.values(taken_back_at=now, taken_back_by=by)).rowcount:
                if connection.scalar(select(func.count()).where(story_ruling.c.act == act)):
                    raise Conflict(f"ruling {act} was undone already")
                raise NotFound(f"there is no ruling {act}")

    def choose(self, story_id: int, choice: str, by: str, now: datetime) -> None:
        """Say NEVER or HOLD of a whole story. Raises NotFound."""
        with self._database.writing() as connection:
            if connection.scalar(select(story.c.id).where(story.c.id == story_id)) is None:
                raise NotFound(f"there is no story {story_id}")
            _choose(connection, story_id, choice, by, now)

    def unchoose(self, story_id: int) -> None:
        """Leave the story to the rules again."""
        with self._database.writing() as connection:
            connection.execute(delete(operator_choice).where(operator_choice.c.story_id == story_id))

    def rulings(self, limit: int) -> Sequence[Ruling]:
        """The newest rulings first, those that were undone too."""
        counts = select(story_ruling.c.act, func.count().label("pairs")).group_by(story_ruling.c.act).subquery()
        query = (
            select(story_ruling, counts.c.pairs)
            .join(counts, counts.c.act == story_ruling.c.act)
            .where(story_ruling.c.id == story_ruling.c.act)
            .order_by(story_ruling.c.id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_ruling(row) for row in connection.execute(query)]

    def labels(self) -> Iterator[dict[str, Any]]:
        """Two lines for each pair in force, as benchmarks/train_stories.py reads them: a world of their own."""
        with self._database.reading() as connection:
            rows = list(connection.execute(_in_force()))
        book = Rulebook(map(_pair, rows))
        held = set(book.same + book.apart)
        for row in rows:
            if _pair(row) in held:
                for told, name in ((row.told["item"], "a"), (row.told["other"], "a" if row.same else "b")):
                    ruled = {"ruling": row.act, "same": row.same, "by": row.by, "at": row.at.isoformat()}
                    yield {"ds": f"ruling-{row.id}", "story": f"ruling-{row.id}-{name}", **told, **ruled}


def overrides_version(connection: Connection) -> str:
    """Differs whenever anything that operators said of stories does; cheap enough to be asked every second."""
    said = select(func.max(story_ruling.c.id), func.count(story_ruling.c.taken_back_at))
    chosen = select(func.count(), func.max(operator_choice.c.at)).select_from(operator_choice)
    return "|".join(repr(tuple(connection.execute(query).one())) for query in (said, chosen))


def read_overrides(connection: Connection, since: datetime, known: Overrides) -> Overrides:
    """The word as it stands; `items` are those of stories that were ruled on `since` then, however old they are.

    Where nothing was ruled since what is `known`, only the choices are read: the rest means a look at three days.
    """
    version = overrides_version(connection)
    choices = {row.story_id: row.choice for row in connection.execute(select(operator_choice))}
    if version.partition("|")[0] == known.rulings:
        return replace(known, version=version, choices=choices)
    pairs = tuple(map(_pair, connection.execute(_in_force())))
    lately = or_(story_ruling.c.at >= since, story_ruling.c.taken_back_at >= since)
    columns = (story_ruling.c.item_id, story_ruling.c.other_id)
    named = {i for row in connection.execute(select(*columns).where(lately)) for i in row}
    touched = select(item.c.story_id).where(item.c.id.in_(named), item.c.story_id.is_not(None))
    fresh = item.c.story_id.in_(touched)
    items = tuple(map(story_item, connection.execute(story_items().where(fresh).order_by(item.c.id)))) if named else ()
    moved = select(grouping.c.item_id, grouping.c.evidence).join(item, item.c.id == grouping.c.item_id)
    lasting = item.c.seen_at >= since if not named else or_(item.c.seen_at >= since, fresh)
    found = connection.execute(moved.where(grouping.c.signal == "operator", lasting))
    trails = {row.item_id: trail for row in found if (trail := trail_of(row.item_id, row.evidence))}
    return Overrides(version, pairs, items, trails, choices)


def _in_force() -> Any:
    return select(story_ruling).where(story_ruling.c.taken_back_at.is_(None)).order_by(story_ruling.c.id)


def rulebook(connection: Connection) -> Rulebook:
    """The rulings in force."""
    return Rulebook(map(_pair, connection.execute(_in_force())))


def _pair(row: Row[Any]) -> Pair:
    return Pair(row.act, row.same, row.item_id, row.other_id, row.url, row.other_url, row.by, row.at)


def _ruling(row: Row[Any]) -> Ruling:
    return Ruling(
        act=row.act,
        same=row.same,
        leads=(row.told["item"]["title"], row.told["other"]["title"]),
        items=(row.item_id, row.other_id),
        pairs=row.pairs,
        by=row.by,
        at=row.at,
        undone_at=row.taken_back_at,
        undone_by=row.taken_back_by,
    )


def _item(connection: Connection, item_id: int) -> StoryItem:
    row = connection.execute(story_items().where(item.c.id == item_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no item {item_id}")
    if row.story_id is None:
        raise NotFound(f"item {item_id} has no story yet; it gets one within a second")
    return story_item(row)


def _members(connection: Connection, story_id: int) -> list[StoryItem]:
    rows = connection.execute(story_items().where(item.c.story_id == story_id).order_by(item.c.id))
    return [story_item(row) for row in rows]


def _companions(connection: Connection, one: StoryItem) -> list[StoryItem]:
    """Those of its story from which an item is taken out: all of an ordinary story's, the oldest and the newest of a
    huge one's, which is enough to keep it out. Its twins (the same page in another feed) leave with it, unless there is
    nothing else to leave.
    """
    others = and_(item.c.story_id == one.story_id, item.c.id != one.id)
    strangers = and_(others, item.c.canonical_url != one.canonical_url) if one.canonical_url else others
    for wanted in (strangers, others):
        found: dict[int, StoryItem] = {}
        for order in (item.c.id, item.c.id.desc()):
            rows = connection.execute(story_items().where(wanted).order_by(order).limit(MOST_NAMED // 2))
            found |= {row.id: story_item(row) for row in rows}
        if found:
            return [found[item_id] for item_id in sorted(found)]
    return []


def _lead(connection: Connection, story_id: int, members: Sequence[StoryItem]) -> StoryItem:
    wanted = connection.scalar(select(story.c.lead_item_id).where(story.c.id == story_id))
    return next((one for one in members if one.id == wanted), members[0])


def _share_choice(connection: Connection, story_id: int, other_id: int) -> None:
    """What was said of one of two stories that become one is said of both; `never` is the stronger word."""
    rows = connection.execute(select(operator_choice).where(operator_choice.c.story_id.in_((story_id, other_id))))
    said = sorted(rows, key=lambda row: row.choice, reverse=True)
    if not said:
        return
    strongest = said[0]
    for one in (story_id, other_id):
        _choose(connection, one, strongest.choice, strongest.by, strongest.at)


def _choose(connection: Connection, story_id: int, choice: str, by: str, at: datetime) -> None:
    chosen = {"story_id": story_id, "choice": choice, "by": by, "at": at}
    statement = upsert_into(connection, operator_choice).values(chosen)
    connection.execute(statement.on_conflict_do_update(index_elements=[operator_choice.c.story_id], set_=chosen))


def _write(
    connection: Connection, pairs: Sequence[tuple[StoryItem, StoryItem]], by: str, now: datetime, *, same: bool
) -> int:
    """One act: its number is the id of its first pair."""
    rows = [
        {
            "act": 0,
            "same": same,
            "item_id": one.id,
            "other_id": other.id,
            "url": one.canonical_url,
            "other_url": other.canonical_url,
            "told": {"item": _told(one), "other": _told(other)},
            "by": by,
            "at": now,
        }
        for one, other in pairs
    ]
    act = int(connection.execute(insert(story_ruling).values(rows[0]).returning(story_ruling.c.id)).scalar_one())
    connection.execute(update(story_ruling).where(story_ruling.c.id == act).values(act=act))
    if rows[1:]:
        connection.execute(insert(story_ruling), [row | {"act": act} for row in rows[1:]])
    return act


def _told(one: StoryItem) -> Mapping[str, str]:
    """What was read, in the words of a labelled file."""
    at = one.published_at or one.first_seen
    return {
        "title": one.title,
        "summary": one.summary,
        "source": one.publisher,
        "link": one.url,
        "t": at.isoformat(),
    }
