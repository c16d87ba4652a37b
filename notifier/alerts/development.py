"""Has a story that was alerted come to something? The result of the vote, the end of the hunt, the death of many.

Enters: a story's items and what was sent of it. Leaves: a `Development`, or None; next: `decide`, which makes it an
update. One outlet's edit is its own affair (`facts`): this is what several say at once, whoever was quoted before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.alerts.facts import statuses
from notifier.stories.breaking import Judgement, counts, judge, spokesman
from notifier.stories.story import StoryItem


@dataclass(frozen=True, slots=True)
class Development:
    """What became of it (a key of `facts.STATUSES`), in whose words, and who says so."""

    status: str
    item: StoryItem
    judgement: Judgement


def development(items: Sequence[StoryItem], told: Sequence[str], since: datetime, now: datetime) -> Development | None:
    """A status that as many sources as make a story breaking state since `since`, and nobody stated before.

    `told` are the headlines that were sent, the last of them at `since`.
    """
    before = [item.title for item in items if item.first_seen <= since and item.seen_at <= since]
    known = frozenset[str]().union(*(statuses(title) for title in (*told, *before)))
    newer = [item for item in items if item.first_seen > since and counts(item, now)]
    for status in sorted(frozenset[str]().union(*(statuses(item.title) for item in newer)) - known):
        saying = [item for item in newer if status in statuses(item.title)]
        judgement = judge(saying, now)
        if judgement.breaking:
            return Development(status, spokesman(saying, now), judgement)
    return None
