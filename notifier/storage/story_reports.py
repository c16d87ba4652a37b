"""Stories as people read them: what came of each, who tells it, why each item is in it, and any two items compared.

Enters: what the decider has stored. Leaves: `StoryReport`s, `Member`s and `Explanation`s; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from notifier.alerts.evidence_json import evidence_from_json, evidence_to_json
from notifier.alerts.story_store import Member, RelatedStory, StoryAlert, StoryReport, StoryVerdict
from notifier.errors import NotFound
from notifier.storage.rulings import SqlRulings, overrides_version, rulebook
from notifier.storage.schema import alert, delivery_count, feed, grouping, item, operator_choice, story, story_ruling
from notifier.storage.story_items import story_item, story_items
from notifier.stories.canonical import canonical_url
from notifier.stories.explain import Explanation, explain
from notifier.stories.open_stories import WINDOW
from notifier.stories.story import Grouping, StoryItem

MERGED = "merged"
_IN_AT_ONCE = 500
MOST_RELATED = 3
# Of a story with more items its first and its last ones are shown: a page must not grow with one feed's flood.
MOST_MEMBERS = 256


class SqlStoryReports(SqlRulings):
    """The stories of a database: to be looked at, and ruled on."""

    def stories(self, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[StoryReport]:
        """The stories that changed last, newest first; `before` pages on from a story's `updated_at` and id."""
        with self._database.reading() as connection:
            wanted: ColumnElement[bool] = story.c.state != MERGED
            if before is not None:
                at, story_id = before
                older = or_(story.c.updated_at < at, and_(story.c.updated_at == at, story.c.id < story_id))
                wanted = and_(wanted, older)
            return _reports(connection, wanted, limit)

    def story(self, story_id: int) -> StoryReport:
        """One story; a merged one says where its items are. Raises NotFound."""
        with self._database.reading() as connection:
            found = _reports(connection, story.c.id == story_id, 1)
        if not found:
            raise NotFound(f"there is no story {story_id}")
        return found[0]

    def pulse(self) -> str:
        """Something that changes whenever a console page would look different."""
        with self._database.reading() as connection:
            newest = (func.max(story.c.updated_at), func.max(alert.c.id), func.max(alert.c.done_at))
            told = [connection.scalar(select(column)) for column in newest]
            told.append(overrides_version(connection))
            return repr([*told, connection.scalar(select(func.sum(delivery_count.c.count)))])

    def members(self, story_id: int) -> Sequence[Member]:
        """Its items as they came, each with why it is there; of a huge one the first and the last of them."""
        with self._database.reading() as connection:
            mine = story_items().where(item.c.story_id == story_id)
            ends = (mine.order_by(order).limit(MOST_MEMBERS // 2) for order in (item.c.id, item.c.id.desc()))
            found = {row.id: story_item(row) for end in ends for row in connection.execute(end)}
            items = [found[item_id] for item_id in sorted(found)]
            groupings = _groupings(connection, [one.id for one in items])
            return [Member(one, *_said(groupings.get(one.id))) for one in items]

    def item(self, reference: str) -> StoryItem:
        """The newest item of this id or address. Raises NotFound."""
        named = reference.strip().removeprefix("#")
        if named.isdecimal():
            wanted: ColumnElement[bool] = item.c.id == min(int(named), 2**63 - 1)
        else:
            wanted = or_(item.c.url == named, item.c.canonical_url == canonical_url(named))
        with self._database.reading() as connection:
            row = connection.execute(story_items().where(wanted).order_by(item.c.id.desc()).limit(1)).one_or_none()
        if row is None:
            raise NotFound(f"there is no item {named}; ids and addresses are on a story's page and in stories show")
        return story_item(row)

    def explain(self, one_id: int, other_id: int) -> Explanation:
        """Why two items are one story, or are not. Reads the days before the newer one. Raises NotFound."""
        one, other = self.item(str(one_id)), self.item(str(other_id))
        newer = max(one, other, key=lambda i: (i.first_seen, i.id))
        with self._database.reading() as connection:
            until, since = newer.first_seen, newer.first_seen - WINDOW
            grouped = and_(item.c.story_id.is_not(None), item.c.seen_at >= since, item.c.first_seen_at <= until)
            rows = connection.execute(story_items().where(grouped).order_by(item.c.id))
            groupings = _groupings(connection, [one.id, other.id])
            window, book = [story_item(row) for row in rows], rulebook(connection)
        return explain(one, other, window, groupings, book, WINDOW)


def _reports(connection: Connection, wanted: ColumnElement[bool], limit: int) -> list[StoryReport]:
    query = (
        story_items()
        .add_columns(story.c.id.label("of"), story.c.updated_at, story.c.state, story.c.verdict)
        .join(story, story.c.lead_item_id == item.c.id)
        .where(wanted)
        .order_by(story.c.updated_at.desc(), story.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(query).all()
    ids = [row.of for row in rows]
    told, alerts, related = _told(connection, ids), alerts_of(connection, ids), related_stories(connection, ids)
    chosen = {
        row.story_id: (row.choice, row.by)
        for row in connection.execute(select(operator_choice).where(operator_choice.c.story_id.in_(ids)))
    }
    return [
        StoryReport(
            row.of,
            story_item(row),
            tuple(told.get(row.of, ())),
            row.updated_at,
            row.state,
            verdict_from_json(row.verdict),
            sum(told.get(row.of, {}).values()),
            tuple(alerts.get(row.of, ())),
            related.get(row.of, ()),
            *chosen.get(row.of, ("", "")),
        )
        for row in rows
    ]


def _told(connection: Connection, stories: Sequence[int]) -> dict[int, dict[str, int]]:
    """{story id: {publisher: its items}}, in the order in which publishers came. Counted where the items are."""
    found: dict[int, dict[str, int]] = {}
    columns = (item.c.story_id, feed.c.publisher, func.count().label("items"))
    query = select(*columns).join(feed, feed.c.id == item.c.feed_id).where(item.c.story_id.in_(stories))
    for row in connection.execute(query.group_by(*columns[:2]).order_by(func.min(item.c.id))):
        found.setdefault(row.story_id, {})[row.publisher] = row.items
    return found


def alerts_of(connection: Connection, stories: Sequence[int]) -> dict[int, list[StoryAlert]]:
    """What was sent of each story, and of those that were merged into it."""
    sent = select(alert.c.story_id).join(story, story.c.id == alert.c.story_id).where(story.c.state == MERGED)
    merged = merged_into(connection, connection.scalars(sent.distinct()))
    parts = {left: into for left, into in merged.items() if into in stories}
    columns = (alert.c.id, alert.c.story_id, alert.c.kind, alert.c.decided_at, alert.c.hold_until, alert.c.why)
    query = select(*columns, alert.c.done_at, alert.c.withdrawn_at).where(alert.c.story_id.in_([*stories, *parts]))
    found: dict[int, list[StoryAlert]] = {}
    for row in connection.execute(query.order_by(alert.c.id)):
        waiting = row.hold_until is not None and row.done_at is None and not evidence_from_json(row.why).hold.let_go
        told = StoryAlert(row.id, row.kind, row.decided_at, waiting, row.withdrawn_at is not None)
        found.setdefault(parts.get(row.story_id, row.story_id), []).append(told)
    return found


def related_stories(connection: Connection, stories: Sequence[int]) -> dict[int, tuple[RelatedStory, ...]]:
    """The stories that may tell the same event as each of these, called from either side, newest first."""
    query = select(item.c.story_id, grouping.c.related).join(grouping, grouping.c.item_id == item.c.id)
    near = [(row.story_id, row.related) for row in connection.execute(query.where(item.c.story_id.in_(stories)))]
    merged = merged_into(connection, (other for _, related in near for other in related))
    pairs: set[tuple[int, int]] = set()
    for mine, related in near:
        for other in related:
            now = merged.get(other, other)
            if now != mine:
                pairs |= {(mine, now), (now, mine)}
    if pairs:
        pairs -= _called_apart(connection)
    told = _leads(connection, {other for mine, other in pairs if mine in stories})
    found: dict[int, tuple[RelatedStory, ...]] = {}
    for mine, other in sorted(pairs, reverse=True):
        if other in told and len(found.get(mine, ())) < MOST_RELATED:
            found[mine] = (*found.get(mine, ()), told[other])
    return found


def _leads(connection: Connection, stories: Iterable[int]) -> dict[int, RelatedStory]:
    query = (
        story_items()
        .add_columns(story.c.id.label("of"))
        .join(story, story.c.lead_item_id == item.c.id)
        .where(story.c.id.in_(list(stories)), story.c.state != MERGED)
    )
    return {row.of: RelatedStory(row.of, row.title, row.publisher, row.url) for row in connection.execute(query)}


def _called_apart(connection: Connection) -> set[tuple[int, int]]:
    """The pairs of stories that an operator's split has between them: they need no more looking at."""
    one, other = item.alias(), item.alias()
    query = (
        select(one.c.story_id, other.c.story_id)
        .select_from(story_ruling)
        .join(one, one.c.id == story_ruling.c.item_id)
        .join(other, other.c.id == story_ruling.c.other_id)
        .where(~story_ruling.c.same, story_ruling.c.taken_back_at.is_(None))
        .distinct()
    )
    rows = connection.execute(query).all()
    return {(a, b) for a, b in rows} | {(b, a) for a, b in rows}


def merged_into(connection: Connection, stories: Iterable[int]) -> dict[int, int]:
    """{story that was merged: the story that has its items now}, of these: what was merged otherwise costs nothing."""
    into: dict[int, int] = {}
    asked = set(stories)
    while asked:
        rows = _verdicts_of_merged(connection, sorted(asked))
        found = {row.id: verdict_from_json(row.verdict).evidence.merged_into for row in rows}
        into |= found
        asked = set(found.values()) - into.keys()

    def end(left: int) -> int:
        seen = {left}
        while (after := into.get(left)) is not None and after not in seen:
            seen.add(after)
            left = after
        return left

    return {left: end(left) for left in into}


def _verdicts_of_merged(connection: Connection, stories: Sequence[int]) -> Iterator[Any]:
    for at in range(0, len(stories), _IN_AT_ONCE):
        some = story.c.id.in_(stories[at : at + _IN_AT_ONCE])
        yield from connection.execute(select(story.c.id, story.c.verdict).where(some, story.c.state == MERGED))


def verdict_to_json(verdict: StoryVerdict) -> dict[str, Any]:
    """What the `verdict` column holds."""
    words = {"words": verdict.words} if verdict.words else {}
    return {"code": verdict.code, **words, "evidence": evidence_to_json(verdict.evidence)}


def verdict_from_json(stored: Mapping[str, Any]) -> StoryVerdict:
    """The reverse of `verdict_to_json`."""
    evidence = evidence_from_json(stored.get("evidence") or {})
    return StoryVerdict(stored.get("code", ""), stored.get("words", ""), evidence)


def _groupings(connection: Connection, items: Sequence[int]) -> dict[int, Grouping]:
    rows = connection.execute(select(grouping).where(grouping.c.item_id.in_(items)))
    return {r.item_id: Grouping(r.item_id, r.story_id, r.signal, r.evidence, tuple(r.related)) for r in rows}


def _said(known: Grouping | None) -> tuple[str, dict[str, Any]]:
    return (known.signal, dict(known.evidence)) if known is not None else ("new", {})
