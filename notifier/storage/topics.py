"""Topics in the database: only their slugs, so that subscriptions and alerts can name them by a small number.

The topics themselves live in config/topics.yaml. A slug that left the file keeps its number: a topic that comes back
has its subscribers again.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from notifier.storage.database import upsert_into
from notifier.storage.schema import topic


def topic_ids(connection: Connection, slugs: Iterable[str], *, make: bool = False) -> dict[str, int]:
    """{slug: id} of the known ones among `slugs`; with `make` the others are added first."""
    wanted = sorted(set(slugs))
    if not wanted:
        return {}
    if make:
        connection.execute(upsert_into(connection, topic).on_conflict_do_nothing(), [{"slug": slug} for slug in wanted])
    rows = connection.execute(select(topic.c.slug, topic.c.id).where(topic.c.slug.in_(wanted)))
    return {row.slug: row.id for row in rows}
