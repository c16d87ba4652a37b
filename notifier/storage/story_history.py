"""Reads back what came in, version by version and with its story: what a preview asks the decider about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from notifier.alerts.story_history import PastChoice, PastOverrides, past_moves
from notifier.storage.database import Store
from notifier.storage.schema import feed, grouping, item, item_version, operator_choice, story_ruling
from notifier.storage.story_items import near
from notifier.stories.overrides import began_in, trail_of
from notifier.stories.story import LEFT, StoryItem


class SqlStoryHistory(Store):
    """Stored versions in the order in which they were seen."""

    def between(self, after: datetime, until: datetime) -> Sequence[StoryItem]:
        """Versions that have a story, seen after `after` and up to `until`; in the story that each item came to."""
        query = (
            select(
                item.c.id,
                item.c.feed_id,
                item.c.url,
                item.c.canonical_url,
                item.c.published_at,
                item.c.first_seen_at,
                item.c.image_url,
                item.c.may_alert,
                item.c.story_id,
                feed.c.publisher,
                feed.c.section,
                feed.c.weight,
                func.coalesce(item.c.language, feed.c.language).label("language"),
                item_version.c.title,
                item_version.c.summary,
                item_version.c.seen_at,
                item_version.c.version,
                grouping.c.evidence,
            )
            .select_from(item_version.join(item, item.c.id == item_version.c.item_id).join(feed))
            .outerjoin(grouping, grouping.c.item_id == item.c.id)
            .where(item.c.story_id.is_not(None), item_version.c.seen_at > after, item_version.c.seen_at <= until)
            .order_by(item_version.c.seen_at, item.c.id)
        )
        with self._database.reading() as connection:
            return [_item(**row) for row in connection.execute(query).mappings()]

    def overrides(self, since: datetime) -> PastOverrides:
        """What operators said: the moves of items that were seen since then, and their choices."""
        moved = select(grouping.c.item_id, grouping.c.evidence, item.c.story_id).join(item)
        moved = moved.where(grouping.c.signal == "operator", item.c.seen_at >= since)
        said = select(story_ruling.c.act, story_ruling.c.at, story_ruling.c.taken_back_at)
        with self._database.reading() as connection:
            acts = {
                row.act: (row.at, row.taken_back_at)
                for row in connection.execute(said.where(story_ruling.c.id == story_ruling.c.act))
            }
            found = [
                move
                for row in connection.execute(moved)
                for move in past_moves(row.item_id, trail_of(row.item_id, row.evidence), row.story_id, acts)
            ]
            choices = {
                row.story_id: PastChoice(row.choice, row.at) for row in connection.execute(select(operator_choice))
            }
        return PastOverrides(tuple(sorted(found, key=lambda move: (move.at, move.item_id))), choices)


def _item(*, id: int, story_id: int, version: int, evidence: Mapping[str, Any] | None, **fields: Any) -> StoryItem:  # noqa: A002
    """A version in the story that it came to: before rulings moved it, and before an edit did."""
    known = evidence or {}
    began = (
        known[LEFT] if version < known.get("version", 0) and LEFT in known else began_in(trail_of(id, known), story_id)
    )
    return StoryItem(id=id, story_id=began, version=version, near=near(evidence), **fields)
